"""Writes runs: a run is one file that only grows. Each line is on the disk before the next case is measured."""

import contextlib
import fcntl
import os
from collections.abc import Iterable, Sequence
from io import FileIO
from pathlib import Path
from typing import Self

from results.files import ROOT, body, end, find, free_name, head, heads
from suites.records.case import Case
from suites.records.finding import Finding, Key, key
from suites.records.jsonl import from_line, to_line
from suites.records.record import End, Line, Operator, Record, Run


class StoreError(Exception):
    """A run cannot be written: its name is taken, it is complete, or the disk refuses."""


class Store:
    """Appends to the file of one run; a kill -9 loses nothing that was appended.

    `file` is unbuffered and positioned at its end; `saved` are the records and findings that it holds.
    """

    def __init__(self, file: FileIO, saved: Iterable[Record | Finding] = ()) -> None:
        self._file = file
        self._saved = set(map(_key, saved))

    @property
    def saved(self) -> int:
        """How many records and findings the file holds; a repeated one counts once."""
        return len(self._saved)

    @property
    def contents(self) -> str:
        """What the file holds, in words."""
        records = sum(not isinstance(one, Key) for one in self._saved)
        counts = ((records, "record"), (self.saved - records, "finding"))
        return " and ".join(counted(number, noun) for number, noun in counts if number) or "nothing"

    @classmethod
    def create(cls, run: Run, root: Path = ROOT) -> Self:
        """Start the file of a new run with its head.

        Raises:
            ValueError: the run's name is not a valid name.
            StoreError: the name is taken, or the file cannot be written.
        """
        free = free_name(run.name, root)
        if free != run.name:
            raise StoreError(f"there is already a run {run.name!r}, and no run is overwritten: {free!r} is free")
        path = root / f"{run.name}.jsonl"
        try:
            root.mkdir(parents=True, exist_ok=True)
            store = cls(_alone(path.open("xb", buffering=0), run.name))
        except OSError as error:
            raise StoreError(f"the run {run.name!r} cannot be saved: {error}") from error
        try:
            store._write([run])
        except StoreError:
            store.close()
            path.unlink()
            raise
        return store

    @classmethod
    def resume(cls, name: str, root: Path = ROOT) -> tuple[Self, Run, list[Record | Finding]]:
        """Resume an incomplete run; half a line at its end is cut off.

        Raises:
            UnknownRun: there is no such run.
            ValueError: the file does not start with the head of a run.
            StoreError: the run is complete, or its file cannot be written.
        """
        path = find(name, root)
        run = head(path)
        if end(path):
            raise StoreError(f"the run {name!r} is complete, so there is nothing to resume: start a new run")
        try:
            file = _alone(path.open("r+b", buffering=0), name)
            file.truncate(path.read_bytes().rfind(b"\n") + 1)
            file.seek(0, os.SEEK_END)
        except OSError as error:
            raise StoreError(f"the run {name!r} cannot be resumed: {error}") from error
        saved = [line for line in body(path, from_line) if isinstance(line, Record | Finding)]
        return cls(file, saved), run, saved

    def append(self, lines: Sequence[Record | Finding | Operator | End]) -> None:
        """Write the lines of a case through to the disk, all or none.

        Raises:
            StoreError: the disk refuses, and none of these lines is saved. Earlier lines stay whole.
        """
        self._write(lines)
        self._saved.update(_key(line) for line in lines if isinstance(line, Record | Finding))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, lines: Sequence[Line | Finding]) -> None:
        start, rest = self._file.tell(), "".join(f"{to_line(line)}\n" for line in lines).encode()
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            with contextlib.suppress(OSError):  # if even this fails, readers skip a half line
                self._file.truncate(start)
                self._file.seek(start)
            raise StoreError(
                f"{self._file.name}: {error}. Safe on disk: {self.contents}; "
                "when there is room again, --resume continues from there"
            ) from error


def _alone(file: FileIO, run: str) -> FileIO:
    """The file, locked until it is closed; a `StoreError` if another process writes it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise StoreError(
            f"another process writes the run {run!r} now: wait until it ends, or start a new run without --resume"
        ) from None
    except OSError:  # a file system without locks
        pass
    os.register_at_fork(after_in_child=file.close)  # a fork would hold the lock, and could write
    return file


def counted(number: int, noun: str) -> str:
    """A count with its noun, such as "1,204 findings"."""
    return f"{number:,} {noun}" + "s" * (number != 1)


def _key(line: Record | Finding) -> tuple[str, Case] | Key:
    return (line.implementation, line.case) if isinstance(line, Record) else key(line)


def unfinished(root: Path = ROOT) -> list[str]:
    """The incomplete runs, newest first: they can be resumed."""
    return [name for name in heads(root) if not end(root / f"{name}.jsonl")]
