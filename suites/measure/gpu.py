"""What the GPU was held back by meanwhile: heat, power, other processes. Read through NVML, between samples."""

import os
from collections.abc import Callable
from contextlib import suppress
from time import perf_counter
from types import ModuleType
from typing import NamedTuple

import torch

from suites.records.record import Flag

_EVERY_S = 0.1
_REASONS = {  # bits of nvmlDeviceGetCurrentClocksEventReasons, see NVML's documentation
    "power": 0x04 | 0x80,  # the software's cap, the hardware's brake
    "heat": 0x20 | 0x40,  # the software's slowdown, the hardware's
    "hardware": 0x08,
}


class Reading(NamedTuple):
    """What NVML told once: the bits that hold the clock back, the clock in MHz, other processes on the GPU."""

    reasons: int
    clock_mhz: int
    others: int


class GpuMonitor:
    """Looks at a GPU from time to time, and tells at the end what it was held back by.

    Args:
        read: one look, or None if it fails; None where there is nothing to look at.
        now: seconds, so that a look is taken each tenth of a second at most.
    """

    def __init__(self, read: Callable[[], Reading | None] | None, now: Callable[[], float] = perf_counter) -> None:
        self._read, self._now = read, now
        self._looks: list[Reading] = []
        self._last = now()
        self._look()

    def look(self) -> None:
        """Take a look, if the last one is long enough ago."""
        if self._read and self._now() - self._last >= _EVERY_S:
            self._look()
            self._last = self._now()

    def flags(self) -> tuple[Flag, ...]:
        """`throttled` and `gpu_shared`, where they were seen."""
        self._look()
        if not (looks := self._looks):
            return ()
        flags = []
        seen = {why: sum(bool(look.reasons & bits) for look in looks) for why, bits in _REASONS.items()}
        if slowed := [f"by {why} in {count} of {len(looks)} looks" for why, count in seen.items() if count]:
            clocks = f"{min(look.clock_mhz for look in looks)} to {max(look.clock_mhz for look in looks)} MHz"
            flags.append(Flag(name="throttled", evidence=f"the clock was held back {' and '.join(slowed)}: {clocks}"))
        if others := max(look.others for look in looks):
            flags.append(Flag(name="gpu_shared", evidence=f"{others} other processes had work on the GPU"))
        return tuple(flags)

    def _look(self) -> None:
        found = self._read() if self._read else None
        if found:
            self._looks.append(found)


def monitor(device: str) -> GpuMonitor:
    """A monitor of the current CUDA device. Without one, or without NVML (the package nvidia-ml-py), it reads none."""
    if device != "cuda":
        return GpuMonitor(None)
    try:
        import pynvml  # type: ignore[import-not-found]  # optional
    except ImportError:
        return GpuMonitor(None)
    try:
        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{torch.cuda.get_device_properties().uuid}")
    except pynvml.NVMLError:  # a driver without NVML, a container that hides it
        return GpuMonitor(None)
    return GpuMonitor(lambda: _look(pynvml, handle))


def _look(pynvml: ModuleType, handle: object) -> Reading | None:
    """What NVML tells, or None: a GPU need not tell all of it, and no contestant is to blame for that."""
    with suppress(pynvml.NVMLError):
        return _told(pynvml, handle)
    return None


def _told(pynvml: ModuleType, handle: object) -> Reading:
    running = {process.pid for process in pynvml.nvmlDeviceGetComputeRunningProcesses(handle)}
    # In a container this process may be listed under another number.
    others = len(running - {os.getpid()}) if os.getpid() in running else max(0, len(running) - 1)
    return Reading(
        reasons=pynvml.nvmlDeviceGetCurrentClocksEventReasons(handle),
        clock_mhz=pynvml.nvmlDeviceGetClockInfo(handle, pynvml.NVML_CLOCK_SM),
        others=others,
    )
