"""The cost of being right: an implementation's time and memory, relative to the baseline."""

from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from reports import units
from reports.markdown import code, codes
from reports.sections.accuracy import accuracy
from reports.sections.speed.table import GROUP

NAMES = 4


def costs(standings: pd.DataFrame, by: Sequence[str] = ("implementation",)) -> pd.DataFrame:
    """One row for each combination of `by`.

    `time` is the geometric mean of the time relative to the baseline, over the groups of cases in which the baseline
    ran too, and `least` and `most` are its extremes; NaN where there is none. `memory` is the largest peak over the
    baseline's.
    """
    beside = standings.groupby(GROUP)["baseline"].transform("any").astype(bool) & (standings["apart"] == "")
    time = standings["time"].astype(float).where(beside)
    grouped = standings.assign(time=time, log=np.log(time)).groupby(list(by))
    found = grouped.agg(time=("log", "mean"), least=("time", "min"), most=("time", "max"), memory=("memory", "max"))
    return found.assign(time=np.exp(found["time"]))


def priced(remarks: Mapping[str, str], cost: pd.DataFrame) -> str:
    """Names, each with its remark and its `cost`, the fastest first; "none" if there are none."""
    rows = cost.reindex(pd.Index(list(remarks), name="implementation")).sort_values("time", kind="stable")
    parts = [
        f"{code(str(name))} ({remarks[str(name)]}{_price(row) if name in cost.index else 'not timed'})"
        for name, row in rows.head(NAMES).iterrows()
    ]
    more = f" and {len(rows) - NAMES} more" if len(rows) > NAMES else ""
    return (", ".join(parts) or "none") + more


def safest(
    judged: pd.DataFrame, answer: pd.DataFrame, standings: pd.DataFrame, not_drop_ins: Collection[str]
) -> list[str]:
    """The fastest that is right on every family, for each task whose answer is wrong on one or not a drop-in."""
    right, wrong = accuracy.sound(judged), judged.loc[judged["outcome"] == accuracy.WRONG, "implementation"]
    cost = costs(standings, ["task", "implementation"]).dropna(subset=["time"])
    lines = []
    for task, rows in answer.dropna(subset=["implementation"]).groupby("task", sort=False):
        if not {*rows["implementation"]} & {*wrong, *not_drop_ins}:
            continue
        timed = cost[(cost.index.get_level_values(0) == task) & cost.index.get_level_values(1).isin(right)]
        best = _fastest(timed, rows.loc[rows["apart"] == "", "reference"].dropna().unique())
        lines.append(f"**Right on every family of hard inputs**, {task}: {best}.")
    return lines


def _fastest(timed: pd.DataFrame, references: Iterable[str]) -> str:
    if timed.empty:
        return "no implementation that was timed"
    best = timed.reset_index().sort_values("time", kind="stable").iloc[0]
    span = units.speeds(best["most"], best["least"])
    return f"{code(best['implementation'])}, {span} than {codes(references)}{_peak(best)}"


def _price(row: pd.Series) -> str:
    return "not timed against it" if pd.isna(row["time"]) else f"{units.speed(row['time'])}{_peak(row)}"


def _peak(row: pd.Series) -> str:
    share = units.share(row["memory"])
    bound, of = "" if share.startswith("under") else "at most ", "" if share.endswith("×") else " of"
    return "" if pd.isna(row["memory"]) else f", {bound}{share}{of} the memory"
