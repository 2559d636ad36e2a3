"""Output that a reader may stop reading, as `| head` does, or that nobody reads, after `>&-`."""

import io
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
        discard_output()


def discard_output() -> None:
    """What is still to be printed is lost: Python flushes once more at its end, and would fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def open_streams() -> None:
    """Let streams take any sign, whatever the terminal's encoding; one that is closed takes all and prints nothing."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  # until the process ends
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
