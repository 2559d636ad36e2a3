"""The whole answer of a run: what the page, the terminal and the summary for a pull request share."""

from typing import NamedTuple

import pandas as pd

from reports.sections.contracts import drop_ins
from reports.sections.speed.answer import close_seconds
from reports.sections.speed.by_shape import answers, by_shape
from reports.sections.speed.sentences import headlines
from reports.sections.speed.winners import by_size, winners


class Decision(NamedTuple):
    """The answer by shape, as `answers` gives it, and in sentences; what comes close, and where size decides.

    `shapes` are the rows of `by_shape`.
    `changes` are the questions on which a winner's contract differs from its baseline's, as `bites` gives them.
    `others` are the records that win no case.
    """

    rows: pd.DataFrame
    sentences: list[str]
    close_seconds: pd.DataFrame
    sizes: pd.DataFrame
    changes: pd.DataFrame
    others: pd.DataFrame
    shapes: pd.DataFrame


def decide(table: pd.DataFrame, standings: pd.DataFrame, answer: pd.DataFrame, answered: pd.DataFrame) -> Decision:
    """The whole answer; `answered` holds the contracts of implementations, and may be empty."""
    close, won = close_seconds(table, standings, answer), winners(table, standings, answer)
    shapes, sizes = by_shape(table, answer, won), by_size(won, answer)
    changes = drop_ins.bites(shapes, answered)
    rows = answers(table, answer, shapes, close, drop_ins.in_short(changes))
    return Decision(rows, headlines(answer, shapes, sizes, close), close, sizes, changes, _others(table, won), shapes)


def _others(table: pd.DataFrame, winners: pd.DataFrame) -> pd.DataFrame:
    keys = ["case", "implementation"]
    return table[~pd.MultiIndex.from_frame(table[keys]).isin(pd.MultiIndex.from_frame(winners[keys]))]
