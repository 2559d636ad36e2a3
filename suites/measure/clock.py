"""How long calls took: one clock a kind of device.

A clock is `clock(call, calls) -> (seconds, result)`: for all `calls` calls together, with the result of the
last one, so that the results of timed calls can be checked. Tests pass their own.
"""

from collections.abc import Callable
from itertools import repeat
from time import perf_counter

import torch

Call = Callable[[], object]
Clock = Callable[[Call, int], tuple[float, object]]


def clock_of(device: str) -> Clock:
    """The clock for work on `device` ("cpu", "cuda" or "mps")."""
    return {"cpu": host_clock, "cuda": cuda_clock, "mps": mps_clock}[device]


def host_clock(call: Call, calls: int, now: Callable[[], float] = perf_counter) -> tuple[float, object]:
    """Seconds on the host's monotonic clock, for work that is done when the call returns.

    `now` is bound here: a contestant that replaces `perf_counter` anywhere changes nothing.
    """
    start = now()
    for _ in repeat(None, calls):
        result = call()
    return now() - start, result


def cuda_clock(call: Call, calls: int) -> tuple[float, object]:
    """Seconds between two CUDA events around the calls, on the current stream.

    Where a kernel is shorter than its launch, this is the rate at which Python launches.
    """
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    start.record()
    for _ in repeat(None, calls):
        result = call()
    end.record()
    torch.cuda.synchronize()  # the whole device: work on another stream is a contestant's work too
    return float(start.elapsed_time(end)) * 1e-3, result


def mps_clock(call: Call, calls: int, now: Callable[[], float] = perf_counter) -> tuple[float, object]:
    """Seconds on the host's clock until the Metal queue is empty again."""
    torch.mps.synchronize()
    start = now()
    for _ in repeat(None, calls):
        result = call()
    torch.mps.synchronize()
    return now() - start, result
