"""The pictures of a report and their tables. This module does not import matplotlib, which is slow to import."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from reports.measured import Measured
from reports.plots import looks
from reports.sections.accuracy import accuracy
from reports.sections.always_one.lessons import compared
from reports.sections.speed.table import MEMBER

OF_TASK = ("ratio", "latency", "tradeoff", "memory")
"""The pictures of a task, in the order of the page."""

_SHOWN = [*MEMBER, "case", "status", "memory_format", "label", "size", "input_bytes", "peak_bytes"]
_SHOWN += ["latency_s", "ratio", "ratio_low", "ratio_high", "verdict", "baseline", "provisional"]
_NO_FILE_NAME = re.compile(r"[^A-Za-z0-9]+")


class Plot(NamedTuple):
    """A picture to draw: `kind` names its module in this folder, `stem` its file, and `tables` are its data."""

    kind: str
    stem: str
    tables: tuple[pd.DataFrame, ...]


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A drawn picture: its file, and its alternative text."""

    file: str
    alt: str


def of_tasks(measured: Measured) -> Iterator[tuple[str, Plot]]:
    """The plots of each task that has standings."""
    dressed = measured._replace(standings=looks.dressed(measured.standings, measured.answer))
    for task in measured.answer["task"].unique():
        table, standings, answer = (frame[frame["task"] == task] for frame in dressed)
        table = table[table.columns.intersection(_SHOWN)]  # all of it is pickled for a second process
        if len(standings):
            yield from ((task, Plot(kind, f"{task}-{kind}", (table, standings, answer))) for kind in OF_TASK)


def of_findings(judged: pd.DataFrame, resolution: pd.DataFrame, trained: pd.DataFrame) -> Iterator[Plot]:
    """The plots of the error suite and of the trainings."""
    for rows in accuracy.by_place(judged):
        yield Plot("heat_map", heat_map_of(rows), (rows, accuracy.tally(rows)))
    if len(resolution):
        yield Plot("resolution", "resolution", (resolution,))
    if len(trained) and compared(trained).any():
        yield Plot("always_one", "always_one", (trained,))


def heat_map_of(rows: pd.DataFrame) -> str:
    """The stem of the heat map of one device and dtype."""
    return f"accuracy-{_NO_FILE_NAME.sub('-', '-'.join(rows[accuracy.PLACE].iloc[0]))}"
