"""What a worker may use: time without a sign of life, memory, processes."""

import contextlib
import os
from dataclasses import dataclass, field

import psutil

from suites.plan import TIME_LIMIT_S
from suites.records.record import Status

_RESERVE, _LEAST_RESERVE = 0.03, 1 << 29  # of all memory, in bytes: what the rest of the machine keeps


@dataclass(frozen=True, kw_only=True)
class Limits:
    """`time_s` is the longest time without a sign of life, `memory_bytes` what the worker and its descendants may
    hold, None for all that is free but a reserve. `processes` is how many descendants they may be."""

    time_s: float = TIME_LIMIT_S
    memory_bytes: int | None = None
    processes: int = field(default_factory=lambda: 64 + 4 * (os.cpu_count() or 1))  # compilers start one a core


class Guard:
    """Watches a process and its descendants.

    Args:
        pid: of the process.
        limits: what they may use.
    """

    def __init__(self, pid: int, limits: Limits) -> None:
        self._process, self._limits = psutil.Process(pid), limits
        memory = psutil.virtual_memory()
        free = memory.available - max(_LEAST_RESERVE, int(_RESERVE * memory.total))
        self._held = _resident(self._process)  # much of it is shared with the parent
        self._memory_bytes = limits.memory_bytes or max(free, 0)

    def fault(self, silent_s: float) -> tuple[Status, str] | None:
        """The limit that is exceeded, as a status and a reason; None if none is.

        Args:
            silent_s: the seconds since a contestant's last sign of life; 0 while none is called.
        """
        if silent_s > self._limits.time_s:
            return Status.TIMED_OUT, f"gave no answer for {self._limits.time_s:g} s (--time-limit)"
        family = family_of(self._process)
        if len(family) - 1 > self._limits.processes:
            return Status.CRASHED, f"started {len(family) - 1} processes, and {self._limits.processes} are allowed"
        if (used := sum(map(_resident, family)) - self._held) > self._memory_bytes:
            held, free = (f"{size / 2**30:.1f} GiB" for size in (used, self._memory_bytes))
            return Status.OUT_OF_MEMORY, f"its process took {held} of memory, and {free} were free"
        return None


def family_of(process: psutil.Process) -> list[psutil.Process]:
    """A process and its descendants; none if it has ended."""
    with contextlib.suppress(psutil.Error):
        return [process, *process.children(recursive=True)]
    return []


def _resident(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0
