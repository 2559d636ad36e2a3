"""An append-only file of JSON lines that survives a kill: a study stores each result and later resumes from them."""

import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

KeptRow: TypeAlias = dict[str, Any]


class KeptRows:
    """The rows of a study, in memory and in a file.

    Every line of the file holds `key: value`, which names the conditions of the measurement. A file made under other
    conditions is refused. A kill leaves half a line at the end, which is cut off. A foreign file is never changed.

    Args:
        file: one JSON object a line; None stores nothing.
        key: a key that no row has.
        value: what `key` must hold in every line.
        what: the plural noun for the rows, for messages.
        show: how a message writes a value of `key`.
        parse: makes something of a row; its KeyError, TypeError or ValueError means that the row isn't whole.

    Raises:
        SystemExit: the file is not one of this study, was made under other conditions, or can't be read or written.
    """

    def __init__(
        self,
        file: Path | None,
        key: str,
        value: object,
        *,
        what: str,
        show: Callable[[Any], str] = str,
        parse: Callable[[KeptRow], object] = dict,
    ) -> None:
        self._file, self._key, self._value, self._what, self._show = file, key, value, what, show
        self._parse = parse
        self.rows: list[KeptRow] = []
        if file:
            with _named(file):
                self.rows = self._resumed(file) if os.path.exists(file) else []
                os.listdir(file.parent)  # a missing folder would be noticed only after the first measurement

    def add(self, rows: Iterable[KeptRow]) -> None:
        """Store more rows."""
        new = list(rows)
        self.rows += new
        if self._file:
            with _named(self._file), self._file.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps({self._key: self._value} | row) + "\n" for row in new)

    def _resumed(self, file: Path) -> list[KeptRow]:
        data = file.read_bytes()
        end = data.rfind(b"\n") + 1
        rows = [self._row(line) for line in data[:end].splitlines()]
        for number, row in enumerate(rows, 1):
            self._require_whole(row, number)
        if end < len(data):
            if not _is_cut(data[end:]):
                self._row(data[end:])
            os.truncate(file, end)
        return rows

    def _row(self, line: bytes) -> KeptRow:
        try:
            row: KeptRow = json.loads(line)
            value = row.pop(self._key)
            if not isinstance(value, type(self._value)):
                raise TypeError(value)
        except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
            raise SystemExit(f"{self._file} does not hold {self._what}; name another file") from None
        if value != self._value:
            shown = f"{self._what} of {self._show(value)}, not {self._show(self._value)}"
            raise SystemExit(f"{self._file} holds {shown}; name another file")
        return row

    def _require_whole(self, row: KeptRow, number: int) -> None:
        try:
            self._parse(row)
        except (KeyError, TypeError, ValueError) as error:
            fault = f"the key {error} is missing" if isinstance(error, KeyError) else str(error)
            raise SystemExit(
                f"{self._file}, line {number}: {fault}; every line of {self._what} is whole when it is written: "
                "delete this line, or name another file"
            ) from None


@contextmanager
def _named(file: Path) -> Iterator[None]:
    """End the program with the file's name where the file system refuses it."""
    try:
        yield
    except OSError as error:
        raise SystemExit(f"{file}: {error.strerror}; name another file") from error


def _is_cut(line: bytes) -> bool:
    """Whether a line is the beginning of a JSON object."""
    try:
        json.loads(line)
    except ValueError:
        return line == b"{" or line.startswith(b'{"')
    return False
