"""What a worker may use: time without a sign of life, memory, processes."""

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field

import psutil

from suites.option_values import TIME_LIMIT_S
from suites.records.record import Status

_RESERVE, _LEAST_RESERVE = 0.03, 1 << 29  # of all memory, in bytes: what the rest of the machine keeps


@dataclass(frozen=True, kw_only=True)
class Limits:
    """`time_s` is the longest time without a sign of life, `processes` the most descendants."""

    time_s: float = TIME_LIMIT_S
    processes: int = field(default_factory=lambda: 64 + 4 * (os.cpu_count() or 1))  # compilers start one a core


def available_bytes() -> int:
    """The memory that is still available, less what the rest of the machine keeps."""
    memory = psutil.virtual_memory()
    return int(memory.available - max(_LEAST_RESERVE, _RESERVE * memory.total))


class Guard:
    """Watches a process and its descendants.

    Args:
        pid: of the process.
        limits: what they may use.
        available: the bytes that they may still take.
    """

    def __init__(self, pid: int, limits: Limits, available: Callable[[], int] = available_bytes) -> None:
        self._process, self._limits, self._available = psutil.Process(pid), limits, available
        self._available_bytes, self._held_bytes = available(), self._resident_bytes()

    def fault(self, silent_s: float) -> tuple[Status, str] | None:
        """The limit that is exceeded, as a status and a reason; None if none is.

        Args:
            silent_s: the seconds since a contestant's last sign of life; 0 while none is called.
        """
        if silent_s > self._limits.time_s:
            return Status.TIMED_OUT, f"gave no answer for {self._limits.time_s:g} s (--time-limit)"
        if (descendants := len(family_of(self._process)) - 1) > self._limits.processes:
            return Status.CRASHED, f"started {descendants} processes, and {self._limits.processes} are allowed"
        if (left := self._available()) <= 0:
            taken, gone = self._resident_bytes() - self._held_bytes, self._available_bytes - left
            if 2 * taken >= gone:  # else others took it
                return Status.OUT_OF_MEMORY, f"took {taken / 2**30:.1f} GiB of memory, all that was left"
        return None

    def _resident_bytes(self) -> int:
        """Of the process and its descendants; memory that they share counts for each."""
        return sum(map(_resident, family_of(self._process)))


def family_of(process: psutil.Process) -> list[psutil.Process]:
    """A process and its descendants; none if it has ended."""
    with contextlib.suppress(psutil.Error):
        return [process, *process.children(recursive=True)]
    return []


def _resident(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0
