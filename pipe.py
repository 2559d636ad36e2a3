"""Output that a reader may stop reading, as `| head` does, or that nobody reads, after `>&-`."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def may_close() -> Iterator[None]:
    """Print within this: a closed pipe ends the output quietly, with the exit status 0."""
    try:
        yield
        sys.stdout.flush()  # what is buffered fails here, not while Python exits
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more at its end


def open_streams() -> None:
    """Let output go nowhere where a standard stream is closed."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  # until the process ends
