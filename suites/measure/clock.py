"""How long calls took: one clock a kind of device.

A clock is `clock(call, calls) -> seconds`, for all `calls` calls together. Tests pass their own.
"""

from collections.abc import Callable
from itertools import repeat
from time import perf_counter

import torch

Call = Callable[[], object]
Clock = Callable[[Call, int], float]


def clock_of(device: str) -> Clock:
    """The clock for work on `device` ("cpu", "cuda" or "mps")."""
    return {"cpu": host_clock, "cuda": cuda_clock, "mps": mps_clock}[device]


def host_clock(call: Call, calls: int) -> float:
    """Seconds on the host's monotonic clock, for work that is done when the call returns."""
    start = perf_counter()
    for _ in repeat(None, calls):
        call()
    return perf_counter() - start


def cuda_clock(call: Call, calls: int) -> float:
    """Seconds between two CUDA events around the calls, on the current stream.

    Where a kernel is shorter than its launch, this is the rate at which Python launches.
    """
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    start.record()
    for _ in repeat(None, calls):
        call()
    end.record()
    end.synchronize()
    return float(start.elapsed_time(end)) * 1e-3


def mps_clock(call: Call, calls: int) -> float:
    """Seconds on the host's clock until the Metal queue is empty again."""
    torch.mps.synchronize()
    start = perf_counter()
    for _ in repeat(None, calls):
        call()
    torch.mps.synchronize()
    return perf_counter() - start
