"""How a worker ended, in words, and the status of whoever ended it."""

import signal
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from time import monotonic, sleep

from suites.records.record import Status

CLOSED = 113
"""The exit status of a worker that cannot write to its parent any more."""


@dataclass(frozen=True)
class Death:
    """The end of a worker before its answer.

    `at` is the contestant that it named last, "" for none.
    """

    status: Status
    reason: str
    at: str = ""

    @property
    def certain(self) -> bool:
        """Whether nobody else can be the cause: a call that does not end is its own."""
        return self.status is Status.TIMED_OUT


def exit_code(process: BaseProcess, within_s: float) -> int | None:
    """The exit code of a process that ends within so many seconds; None if it does not.

    It polls: `join` waits without a limit for a process that has closed its descriptors.
    """
    until = monotonic() + within_s
    while process.exitcode is None and monotonic() < until:
        sleep(0.01)
    return process.exitcode


def of_exit(code: int | None) -> tuple[Status, str]:
    """The status and the reason for an exit code of `multiprocessing`; None: the process lives."""
    if code in (None, CLOSED):
        return Status.CRASHED, "closed the descriptors of its process"
    if code >= 0:
        return Status.CRASHED, f"ended its process with status {code}"
    if -code == signal.SIGKILL:
        return Status.OUT_OF_MEMORY, "its process was killed by SIGKILL, as the system does when memory runs out"
    return Status.CRASHED, f"ended its process by {_name(-code)}"


def _name(number: int) -> str:
    try:
        return f"{signal.Signals(number).name} ({(signal.strsignal(number) or '').lower()})"
    except ValueError:  # a real-time signal
        return f"signal {number}"
