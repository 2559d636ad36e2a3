"""What to beware of in a row of the answer, in a few words each."""

from collections.abc import Mapping

import pandas as pd

from reports import units
from reports.sections.speed.table import SLOWER
from reports.sections.speed.verdicts import NOTICEABLE
from suites.records.flags import meaning

Changes = Mapping[tuple[str, str, str, str], str]
"""What a replacement changes: an implementation, its baseline, a device and a dtype to a few words."""


def beware(row: pd.Series, changes: Changes, flawed: str) -> str:
    """The doubts about a row of `by_shape`, the worst first; "" without any.

    `flawed` says why the baseline is not the answer of the group, such as "is wrong on ordinary inputs".
    """
    doubts = ["other work disturbed it"] if row["provisional"] else []
    if not row["ran"]:
        return "; ".join([*doubts, "nothing ran"])
    if pd.isna(row["implementation"]):
        return "; ".join([*doubts, "nothing is within the error budget"])
    if pd.notna(row["reference_status"]) and row["reference_status"] != "ok":
        doubts.append(f"baseline: {row['reference_status'].replace('_', ' ')}")
    if flawed and row["verdict"] == SLOWER:
        doubts.append(f"the baseline {flawed}")
    change = changes.get((row["implementation"], row["reference"], row["device"], row["dtype"]))
    doubts += [change] if change else []
    doubts += [f"noise floor {units.percent(row['noise_floor'])}"] if row["noise_floor"] > NOTICEABLE else []
    doubts += [f"first call {units.seconds(row['first_call_s'])}"] if row["slow_start"] else []
    doubts += [meaning(flag) for flag in filter(None, row["flags"].split(", "))]
    return "; ".join(doubts)


def beware_of_all(row: pd.Series, shapes: pd.DataFrame, changes: Changes, flawed: str) -> str:
    """The doubts about a row of the answer that stands for all of its `shapes`."""
    if not row["cases"]:
        return "nothing ran"
    doubts = [f"other work disturbed {units.counted(row['disturbed'], 'case')}"] if row["disturbed"] else []
    doubts += [f"the baseline {flawed}"] if flawed else []
    change = changes.get((row["implementation"], row["reference"], row["device"], row["dtype"]))
    doubts += [change] if change else []
    floor = shapes["noise_floor"].max()
    doubts += [f"noise floor up to {units.percent(floor)}"] if floor > NOTICEABLE else []
    doubts += ["another one wins some shapes"] if shapes["implementation"].nunique() > 1 else []
    doubts += [meaning(flag) for flag in filter(None, row["flags"].split(", "))]
    return "; ".join(doubts)
