"""The results so far, in memory and in the file that a later call resumes from."""

import dataclasses
from collections.abc import Iterable
from pathlib import Path

from suites.kept import KeptRow, KeptRows
from suites.trials.bounds import Trial
from suites.trials.exactness import Exactness


class KeptTrials:
    """All results, and the file of JSON lines that each is appended to; None keeps nothing.

    Raises:
        SystemExit: the file holds something else, or was made with another torch or other arithmetic.
    """

    def __init__(self, file: Path | None, made_by: str) -> None:
        self.exactness: list[Exactness] = []
        self.trials: list[Trial] = []
        self.failed: set[tuple[str, str]] = set()  # implementation, dtype: not tried again
        self._kept = KeptRows(file, "made_by", made_by, what="trials", parse=_parsed)
        for row in self._kept.rows:
            self._remember(_parsed(row))

    def add(self, found: Iterable[Exactness | Trial]) -> None:
        """Keep more results, but only the first failure of an implementation in a dtype."""
        new = [one for one in found if isinstance(one, Exactness) or (one.implementation, one.dtype) not in self.failed]
        for one in new:
            self._remember(one)
        self._kept.add(map(dataclasses.asdict, new))

    def _remember(self, found: Exactness | Trial) -> None:
        if isinstance(found, Trial):
            self.trials.append(found)
            if found.reason:
                self.failed.add((found.implementation, found.dtype))
        else:
            self.exactness.append(found)


def _parsed(row: KeptRow) -> Trial | Exactness:
    return Trial(**row) if "implementation" in row else Exactness(**row)
