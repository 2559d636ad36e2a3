"""Writes runs: a run is one file that only grows. Each line is on the disk before the next case is measured."""

import contextlib
import dataclasses
import os
import shutil
import warnings
from collections.abc import Iterable, Sequence
from io import FileIO
from pathlib import Path
from typing import Self

from locks import Locked, lock
from results.files import ROOT, body, end, find, free_name, head, heads, next_sequence
from suites.records.case import Case
from suites.records.finding import Finding, Key, key
from suites.records.jsonl import from_line, to_line
from suites.records.record import End, Line, Operator, Record, Run


class StoreError(Exception):
    """A run cannot be written: its name is taken, it is complete, another process writes it, or the disk refuses."""


class Store:
    """Appends to the file of one run; a kill -9 loses nothing that was appended.

    `file` is unbuffered and positioned at its end; `saved` are the records and findings that it holds. It is locked
    until it is closed: one process writes a run.
    """

    def __init__(self, file: FileIO, saved: Iterable[Record | Finding] = ()) -> None:
        self._file = file
        self._saved = set(map(_key, saved))
        try:
            lock(file)
        except Locked as holder:
            file.close()
            raise StoreError(
                f"the run {self.path.stem!r} is being measured by {holder}, and one process writes a run: "
                "wait until it ends, or start a new run without --resume"
            ) from None

    @property
    def path(self) -> Path:
        """The file."""
        return Path(self._file.name)

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
            store = cls(path.open("x+b", buffering=0))
        except OSError as error:
            raise StoreError(f"the run {run.name!r} cannot be saved: {error}") from error
        try:
            store._write([dataclasses.replace(run, sequence=next_sequence(root))])
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
            StoreError: the run is complete, another process writes it, or its file cannot be written.
        """
        path = find(name, root)
        run = head(path)
        try:
            store = cls(path.open("r+b", buffering=0))
            if end(path):
                raise StoreError(f"the run {name!r} is complete, so there is nothing to resume: start a new run")
            store._file.truncate(path.read_bytes().rfind(b"\n") + 1)
            store._file.seek(0, os.SEEK_END)
        except OSError as error:
            raise StoreError(f"the run {name!r} cannot be resumed: {error}") from error
        saved = [line for line in body(path, from_line) if isinstance(line, Record | Finding)]
        store._saved.update(map(_key, saved))
        return store, run, saved

    def append(self, lines: Sequence[Record | Finding | Operator | End]) -> None:
        """Write the lines of a case through to the disk, all or none.

        Raises:
            StoreError: the disk refuses, or something else has changed the file, and none of these lines is saved.
                Earlier lines stay as they are.
        """
        self._require_untouched()
        self._write(lines)
        self._saved.update(_key(line) for line in lines if isinstance(line, Record | Finding))

    def lost(self) -> int:
        """How many of the records and findings that were written cannot be read back from the file."""
        self._require_untouched()
        try:
            head(self.path)
        except ValueError:
            return self.saved
        with warnings.catch_warnings(action="ignore"):
            held = {_key(line) for line in body(self.path, from_line) if isinstance(line, Record | Finding)}
        return len(self._saved - held)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _require_untouched(self) -> None:
        """Save the file anew if it was removed. Raise a `StoreError` if something else has changed it."""
        status = os.fstat(self._file.fileno())
        try:
            if not (self.path.exists() and os.path.samestat(self.path.stat(), status)):
                self._save_anew()
        except OSError as error:
            raise StoreError(f"{self.path} was removed, and cannot be saved again: {error}") from error
        if status.st_size != self._file.tell():
            raise StoreError(
                f"{self.path} was changed by something else: it has {status.st_size:,} bytes, and this run wrote "
                f"{self._file.tell():,}. What is whole in it stays; find out what writes there, then --resume"
            )

    def _save_anew(self) -> None:
        """The open file still has its content; it gets its name again, or a free one where another file has it."""
        path = self.path.with_name(f"{free_name(self.path.stem, self.path.parent)}.jsonl")
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.open("x+b", buffering=0)
        lock(fresh)
        self._file.seek(0)
        shutil.copyfileobj(self._file, fresh)
        os.fsync(fresh.fileno())
        warnings.warn(f"{self.path} was removed while the run was written; it is saved again as {path}", stacklevel=2)
        self._file.close()
        self._file = fresh

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


def counted(number: int, noun: str) -> str:
    """A count with its noun, such as "1,204 findings"."""
    return f"{number:,} {noun}" + "s" * (number != 1)


def _key(line: Record | Finding) -> tuple[str, Case] | Key:
    return (line.implementation, line.case) if isinstance(line, Record) else key(line)


def unfinished(root: Path = ROOT) -> list[str]:
    """The incomplete runs, newest first: they can be resumed."""
    return [name for name in heads(root) if not end(root / f"{name}.jsonl")]
