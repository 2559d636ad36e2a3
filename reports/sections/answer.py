"""The answer: what to ship in each group of cases, what else comes close, and where size decides."""

import numpy as np
import pandas as pd

from reports.sections.standings import MEMBER, baselines
from reports.sections.table import GROUP

AS_FAST = "as fast"
STRONGLY = 0.9
"""A winner is replaced in a case by one that takes at most this share of its time there."""


def answer(table: pd.DataFrame, standings: pd.DataFrame) -> pd.DataFrame:
    """One row a group of `table`: the standing of the fastest complete implementation within the error budget.

    `implementation` is missing where there is none; `builtin` is the group's baseline, `builtin_error_u`
    its largest error if it ran.
    """
    best = standings[standings["complete"] & standings["within"]].drop_duplicates(GROUP)
    groups = table[GROUP].drop_duplicates().merge(best, on=GROUP, how="left")
    named = baselines(table).rename("builtin").reset_index()
    errors = standings.loc[standings["baseline"], [*GROUP, "error_u"]].rename(columns={"error_u": "builtin_error_u"})
    return groups.merge(named, on=GROUP, how="left").merge(errors, on=GROUP, how="left")


def close_seconds(table: pd.DataFrame, standings: pd.DataFrame, answer: pd.DataFrame) -> pd.DataFrame:
    """The standings that somebody will ask about, with the reason `why` they are not the answer.

    Those that are as fast: the intervals overlap. Those that are faster but outside of the error
    budget or incomplete: their geometric mean `against_answer`, over the cases that both ran, is below 1.
    """
    rows = answer[[*GROUP, "implementation", "ratio_low", "ratio_high"]].merge(
        standings, on=GROUP, suffixes=("_chosen", "")
    )
    rows = rows.merge(_against(table, answer), on=MEMBER, how="left")
    rows = rows[rows["implementation"] != rows["implementation_chosen"]]
    overlap = (rows["ratio_low"] <= rows["ratio_high_chosen"]) & (rows["ratio_low_chosen"] <= rows["ratio_high"])
    faster = rows["implementation_chosen"].isna() | (rows["against_answer"] < 1)
    reasons = {
        "wrong in some cases": faster & rows["wrong"],
        "outside of the error budget": faster & ~rows["within"],
        "did not run every case": faster & ~rows["complete"],
        AS_FAST: rows["within"] & rows["complete"] & overlap,
    }
    rows["why"] = np.select(list(reasons.values()), list(reasons), "")
    return rows.loc[rows["why"] != "", [*standings.columns, "against_answer", "why"]].reset_index(drop=True)


def by_size(table: pd.DataFrame, standings: pd.DataFrame, answer: pd.DataFrame) -> pd.DataFrame:
    """Who wins which cases, for the groups whose answer is clearly beaten in some: one row a winner.

    Clearly: the intervals don't overlap and the time is at most `STRONGLY` of the answer's.
    Columns: the group, `implementation`, `labels` (tuple, small cases first), `best` and `worst` ratio.
    """
    fit = table[table["status"] == "ok"].merge(standings.loc[standings["within"], MEMBER], on=MEMBER)
    fit = fit.sort_values(["input_bytes", "label", "time"])
    winners = fit.drop_duplicates("case").set_index("case")
    chosen = fit.merge(answer[MEMBER], on=MEMBER).set_index("case").reindex(winners.index)
    clear = (winners["time_high"] < chosen["time_low"]) & (winners["time"] <= STRONGLY * chosen["time"])
    clear |= chosen["time"].isna()
    rows = winners.assign(implementation=winners["implementation"].where(clear, chosen["implementation"]))
    rows = rows.assign(ratio=rows["ratio"].where(clear, chosen["ratio"])).dropna(subset=["implementation"])
    split = rows.groupby(GROUP)["implementation"].transform("nunique") > 1
    grouped = rows[split].groupby(MEMBER, sort=False)
    rows = grouped.agg(labels=("label", tuple), best=("ratio", "min"), worst=("ratio", "max")).reset_index()
    return answer[GROUP].merge(rows, on=GROUP)


def _against(table: pd.DataFrame, answer: pd.DataFrame) -> pd.DataFrame:
    ok = table[table["status"] == "ok"]
    chosen = ok.merge(answer[MEMBER], on=MEMBER).set_index("case")["time"]
    logs = ok[MEMBER].assign(against_answer=np.log(ok["time"] / ok["case"].map(chosen).astype(float)))
    return logs.groupby(MEMBER)["against_answer"].mean().apply(np.exp).reset_index()
