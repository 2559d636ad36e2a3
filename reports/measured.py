"""The ranked results of a run: the tables behind the page, the pictures and the answer for a terminal."""

from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

from reports.sections.accuracy.accuracy import unfit
from reports.sections.speed.answer import answer
from reports.sections.speed.standings import standings
from reports.sections.speed.table import prepare


class Measured(NamedTuple):
    """The prepared table of records, the standings of each implementation, and the answer of each group."""

    table: pd.DataFrame
    standings: pd.DataFrame
    answer: pd.DataFrame


def measured(records: pd.DataFrame, judged: pd.DataFrame, budget: Mapping[str, float]) -> Measured:
    """Rank `records`; an implementation that `judged` finds wrong on ordinary inputs is never the answer."""
    table = prepare(records)
    ranked = standings(table, budget, unfit(judged))
    return Measured(table, ranked, answer(table, ranked))
