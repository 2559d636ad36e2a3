"""The run that a session writes: created with its first record, or resumed."""

import dataclasses
import re
import shlex
from collections.abc import Iterable
from pathlib import Path

from results.files import ROOT, find, free_name, head
from results.sameness import differences
from results.store import Store, StoreError, counted, unfinished
from suites.records.finding import Finding
from suites.records.record import End, Operator, Record, Run


class Recorder:
    """Appends a session's lines to its run. The file is created with the first line.

    `done` and `found` hold the records and findings of a resumed run. `may_end` is False if a run is resumed with other
    options, such as a narrower -k: another session has to measure the rest.
    """

    def __init__(self, run: Run, root: Path = ROOT) -> None:
        self.done: list[Record] = []
        self.found: list[Finding] = []
        self.may_end = True
        self._run, self._root = dataclasses.replace(run, name=free_name(run.name, root)), root
        self._store: Store | None = None

    @classmethod
    def resume(cls, run: Run, name: str | None = None, root: Path = ROOT) -> "Recorder":
        """Resume the newest incomplete run, or the newest that was saved as `name`.

        Args:
            run: the head that a new run would have. The old one must measure the same, see results/sameness.py.
            name: the name given when the run was started; the run is called `name-2` if `name` was taken.
            root: the folder of the runs.

        Raises:
            StoreError: there is no run to resume, or it measures something else.
        """
        wanted = re.compile(rf"{re.escape(name)}(-\d+)?" if name else ".*")
        found = next(filter(wanted.fullmatch, unfinished(root)), name)
        if found is None:
            raise StoreError("--resume: every run is complete, so there is none to resume; start a new one without it")
        _require_same(head(find(found, root)), run)
        recorder = cls(run, root)
        recorder._store, recorder._run, saved = Store.resume(found, root)
        recorder.done = [line for line in saved if isinstance(line, Record)]
        recorder.found = [line for line in saved if not isinstance(line, Record)]
        recorder.may_end = _selection(recorder._run) == _selection(run)
        return recorder

    @property
    def name(self) -> str:
        """The name of the run, which is that of its file."""
        return self._store.path.stem if self._store else self._run.name

    @property
    def saved(self) -> int:
        """How many records and findings the run holds."""
        return self._store.saved if self._store else 0

    def append(self, lines: Iterable[Record | Finding | Operator | End]) -> None:
        """Write lines through to the disk.

        Raises:
            StoreError: the disk refuses. Earlier lines are safe.
        """
        if self._store is None:
            self._store = Store.create(self._run, self._root)
        self._store.append(list(lines))

    def fault(self) -> str:
        """What is wrong with the saved file, in words; "" if everything can be read back from it."""
        try:
            lost = self._store.lost() if self._store else 0
        except StoreError as error:
            return str(error)
        if not lost:
            return ""
        return (
            f"{lost:,} of {self.saved:,} records and findings cannot be read back from the file of the run "
            f"{self.name!r}: something else has changed it"
        )

    def describe(self, cases_left: int, findings_left: int = 0) -> list[str]:
        """What the run holds, and the command to continue with, each on a line of its own."""
        saved = f"run {self.name}: {self._store.contents if self._store else 'nothing'} saved"
        if left := [counted(n, noun) for n, noun in ((cases_left, "case"), (findings_left, "finding")) if n]:
            again = "" if "--resume" in self._run.command else " --resume"
            return [f"{saved}, {' and '.join(left)} to go; to continue:", f"{self._run.command}{again}"]
        return [f"{saved}; for the report:", f"python -m reports {self.name}"]

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._store:
            self._store.close()


_NARROWING = ("-k", "-m", "--lf", "--last-failed", "--deselect", "--implementations", "--device")


def _selection(run: Run) -> list[str]:
    """The words of the command that select tests, each with the word after it."""
    words = shlex.split(run.command)
    pairs = zip(words, [*words[1:], ""], strict=True)
    return sorted(f"{word} {value}" for word, value in pairs if ".py" in word or word.startswith(_NARROWING))


def _require_same(old: Run, new: Run) -> None:
    if changed := differences(old, new):
        raise StoreError(
            f"--resume: the run {old.name!r} measures something else, and a run never mixes two. "
            f"It differs in {'; '.join(changed)}. Its command was `{old.command}`: "
            "add --resume to it, or start a new run without it"
        )
