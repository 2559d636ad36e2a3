"""What else the machine did meanwhile: time that other processes and other guests of the host took."""

import os
import time
from typing import NamedTuple

import psutil


class HostTime(NamedTuple):
    """Seconds: the clock, and the processors' time that went to this process, to others, and to other guests."""

    wall_s: float
    own_s: float
    others_s: float
    stolen_s: float

    @classmethod
    def now(cls) -> "HostTime":
        """The counts of the processors that this process may run on; in steps of 10 ms on Linux."""
        allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
        processors = [times for number, times in enumerate(psutil.cpu_times(percpu=True)) if number in allowed]
        busy = sum(times.user + times.nice + times.system for times in processors)
        own = time.process_time()
        return cls(time.perf_counter(), own, busy - own, sum(getattr(times, "steal", 0.0) for times in processors))

    def since(self, before: "HostTime") -> "HostTime":
        """What came after `before`."""
        return HostTime(*(a - b for a, b in zip(self, before, strict=True)))
