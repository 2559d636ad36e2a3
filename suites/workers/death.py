"""How a worker ended, in words, and the status of whoever ended it."""

import signal
from dataclasses import dataclass

from suites.records.record import Status


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


def of_exit(code: int | None) -> tuple[Status, str]:
    """The status and the reason for an exit code of `multiprocessing`; None: the process lives."""
    if code is None:
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
