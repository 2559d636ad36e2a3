"""Other load on the machine: the time of other processes, of other guests of the host, and what our threads wait."""

import functools
import math
import os
import re
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

_TASKS = Path("/proc/self/task")
_MEMBERSHIP, _CGROUPS = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")
_THROTTLED = re.compile(r"^throttled_(usec|time) (\d+)$", re.MULTILINE)  # cgroup v2 in µs, v1 in ns
_UNITS_S = {"usec": 1e-6, "time": 1e-9}


class HostTime(NamedTuple):
    """Seconds of wall time, and the processors' seconds for this process, other processes and other guests.

    `waited_s` is how long threads of this process were ready to run and had no processor, to the nanosecond; NaN where
    the system does not say. `throttled_s` is how long the quota of our control group kept us from running.
    """

    wall_s: float
    own_s: float
    others_s: float
    stolen_s: float
    waited_s: float = 0.0
    throttled_s: float = 0.0

    @classmethod
    def now(cls) -> "HostTime":
        """The counts of the processors that this process may use; in steps of 10 ms on Linux, except for waits."""
        allowed = _allowed()
        counts = [times for number, times in enumerate(psutil.cpu_times(percpu=True)) if number in allowed]
        busy = sum(times.user + times.nice + times.system for times in counts)
        own = time.process_time()
        stolen = sum(getattr(times, "steal", 0.0) for times in counts)
        return cls(time.perf_counter(), own, busy - own, stolen, waited_s(), throttled_s(_cgroup_file()))

    def since(self, before: "HostTime") -> "HostTime":
        """The difference since `before`."""
        return HostTime(*(a - b for a, b in zip(self, before, strict=True)))

    def plus(self, other: "HostTime") -> "HostTime":
        """Both spans together."""
        return HostTime(*(a + b for a, b in zip(self, other, strict=True)))


def processors() -> int:
    """How many processors this process may use."""
    return len(_allowed())


def waited_s(tasks: Path = _TASKS) -> float:
    """Seconds that the threads of this process have waited for a processor; NaN if the system does not say.

    Source: the second number of `schedstat`, Documentation/scheduler/sched-stats.rst of Linux.
    """
    waits = []
    for file in tasks.glob("*/schedstat"):
        with suppress(OSError):  # the thread has ended
            waits.append(int(file.read_text(encoding="ascii").split()[1]))
    return sum(waits) * 1e-9 if waits else math.nan


def throttled_s(cpu_stat: Path | None) -> float:
    """Seconds that a control group was kept from running; 0 without a file."""
    found = _THROTTLED.search(cpu_stat.read_text(encoding="ascii")) if cpu_stat else None
    return int(found[2]) * _UNITS_S[found[1]] if found else 0.0


def cgroup_file(membership: Path, cgroups: Path) -> Path | None:
    """The `cpu.stat` of the control group of this process, version 2 or 1; None if there is none to read."""
    if not membership.exists():
        return None
    for line in membership.read_text(encoding="utf-8").splitlines():
        _, controllers, path = line.split(":", 2)
        for place in (cgroups / controllers, cgroups) if "cpu" in controllers.split(",") or not controllers else ():
            for file in (place / path.lstrip("/") / "cpu.stat", place / "cpu.stat"):  # a container sees its own as /
                if file.exists() and _THROTTLED.search(file.read_text(encoding="ascii")):
                    return file
    return None


@functools.cache
def _cgroup_file() -> Path | None:
    return cgroup_file(_MEMBERSHIP, _CGROUPS)


def _allowed() -> set[int]:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
