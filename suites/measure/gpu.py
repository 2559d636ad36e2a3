"""What slowed the GPU during the rounds: heat, power, other processes. Read through NVML, between samples."""

import os
from collections.abc import Callable
from contextlib import suppress
from time import perf_counter, time
from types import ModuleType
from typing import NamedTuple

import torch

from suites.records.record import Flag

_EVERY_S = 0.1
_WITHIN_S = 1.0  # NVML samples who works a few times a second
_REASONS = {  # bits of nvmlDeviceGetCurrentClocksEventReasons, see NVML's documentation
    "power": 0x04 | 0x80,  # the software's cap, the hardware's brake
    "heat": 0x20 | 0x40,  # the software's slowdown, the hardware's
    "hardware": 0x08,
}


class Reading(NamedTuple):
    """One reading of NVML: the bits of the throttle reasons, the clock in MHz, other processes at work on the GPU."""

    reasons: int
    clock_mhz: int
    others: int


class GpuMonitor:
    """Reads a GPU from time to time, and reports at the end what slowed it.

    Args:
        read: makes a reading, None if it fails; None if there is nothing to read.
        now: seconds; readings are at least a tenth of a second apart.
    """

    def __init__(self, read: Callable[[], Reading | None] | None, now: Callable[[], float] = perf_counter) -> None:
        self._read, self._now = read, now
        self._readings: list[Reading] = []
        self._last = now()
        self._append()

    def poll(self) -> None:
        """Make a reading, if the last one is old enough."""
        if self._read and self._now() - self._last >= _EVERY_S:
            self._append()
            self._last = self._now()

    def flags(self) -> tuple[Flag, ...]:
        """`throttled` and `gpu_shared`, if either was seen."""
        self._append()
        if not (readings := self._readings):
            return ()
        flags = []
        seen = {why: sum(bool(reading.reasons & bits) for reading in readings) for why, bits in _REASONS.items()}
        if slowed := [f"by {why} in {count} of {len(readings)} readings" for why, count in seen.items() if count]:
            clocks = f"{min(r.clock_mhz for r in readings)} to {max(r.clock_mhz for r in readings)} MHz"
            flags.append(Flag(name="throttled", evidence=f"the clock was held back {' and '.join(slowed)}: {clocks}"))
        if others := max(reading.others for reading in readings):
            flags.append(Flag(name="gpu_shared", evidence=f"{others} other processes had work on the GPU"))
        return tuple(flags)

    @property
    def shared(self) -> float:
        """The share of the readings that show other processes at work."""
        return sum(reading.others > 0 for reading in self._readings) / max(1, len(self._readings))

    def shared_now(self) -> float:
        """1 if other processes work on the GPU now, else 0."""
        found = self._read() if self._read else None
        return float(bool(found and found.others))

    def _append(self) -> None:
        found = self._read() if self._read else None
        if found:
            self._readings.append(found)


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
    return GpuMonitor(lambda: _read(pynvml, handle))


def _read(pynvml: ModuleType, handle: object) -> Reading | None:
    """A reading, or None: not every GPU reports all of it, and that must not fail a contestant."""
    with suppress(pynvml.NVMLError):
        return _reading(pynvml, handle)
    return None


def _reading(pynvml: ModuleType, handle: object) -> Reading:
    working, own = _working(pynvml, handle), os.getpid()
    # In a container this process may be listed under another id.
    listed = any(process.pid == own for process in pynvml.nvmlDeviceGetComputeRunningProcesses(handle))
    return Reading(
        reasons=pynvml.nvmlDeviceGetCurrentClocksEventReasons(handle),
        clock_mhz=pynvml.nvmlDeviceGetClockInfo(handle, pynvml.NVML_CLOCK_SM),
        others=len(working - {own}) if listed else max(0, len(working) - 1),
    )


def _working(pynvml: ModuleType, handle: object) -> set[int]:
    """The processes with work on the GPU within the last second; a context alone is none.

    Where NVML cannot say who works, as on a part of a GPU, each process with a context counts.
    """
    since_us = int((time() - _WITHIN_S) * 1e6)
    try:
        samples = pynvml.nvmlDeviceGetProcessUtilization(handle, since_us)
    except pynvml.NVMLError_NotFound:  # no samples: nobody works
        return set()
    except pynvml.NVMLError_NotSupported:
        return {process.pid for process in pynvml.nvmlDeviceGetComputeRunningProcesses(handle)}
    return {sample.pid for sample in samples if sample.smUtil or sample.memUtil}
