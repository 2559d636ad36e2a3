"""How each implementation did in each group of cases: what the answer and the pictures are read from."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from reports.sections.table import GROUP

MEMBER = [*GROUP, "implementation"]


def standings(table: pd.DataFrame, budget_u: Mapping[str, float]) -> pd.DataFrame:
    """One row an implementation and group in which it ran, the fastest first.

    `ran` of `cases` counts those that any implementation ran, `error_u` is the worst of them.
    `time`, `ratio` with its interval and `memory` (peak over the baseline's) are geometric means
    over the cases that all the most complete implementations share, `best` and `worst` the extremes
    of the ratio there, and `compared` how many of them the baseline ran. `complete`: nobody ran more
    cases. `wrong`: wrong in a case. `within`: not wrong, and within the error budget.
    """
    ok = table[table["status"] == "ok"]
    rows = ok.groupby(MEMBER).agg(ran=("case", "nunique"), error_u=("error_u", "max")).join(_means(ok)).reset_index()
    rows["cases"] = _by_group(rows, ok.groupby(GROUP)["case"].nunique())
    rows["baseline"] = rows["implementation"] == _by_group(rows, baselines(table))
    rows["complete"] = rows["ran"] == rows.groupby(GROUP)["ran"].transform("max")
    rows["budget_u"] = rows["dtype"].map(budget_u).astype(float)
    rows["wrong"] = _wrong(table, rows)
    rows["within"] = (rows["error_u"] <= rows["budget_u"]) & ~rows["wrong"]
    return rows.sort_values([*GROUP, "time", "implementation"], ignore_index=True)


def baselines(table: pd.DataFrame) -> pd.Series:
    """The baseline of each group that has one."""
    return table[table["baseline"]].drop_duplicates(GROUP).set_index(GROUP)["implementation"]


def _means(ok: pd.DataFrame) -> pd.DataFrame:
    peak = ok[ok["baseline"]].drop_duplicates("case").set_index("case")["peak_bytes"].replace(0, np.nan)
    memory = (ok["peak_bytes"] / ok["case"].map(peak).astype(float)).clip(lower=1e-6)  # 0 has no logarithm
    shared = ok.assign(memory=memory)[_shared(ok)]
    logs = shared[["time", "ratio", "memory"]].apply(np.log)
    below = (logs["ratio"] - np.log(shared["ratio_low"])) ** 2
    above = (np.log(shared["ratio_high"]) - logs["ratio"]) ** 2
    grouped = logs.assign(below=below, above=above).groupby([shared[key] for key in MEMBER])
    mean, count = grouped[["time", "ratio", "memory"]].mean(), grouped["ratio"].count()
    spread = grouped[["below", "above"]].sum() ** 0.5  # the intervals of independent cases add in quadrature
    mean["ratio_low"] = mean["ratio"] - spread["below"] / count
    mean["ratio_high"] = mean["ratio"] + spread["above"] / count
    extremes = shared.groupby(MEMBER)["ratio"]
    return mean.apply(np.exp).assign(best=extremes.min(), worst=extremes.max(), compared=count)


def _shared(ok: pd.DataFrame) -> pd.Series:
    """The rows of cases that all the most complete implementations ran; all rows where there is no such case."""
    ran = ok.groupby(MEMBER)["case"].transform("nunique")
    complete = ran == ran.groupby([ok[key] for key in GROUP]).transform("max")
    leaders = ok["implementation"].where(complete)
    here = leaders.groupby(ok["case"]).transform("nunique")
    shared = here == leaders.groupby([ok[key] for key in GROUP]).transform("nunique")
    return shared | ~shared.groupby([ok[key] for key in GROUP]).transform("any")


def _wrong(table: pd.DataFrame, rows: pd.DataFrame) -> "pd.Series[bool]":
    wrong = pd.MultiIndex.from_frame(table.loc[table["status"] == "wrong", MEMBER])
    return pd.Series(pd.MultiIndex.from_frame(rows[MEMBER]).isin(wrong), rows.index)


def _by_group(rows: pd.DataFrame, values: pd.Series) -> pd.Series:
    return values.reindex(pd.MultiIndex.from_frame(rows[GROUP])).set_axis(rows.index)
