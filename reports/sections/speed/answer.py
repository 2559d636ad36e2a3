"""The answer: what to ship in each group of cases, and what comes close."""

import numpy as np
import pandas as pd

from reports.sections.speed.standings import baselines
from reports.sections.speed.table import GROUP, MEMBER, SAME
from reports.sections.speed.verdicts import against, hidden, tally
from reports.sections.speed.winners import within

FLAWS = {
    "wrong in some cases": "is wrong in some cases",
    "wrong on ordinary inputs": "is wrong on ordinary inputs",
    "outside the error budget": "is outside the error budget",
    "did not run every case": "did not run every case",
}
"""Why a faster implementation is not the answer, as a cell and as a clause."""


def answer(table: pd.DataFrame, standings: pd.DataFrame) -> pd.DataFrame:
    """One row for each group of `table`: the standing of the fastest complete implementation within the error budget.

    The baseline is preferred to an implementation that is seen to be faster in no case, or not over all cases.
    `implementation` is missing where there is none, and `cases` is 0 where nothing ran. `reference` is the group's
    baseline, `reference_why` that of `results.load`, `reference_error_u` its largest error if it ran, and `flags` those
    of the answer's records. `disturbed` counts the cases whose verdicts are provisional, and `lacking` those in which
    nothing is within the error budget. Where noise may hide a faster implementation than the baseline, `rival` is the
    fastest such and `rival_time` its time.
    """
    fit = standings[standings["complete"] & standings["within"]]
    doubtful = ~fit["baseline"] & (fit["compared"] > 0) & ((fit["faster"] == 0) | (fit["time_high"] >= 1))
    best = fit.assign(doubtful=doubtful).sort_values("doubtful", kind="stable").drop_duplicates(GROUP)
    groups = table[GROUP].drop_duplicates().merge(best.drop(columns=["doubtful", "cases"]), on=GROUP, how="left")
    named = baselines(table).rename(columns={"implementation": "reference"}).reset_index()
    errors = standings.loc[standings["baseline"], [*GROUP, "error_u"]].rename(columns={"error_u": "reference_error_u"})
    rivals = _rivals(fit.merge(best.loc[best["baseline"], GROUP], on=GROUP))
    doubts = (_flags(table), _disturbed(table), _lacking(table, standings))
    for columns in (standings[[*GROUP, "cases"]].drop_duplicates(), named, errors, rivals, *doubts):
        groups = groups.merge(columns, how="left")
    return groups.fillna({"cases": 0, "flags": "", "reference_why": "", "disturbed": 0, "lacking": 0})


def close_seconds(table: pd.DataFrame, standings: pd.DataFrame, answer: pd.DataFrame) -> pd.DataFrame:
    """The standings that come close to the answer, with the reason `why` they are not the answer.

    Some are as fast: no case shows a difference, or the intervals of the means overlap. Others are faster in a case
    and over all shared cases, but wrong on ordinary inputs, outside the error budget or incomplete. The columns of
    `tally` with the suffix `_chosen` count the verdicts against the answer.
    """
    rows = answer[[*GROUP, "implementation", "time_low", "time_high"]].merge(
        standings, on=GROUP, suffixes=("_chosen", "")
    )
    rows = rows.merge(_against(table, answer), on=MEMBER, how="left", suffixes=("", "_chosen"))
    rows = rows[rows["implementation"] != rows["implementation_chosen"]]
    overlap = (rows["time_low"] <= rows["time_high_chosen"]) & (rows["time_low_chosen"] <= rows["time_high"])
    unseen = (rows["faster_chosen"] == 0) & (rows["slower_chosen"] == 0)
    faster = rows["implementation_chosen"].isna() | ((rows["faster_chosen"] > 0) & (rows["time_chosen"] < 1))
    flaws = [faster & flaw for flaw in (rows["wrong"], rows["unfit"], ~rows["within"], ~rows["complete"])]
    reasons = dict(zip(FLAWS, flaws, strict=True)) | {SAME: rows["within"] & rows["complete"] & (overlap | unseen)}
    rows["why"] = np.select(list(reasons.values()), list(reasons), "")
    return rows[rows["why"] != ""].reset_index(drop=True)


def _rivals(fit: pd.DataFrame) -> pd.DataFrame:
    names = {"implementation": "rival", "time": "rival_time", "time_low": "rival_low", "time_high": "rival_high"}
    return fit[hidden(fit)].drop_duplicates(GROUP)[[*GROUP, *names]].rename(columns=names)


def _flags(table: pd.DataFrame) -> pd.DataFrame:
    flags = table.loc[table["flags"] != "", MEMBER].assign(flags=table["flags"].str.split(", ")).explode("flags")
    return flags.drop_duplicates().groupby(MEMBER)["flags"].agg(", ".join).reset_index()


def _disturbed(table: pd.DataFrame) -> pd.DataFrame:
    cases = table[table["provisional"] & (table["status"] == "ok")]
    return cases.groupby(GROUP)["case"].nunique().rename("disturbed").reset_index()


def _lacking(table: pd.DataFrame, standings: pd.DataFrame) -> pd.DataFrame:
    ok = table[table["status"] == "ok"]
    cases = ok[~ok["case"].isin(within(table, standings)["case"])]
    return cases.groupby(GROUP)["case"].nunique().rename("lacking").reset_index()


def _against(table: pd.DataFrame, answer: pd.DataFrame) -> pd.DataFrame:
    ok = table[table["status"] == "ok"]
    rows = against(ok, ok.merge(answer[MEMBER], on=MEMBER))
    time = np.log(rows["ratio"]).groupby([rows[key] for key in MEMBER]).mean().pipe(np.exp)
    return tally(rows).assign(time=time).reset_index()
