"""What a run measured, ranked: the tables that the page, its pictures and the terminal are made of."""

from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

from reports.sections.accuracy import accuracy
from reports.sections.speed.answer import answer
from reports.sections.speed.standings import standings
from reports.sections.speed.table import prepare


class Measured(NamedTuple):
    """`table` is what `prepare` returns, `judged` the accuracy with its outcomes; then who did how, and who is best."""

    table: pd.DataFrame
    judged: pd.DataFrame
    standings: pd.DataFrame
    answer: pd.DataFrame


def measured(records: pd.DataFrame, found: pd.DataFrame, budget_u: Mapping[str, float]) -> Measured:
    """Rank the records of a run; `found` is its accuracy, by which an implementation may be unfit to be an answer."""
    table, judged = prepare(records), accuracy.judged(found, budget_u)
    ranked = standings(table, budget_u, accuracy.unfit(judged))
    return Measured(table, judged, ranked, answer(table, ranked))
