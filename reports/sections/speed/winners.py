"""The winner of each case, and where size decides."""

import pandas as pd

from reports.sections.speed.samples import errors_u
from reports.sections.speed.table import FASTER, GROUP, MEMBER
from reports.sections.speed.verdicts import against, tally, unproven
from suites.records.record import UNIT_ROUNDOFF

STRONGLY = 0.9
"""Another implementation wins a case clearly if it takes at most this share of the answer's time."""


def winners(table: pd.DataFrame, standings: pd.DataFrame, answer: pd.DataFrame) -> pd.DataFrame:
    """The rows of `table` that win their case: the answer of the group, unless another one within the budget is clearly
    faster there. The budget is that of the case: one long row beyond it doesn't disqualify the others.

    Clearly: a difference is seen, and the time is at most `STRONGLY` of the answer's. The baseline wins a case where
    no implementation clearly beats it. A case without an implementation within the budget has no row.
    """
    fit = within(table, standings)
    doubtful = unproven(fit) | (~fit["baseline"] & (fit["ratio"] > STRONGLY))
    fit = fit.assign(unproven=doubtful).sort_values(["size", "label", "unproven", "time"])
    fastest = fit.drop_duplicates("case")
    chosen = fit.merge(answer[MEMBER], on=MEMBER)
    beaten = against(fastest, chosen)
    unclear = beaten.loc[(beaten["verdict"] != FASTER) | (beaten["ratio"] > STRONGLY), "case"]
    rows = pd.concat([fastest[~fastest["case"].isin(unclear)], chosen[chosen["case"].isin(unclear)]])
    return rows.sort_values(["size", "label"])


def within(table: pd.DataFrame, standings: pd.DataFrame) -> pd.DataFrame:
    """The rows of `table` that are within the budget of their case, of implementations that are nowhere wrong.

    Of a user's file all rows count: a sample within the budget is no answer where more rows are beyond it.
    """
    right = standings.loc[~standings["wrong"] & ~standings["unfit"], [*MEMBER, "budget"]]
    fit = table[table["status"] == "ok"].merge(right, on=MEMBER)
    return fit[errors_u(fit) * UNIT_ROUNDOFF <= fit["budget"]].drop(columns="budget")


def by_size(winners: pd.DataFrame, answer: pd.DataFrame) -> pd.DataFrame:
    """One row for each winner of cases, in the groups with several winners.

    Columns: the group, `implementation`, `labels` (a tuple, small cases first), and those of `tally`.
    """
    rows = winners[winners.groupby(GROUP)["implementation"].transform("nunique") > 1]
    labels = rows.groupby(MEMBER, sort=False)["label"].agg(tuple)
    return answer[GROUP].merge(labels.rename("labels").to_frame().join(tally(rows)).reset_index(), on=GROUP)
