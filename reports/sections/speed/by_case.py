"""The tables behind the answer: implementations by cases, for one group."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from reports import units
from reports.sections.conditions import rounds
from reports.sections.speed.table import GROUP, SAME, group_names

CASES = 16
IMPLEMENTATIONS = 40
FLAGGED = "†"


def spread(values: list[str], count: int) -> list[str]:
    """At most `count` of `values`, evenly spread, the first and the last among them."""
    if len(values) <= count:
        return values
    return [values[i] for i in np.linspace(0, len(values) - 1, count).round().astype(int)]


def of_group(frame: pd.DataFrame, group: pd.Series) -> pd.DataFrame:
    """The rows of the group that a row of the answer names."""
    return frame[(frame[GROUP] == group[GROUP]).all(axis=1)]


def shown(rows: pd.DataFrame, standings: pd.DataFrame) -> pd.DataFrame:
    """At most `CASES` cases of a group's rows, small to large, and the `IMPLEMENTATIONS` fastest."""
    labels = rows.sort_values(["size", "label"], kind="stable")["label"].unique()
    names = pd.Index([*standings["implementation"], *rows["implementation"]]).unique()[:IMPLEMENTATIONS]
    some = rows[rows["label"].isin(spread(list(labels), CASES)) & rows["implementation"].isin(names)]
    rank = some["implementation"].map({name: rank for rank, name in enumerate(names)})
    return some.assign(rank=rank).sort_values(["rank", "size", "label"], kind="stable")


def left_out(rows: pd.DataFrame) -> str:
    """How many of a group's cases and implementations are shown; "" if all are."""
    cases, implementations = rows["label"].nunique(), rows["implementation"].nunique()
    parts = [f"{CASES} of {cases:,} cases"] if cases > CASES else []
    if implementations > IMPLEMENTATIONS:
        parts.append(f"the {IMPLEMENTATIONS} fastest of {implementations:,} implementations")
    return " and ".join(parts)


def latency(rows: pd.DataFrame) -> pd.DataFrame:
    """Latency and comparison with the baseline of the rows that are shown, "81.2 µs, 11× faster", or the status.

    A dagger marks flagged records.
    """
    cells = [_time(row) if row["status"] == "ok" else row["status"].replace("_", " ") for _, row in rows.iterrows()]
    return _crosswise(rows.assign(cell=cells))


def first_calls(rows: pd.DataFrame) -> pd.DataFrame:
    """First calls of slow starters, and the calls until break-even: "3.2 s, 41,000 calls"; may be empty."""
    slow = rows[rows.groupby("implementation")["slow_start"].transform("any") & (rows["status"] == "ok")]
    parts = zip(slow["first_call_s"].map(units.seconds), slow["pays_after"].map(units.calls), strict=True)
    return _crosswise(slow.assign(cell=[", ".join(pair) for pair in parts]))


def launches(rows: pd.DataFrame) -> pd.DataFrame:
    """Host time per call on a GPU, and device time as a replayed graph: "9.1 µs, 2.3 µs"; may be empty."""
    rows = rows[rows["device_s"].notna()]
    parts = zip(rows["host_s"].map(units.seconds), rows["graph_s"].map(units.seconds), strict=True)
    return _crosswise(rows.assign(cell=[", ".join(pair) for pair in parts]))


def memory_and_error(rows: pd.DataFrame) -> pd.DataFrame:
    """Peak memory beyond the inputs and the largest absolute error of the rows that are shown: "1.5 MiB, 2e-7"."""
    parts = zip(rows["peak_bytes"].map(units.size), rows["error_u"].map(units.absolute), strict=True)
    cells = [", ".join(pair) if {*pair} != {units.MISSING} else units.MISSING for pair in parts]
    return _crosswise(rows.assign(cell=cells))


@dataclass(frozen=True, kw_only=True)
class Group:
    """The tables of one group of cases; `rounds` is how often it was timed, `left_out` which part is shown."""

    name: str
    rounds: str
    latency: pd.DataFrame
    launches: pd.DataFrame
    first_calls: pd.DataFrame
    memory_and_error: pd.DataFrame
    left_out: str


def groups(table: pd.DataFrame, standings: pd.DataFrame, answer: pd.DataFrame) -> list[Group]:
    """The tables of each group, in the order of the answer."""
    names = group_names(answer)
    keys = (key for _, key in answer[GROUP].iterrows())
    return [_group(name, of_group(table, key), of_group(standings, key)) for name, key in zip(names, keys, strict=True)]


def _time(row: pd.Series) -> str:
    against = f", {row['verdict'] if row['verdict'] == SAME else units.speed(row['ratio'])}" if row["verdict"] else ""
    return units.seconds(row["latency_s"]) + against + (f" {FLAGGED}" if row["flags"] else "")


def _crosswise(rows: pd.DataFrame) -> pd.DataFrame:
    wide = rows.pivot(index="implementation", columns="label", values="cell")
    labels = rows.sort_values(["size", "label"], kind="stable")["label"].unique()
    wide = wide.reindex(index=rows["implementation"].unique(), columns=labels).fillna(units.MISSING)
    return wide.rename_axis(columns=None).reset_index()


def _group(name: str, rows: pd.DataFrame, standings: pd.DataFrame) -> Group:
    some = shown(rows, standings)
    return Group(
        name=name,
        rounds=rounds(rows["rounds"]),
        latency=latency(some),
        launches=launches(some),
        first_calls=first_calls(some),
        memory_and_error=memory_and_error(some),
        left_out=left_out(rows),
    )
