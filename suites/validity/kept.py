"""The measurements so far, in memory and in the file that a later call resumes from."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from suites.kept import KeptRow, KeptRows
from suites.validity.methods import Outcome


class Comparison(NamedTuple):
    """One pair of functions on one machine, for each method to compare."""

    machine: str
    calls: str
    slowdown: float
    number: int


class KeptComparisons:
    """All outcomes and properties, and the file that each is appended to. Nothing in the file is measured again.

    Args:
        file: JSON lines, or None to keep nothing.
        seconds: per pair and method; a file of other seconds is refused.

    Raises:
        SystemExit: the file holds something else, or was made with other `seconds`.
    """

    def __init__(self, file: Path | None, seconds: float) -> None:
        self._kept = KeptRows(file, "budget_s", seconds, what="trials", show=lambda s: f"{s:g} s a pair", parse=_parsed)

    def add(self, rows: Iterable[dict[str, Any]]) -> None:
        """Keep more outcomes or properties."""
        self._kept.add(rows)

    @property
    def done(self) -> set[Comparison]:
        """The comparisons in the file."""
        return {_comparison(row) for row in self._outcomes()}

    @property
    def outcomes(self) -> pd.DataFrame:
        """One row for each comparison and method."""
        return pd.DataFrame(self._outcomes())

    @property
    def properties(self) -> dict[str, dict[str, Any]]:
        """The instrument's properties by name."""
        return {str(row["figure"]): _property(row) for row in self._kept.rows if "figure" in row}

    def _outcomes(self) -> list[dict[str, Any]]:
        return [row for row in self._kept.rows if "method" in row]


def _parsed(row: KeptRow) -> object:
    if "figure" in row:
        return _property(row)
    return _comparison(row), Outcome(**{key: value for key, value in row.items() if key not in Comparison._fields})


def _comparison(row: KeptRow) -> Comparison:
    return Comparison(*(row[field] for field in Comparison._fields))


def _property(row: KeptRow) -> dict[str, Any]:
    return {key: row[key] for key in ("figure", "goal", "measured")}
