"""What was measured so far, in memory and in the file that a later call resumes from."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from suites.kept import KeptRows


class Comparison(NamedTuple):
    """One pair of functions on one machine, to be compared by each method."""

    machine: str
    calls: str
    slowdown: float
    number: int


class KeptComparisons:
    """All answers and figures, and the file that each is added to as it comes. Nothing in the file is measured again.

    Args:
        file: lines of JSON, or None to keep nothing.
        seconds: of each pair and method; a file of other ones is refused.

    Raises:
        SystemExit: the file belongs to something else, or to other `seconds`.
    """

    def __init__(self, file: Path | None, seconds: float) -> None:
        self._kept = KeptRows(file, "budget_s", seconds, what="trials", show=lambda s: f"{s:g} s a pair")

    def add(self, rows: Iterable[dict[str, Any]]) -> None:
        """Keep more of them."""
        self._kept.add(rows)

    @property
    def done(self) -> set[Comparison]:
        """The comparisons that were made."""
        return {Comparison(*(row[field] for field in Comparison._fields)) for row in self._answers()}

    @property
    def answers(self) -> pd.DataFrame:
        """One row for each comparison and method."""
        return pd.DataFrame(self._answers())

    @property
    def figures(self) -> dict[str, dict[str, Any]]:
        """The figures by name."""
        shown = ("figure", "goal", "measured")
        return {str(row["figure"]): {key: row[key] for key in shown} for row in self._kept.rows if "figure" in row}

    def _answers(self) -> list[dict[str, Any]]:
        return [row for row in self._kept.rows if "method" in row]
