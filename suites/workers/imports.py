"""Files of --implementations-from are imported in a fork first: an import that ends its process ends no run."""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection

from implementations import registry
from suites.contestants import PlanError
from suites.workers import ties
from suites.workers.death import exit_code, of_exit
from suites.workers.serve import hush, load

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)


def require_importable(files: Sequence[str], time_s: float) -> None:
    """Import the files in a fork, one after the other.

    Ordinary errors pass: they come again, with their words, where the files are loaded.

    Raises:
        PlanError: an import ends its process, or takes longer than `time_s`.
    """
    if not files or sys.platform != "linux":
        return
    ties.adopt()
    registry.load()  # once, not in the fork again
    context = get_context("fork")
    heard, said = context.Pipe(duplex=False)
    process = context.Process(target=_import, args=(files, said))
    pid = ties.start(process)
    said.close()
    done, ended = 0, False
    try:
        while done < len(files) and heard.poll(time_s):
            heard.recv_bytes(1)
            done += 1
    except (EOFError, OSError):
        exit_code(process, time_s)
        ended = True
    finally:
        ties.end(pid)
        process.join()
        ties.end_orphans()
    if done < len(files):
        how = of_exit(process.exitcode)[1] if ended else f"takes longer than {time_s:g} s"
        raise PlanError(f"--implementations-from {files[done]}: its import {how}; `python {files[done]}` shows where")


@contextmanager
def signals_kept() -> Iterator[None]:
    """Undo what an import does to the handlers of signals and to timers: Ctrl-C has to end a run."""
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            if handler is not None and signal.getsignal(number) not in (handler, signal.default_int_handler):
                signal.signal(number, handler)


def _import(files: Sequence[str], said: Connection) -> None:
    ties.bind(os.getppid())
    hush()
    for file in files:
        with contextlib.suppress(Exception):  # the parent meets it too, and says what it is
            load([file])
        said.send_bytes(b".")
