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
        SystemExit: the file holds what another torch, or other arithmetic, came to.
    """

    def __init__(self, file: Path | None, made_by: str) -> None:
        self._file, self._made_by = file, made_by
        self.exactness: list[Exactness] = []
        self.trials: list[Trial] = []
        self.failed: set[tuple[str, str]] = set()  # implementation, dtype: not tried again
        for row in map(json.loads, _whole_lines(file) if file and file.exists() else ()):
            if (other := row.pop("made_by")) != made_by:
                raise SystemExit(f"{file} holds trials of {other}, not {made_by}; name another file")
            self._remember(Trial(**row) if "implementation" in row else Exactness(**row))

    def add(self, found: Iterable[Exactness | Trial]) -> None:
        """Keep some more, but of what failed before nothing: several processes may have tried it at once."""
        new = [one for one in found if isinstance(one, Exactness) or (one.implementation, one.dtype) not in self.failed]
        for one in new:
            self._remember(one)
        if self._file:
            lines = (json.dumps({"made_by": self._made_by} | dataclasses.asdict(one)) + "\n" for one in new)
            with self._file.open("a", encoding="utf-8") as file:
                file.writelines(lines)

    def _remember(self, found: Exactness | Trial) -> None:
        if isinstance(found, Trial):
            self.trials.append(found)
            if found.reason:
                self.failed.add((found.implementation, found.dtype))
        else:
            self.exactness.append(found)


def _whole_lines(file: Path) -> list[str]:
    """The file's lines. A kill leaves half a line, which is cut off."""
    whole, half = file.read_text(encoding="utf-8").rpartition("\n")[::2]
    if half:
        file.write_text(f"{whole}\n" if whole else "", encoding="utf-8")
    return whole.splitlines()
