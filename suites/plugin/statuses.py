"""Keeps pytest's exit statuses where pytest itself ends by an exception: Python's 1 would mean a failing contestant."""

import os
import sys
from collections.abc import Generator
from types import TracebackType

import pytest

import pipe


def keep() -> None:
    """From now on no exception ends this process with 1, and a closed stream is no obstacle."""
    pipe.open_streams()
    sys.excepthook = _end


def _end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Python's `sys.excepthook`; after a second Ctrl-C there is nothing more to say."""
    if issubclass(kind, KeyboardInterrupt):
        os._exit(pytest.ExitCode.INTERRUPTED)  # Python itself would end by the signal
    sys.__excepthook__(kind, error, trace)
    raise SystemExit(int(pytest.ExitCode.INTERNAL_ERROR))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_cmdline_main() -> Generator[None, pytest.ExitCode | int | None, pytest.ExitCode | int | None]:
    """Where the reader of the output has gone away, pytest would end with 1."""
    try:
        return (yield)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # pytest flushes once more at its end
        return pytest.ExitCode.INTERNAL_ERROR
