"""What the trials came to, in a file that a later call goes on with."""

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path

from suites.trials.bounds import Trial
from suites.trials.exactness import Exactness


class Kept:
    """All that was found, and the file of JSON lines that it is added to as it comes; None keeps nothing.

    Raises:
        SystemExit: the file holds what another version of torch came to.
    """

    def __init__(self, file: Path | None, version: str) -> None:
        self._file, self._version = file, version
        self.exactness: list[Exactness] = []
        self.trials: list[Trial] = []
        self.failed: set[tuple[str, str]] = set()  # implementation, dtype: not tried again
        lines = file.read_text(encoding="utf-8").splitlines() if file and file.exists() else []
        for row in map(json.loads, lines):
            if row["torch"] != version:
                raise SystemExit(f"{file} holds trials of torch {row['torch']}, not {version}; name another file")
            del row["torch"]
            self._remember(Trial(**row) if "implementation" in row else Exactness(**row))

    def add(self, found: Iterable[Exactness | Trial]) -> None:
        """Keep some more."""
        new = list(found)
        for one in new:
            self._remember(one)
        if self._file:
            lines = (json.dumps({"torch": self._version} | dataclasses.asdict(one)) + "\n" for one in new)
            with self._file.open("a", encoding="utf-8") as file:
                file.writelines(lines)

    def _remember(self, found: Exactness | Trial) -> None:
        if isinstance(found, Trial):
            self.trials.append(found)
            if found.reason:
                self.failed.add((found.implementation, found.dtype))
        else:
            self.exactness.append(found)
