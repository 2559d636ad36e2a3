"""The time and the memory of a call, operator by operator."""

from dataclasses import dataclass

import pandas as pd

from reports import units
from reports.markdown import codes
from reports.sections.speed.by_case import spread
from suites.records.outside import OUTSIDE

TOP = 5
PROFILES = 4
NEARLY_ALL = 0.8


def operators(profile: pd.DataFrame) -> pd.DataFrame:
    """The `TOP` operators of each implementation and case by their own time, the baseline's first.

    `share` is the part of the implementation's time in that case.
    """
    total = profile.groupby(["case", "implementation"])["self_s"].transform("sum")
    rows = profile.assign(share=profile["self_s"] / total.where(total > 0))
    rows = rows.sort_values(["self_s", "operator"], ascending=[False, True], kind="stable")
    rows = rows.groupby(["case", "implementation"], sort=False).head(TOP)
    order = ["case", "baseline", "implementation"]
    return rows.sort_values(order, ascending=[True, False, True], kind="stable", ignore_index=True)


def operator_table(rows: pd.DataFrame) -> pd.DataFrame:
    """The operators of one case as a table."""
    return pd.DataFrame(
        {
            "implementation": rows["implementation"],
            "operator": rows["operator"],
            "calls": rows["calls"],
            "own time": rows["self_s"].map(units.seconds),
            "share": rows["share"].map(units.share),
            "allocated": rows["allocated_bytes"].map(units.size),
        }
    )


def outside(profile: pd.DataFrame) -> str:
    """Which implementations spend at least `NEARLY_ALL` of each profiled call outside torch, in words; "" if none."""
    calls = profile.assign(outside_s=profile["self_s"].where(profile["operator"] == OUTSIDE, 0.0))
    calls = calls.groupby(["implementation", "case"], sort=False)[["self_s", "outside_s"]].sum()
    least = (calls["outside_s"] / calls["self_s"]).groupby("implementation", sort=False).min()
    found = least[least >= NEARLY_ALL]
    if found.empty:
        return ""
    return (
        f"Nearly all time of {codes(found.index)} is outside torch, at least {units.share(found.min())} of each call: "
        "this profile doesn't show what happens there. Use a profiler of Python or of native code, such as py-spy."
    )


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The operators of one case."""

    case: str
    operators: pd.DataFrame


def profiles(operators: pd.DataFrame) -> list[Profile]:
    """The operators of at most `PROFILES` cases, evenly spread."""
    cases = spread(list(operators["case"].unique()), PROFILES)
    return [Profile(case=case, operators=operator_table(operators[operators["case"] == case])) for case in cases]
