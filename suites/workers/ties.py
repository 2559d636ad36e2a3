"""The ties between a worker and its parent: it ends with its parent, and with it all that it started."""

import atexit
import contextlib
import ctypes
import os
import signal
import sys
import warnings
from multiprocessing.process import BaseProcess
from pathlib import Path

import psutil

from suites.workers.limits import family_of

LIVE = set[int]()
"""The workers of this process."""

_STRANGERS = set[int]()  # children of this process before its first worker
_PARENT_DEATH_SIGNAL, _CHILD_SUBREAPER = 1, 36  # of Linux's prctl
_ROUNDS = 100  # of killing what a process that was not killed yet has started meanwhile


def bind(parent: int) -> None:
    """Tie this process to its parent, as the leader of a session: the terminal's Ctrl-C reaches the parent alone."""
    LIVE.clear()  # the parent's
    os.setsid()
    if sys.platform == "linux":
        _prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)
        with contextlib.suppress(OSError):  # the first one to end where memory runs out
            Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    if os.getppid() != parent:
        os._exit(1)


def start(process: BaseProcess) -> int:
    """Start a process that calls `bind`, and return its id."""
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # NumPy's idle threads bear a fork
        process.start()
    pid = process.pid or 0
    LIVE.add(pid)
    return pid


def adopt() -> None:
    """Become the parent of what outlives a worker that started it, and end the workers when this process ends."""
    _STRANGERS.update(child.pid for child in psutil.Process().children())
    atexit.register(_end_all)  # after `multiprocessing` has registered its own, which would wait for them
    if sys.platform == "linux":
        _prctl(_CHILD_SUBREAPER, 1)


def end(worker: int) -> None:
    """Kill a worker and all that it started, as far as it is not adopted yet."""
    with contextlib.suppress(psutil.NoSuchProcess):
        family = family_of(psutil.Process(worker))
        with contextlib.suppress(ProcessLookupError):  # it has not begun to lead a session
            os.killpg(worker, signal.SIGKILL)
        for process in family:
            _kill(process)
    LIVE.discard(worker)


def end_orphans() -> None:
    """Kill what outlived its worker: children of this process in foreign sessions."""
    ours = os.getsid(0)
    for _ in range(_ROUNDS):
        children = [child for child in psutil.Process().children() if child.pid not in LIVE | _STRANGERS]
        orphans = [child for child in children if _session(child) != ours]
        for orphan in orphans:
            for process in family_of(orphan):
                _kill(process)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(orphan.pid, 0)
        if not orphans:
            break


def _end_all() -> None:
    for worker in list(LIVE):
        end(worker)


def _kill(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.Error):
        process.kill()


def _session(process: psutil.Process) -> int:
    try:
        return os.getsid(process.pid)
    except ProcessLookupError:
        return os.getsid(0)


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
