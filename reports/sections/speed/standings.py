"""The result of each implementation in each group of cases: the basis of the answer and the pictures."""

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from reports.sections.speed.table import GROUP, MEMBER
from reports.sections.speed.verdicts import tally
from suites.records.record import UNIT_ROUNDOFF


def standings(
    table: pd.DataFrame, budget: Mapping[str, float], unfit: Collection[tuple[str, str, str]] = ()
) -> pd.DataFrame:
    """One row for each implementation and group in which it ran, the fastest first.

    It ran `ran` of the `cases` that any implementation ran; `error_u` is the largest error. Times are compared over the
    cases that all the most complete implementations share: `tally` counts the verdicts there, and `time` with its
    interval is a geometric mean for ranking only; `noise` is that of 1 + the noise floors. `memory` is the largest
    peak over the baseline's, missing where one is not known. `complete`: no implementation ran more cases. `wrong`:
    wrong in a case. `unfit`: in the argument `unfit`, which holds device, dtype and name of implementations that are
    wrong on ordinary inputs. `within`: neither wrong nor unfit, and within `budget`, that of its dtype. `first_call_s`
    is the longest first call, `pays_after` the most calls until break-even, `never` the number of cases without one.
    """
    ok = table[table["status"] == "ok"]
    shared = ok[_shared(ok)]
    rows = _over_all(ok).join([_means(shared), tally(shared)]).reset_index()
    rows["cases"] = _by_group(rows, ok.groupby(GROUP)["case"].nunique())
    rows["baseline"] = rows["implementation"] == _by_group(rows, baselines(table))
    rows["complete"] = rows["ran"] == rows.groupby(GROUP)["ran"].transform("max")
    rows["budget"] = rows["dtype"].map(budget).astype(float)
    rows["wrong"] = _wrong(table, rows)
    here = zip(rows["device"], rows["dtype"], rows["implementation"], strict=True)
    rows["unfit"] = pd.Series([place in unfit for place in here], rows.index, dtype=bool)
    rows["within"] = (rows["error_u"] * UNIT_ROUNDOFF <= rows["budget"]) & ~rows["wrong"] & ~rows["unfit"]
    return rows.sort_values([*GROUP, "time", "implementation"], ignore_index=True)


def baselines(table: pd.DataFrame) -> pd.Series:
    """The baseline of each group that has one."""
    return table[table["baseline"]].drop_duplicates(GROUP).set_index(GROUP)["implementation"]


def _over_all(ok: pd.DataFrame) -> pd.DataFrame:
    never = np.isinf(ok["pays_after"])
    grouped = ok.assign(pays_after=ok["pays_after"].mask(never), never=never).groupby(MEMBER)
    return grouped.agg(
        ran=("case", "nunique"),
        error_u=("error_u", "max"),
        first_call_s=("first_call_s", "max"),
        pays_after=("pays_after", "max"),
        never=("never", "sum"),
    )


def _means(shared: pd.DataFrame) -> pd.DataFrame:
    peak = shared[shared["baseline"]].drop_duplicates("case").set_index("case")["peak_bytes"].replace(0, np.nan)
    memory = shared["peak_bytes"] / shared["case"].map(peak).astype(float)
    times = shared[["time", "time_low", "time_high"]]
    logs = times.assign(noise=1 + shared["noise_floor"]).apply(np.log)
    below, above = (logs["time"] - logs["time_low"]) ** 2, (logs["time_high"] - logs["time"]) ** 2
    members = [shared[key] for key in MEMBER]
    grouped = logs.assign(below=below, above=above).groupby(members)
    mean, count = grouped[["time", "noise"]].mean(), grouped["time"].count()
    spread = grouped[["below", "above"]].sum() ** 0.5  # the intervals of independent cases add in quadrature
    mean["time_low"] = mean["time"] - spread["below"] / count
    mean["time_high"] = mean["time"] + spread["above"] / count
    return mean.apply(np.exp).assign(memory=memory.groupby(members).agg(lambda shares: shares.max(skipna=False)))


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
