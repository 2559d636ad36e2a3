"""How far a long command is: a bar on a terminal, a plain line each tenth of the way elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import Progress


@contextmanager
def progress_bar(noun: str, total: int, file: TextIO | None = None) -> Iterator[Callable[[int], None]]:
    """Yield a function that is called with how many are done since its last call.

    Args:
        noun: what is counted.
        total: how many there are.
        file: where to say it; standard error by default.
    """
    file = file or sys.stderr
    console = Console(file=file)
    if not console.is_terminal:
        yield _Tenths(noun, total, file)
        return
    with Progress(*Progress.get_default_columns(), console=console) as progress:
        task = progress.add_task(noun, total=total)
        yield lambda number: progress.advance(task, number)


class _Tenths:
    def __init__(self, noun: str, total: int, file: TextIO) -> None:
        self._noun, self._total, self._file = noun, total, file
        self._done = self._tenths = 0

    def __call__(self, number: int) -> None:
        self._done += number
        tenths = 10 * self._done // self._total
        if tenths > self._tenths:
            self._tenths = tenths
            print(f"{self._done:,} of {self._total:,} {self._noun}", file=self._file, flush=True)
