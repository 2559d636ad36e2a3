"""Other load on the machine during the rounds: the time of other processes and of other guests of the host."""

import os
import time
from typing import NamedTuple

import psutil


class HostTime(NamedTuple):
    """Seconds of wall time, and the processors' seconds for this process, other processes and other guests."""

    wall_s: float
    own_s: float
    others_s: float
    stolen_s: float

    @classmethod
    def now(cls) -> "HostTime":
        """The counts of the processors that this process may use; in steps of 10 ms on Linux."""
        allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
        processors = [times for number, times in enumerate(psutil.cpu_times(percpu=True)) if number in allowed]
        busy = sum(times.user + times.nice + times.system for times in processors)
        own = time.process_time()
        return cls(time.perf_counter(), own, busy - own, sum(getattr(times, "steal", 0.0) for times in processors))

    def since(self, before: "HostTime") -> "HostTime":
        """The difference since `before`."""
        return HostTime(*(a - b for a, b in zip(self, before, strict=True)))
