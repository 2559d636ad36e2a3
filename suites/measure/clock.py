"""Clocks: one for each kind of device.

A clock is `clock(call, calls) -> (seconds, result)`: the time of all `calls` calls together, and the last result, which
is checked. Tests pass their own clock.
"""

from collections.abc import Callable
from functools import cached_property
from itertools import repeat
from time import perf_counter

import torch

Call = Callable[[], object]
Clock = Callable[[Call, int], tuple[float, object]]

_TRIED_CYCLES = 1e6
_MARGIN, _LONGEST_HOLD_S = 1.5, 0.01


def clock_of(device: str, cache: str = "warm") -> Clock:
    """The clock for work on `device` ("cpu", "cuda" or "mps") in a cache regime ("warm" or "cold")."""
    if device == "cuda":
        return CudaClock(cache)
    return {"cpu": host_clock, "mps": mps_clock}[device]


def host_clock(call: Call, calls: int, now: Callable[[], float] = perf_counter) -> tuple[float, object]:
    """Seconds on the host's monotonic clock, for work that ends before the call returns.

    `now` is bound at import: a contestant that replaces `perf_counter` changes nothing.
    """
    start = now()
    for _ in repeat(None, calls):
        result = call()
    return now() - start, result


class CudaClock:
    """Seconds between CUDA events around the calls on the current stream, with the host ahead of the device.

    The device first sleeps for as long as the host needs to queue the calls. So a launch that takes longer than its
    kernel adds nothing; the host's time is a separate column. With `cache="cold"`, memory of twice the L2 cache is
    written before each call instead, outside the events of that call.

    Args:
        cache: "warm" or "cold".
        now: the host's clock, in seconds.
    """

    def __init__(self, cache: str = "warm", now: Callable[[], float] = perf_counter) -> None:
        self._cold, self._now = cache == "cold", now
        self._launch_s: dict[Call, float] = {}

    def __call__(self, call: Call, calls: int) -> tuple[float, object]:
        """The seconds of all calls together, and the last result."""
        before: Callable[[], object] = self._flushed.zero_ if self._cold else _nothing
        spans = [(_event(), _event()) for _ in range(calls if self._cold else 1)]
        _hold(min(_LONGEST_HOLD_S, _MARGIN * calls * self._launch_s.get(call, 0.0)) * self._cycles_a_second)
        start = self._now()
        for first, last in spans:
            before()
            first.record()
            for _ in repeat(None, calls // len(spans)):
                result = call()
            last.record()
        self._launch_s[call] = (self._now() - start) / calls
        torch.cuda.synchronize()  # the whole device: work on other streams counts too
        return sum(first.elapsed_time(last) for first, last in spans) * 1e-3, result

    @cached_property
    def _flushed(self) -> torch.Tensor:
        size = 2 * int(torch.cuda.get_device_properties().L2_cache_size)
        return torch.empty(size, dtype=torch.uint8, device="cuda")

    @cached_property
    def _cycles_a_second(self) -> float:
        first, last = _event(), _event()
        first.record()
        _hold(_TRIED_CYCLES)
        last.record()
        torch.cuda.synchronize()
        return _TRIED_CYCLES / (float(first.elapsed_time(last)) * 1e-3)


def mps_clock(call: Call, calls: int, now: Callable[[], float] = perf_counter) -> tuple[float, object]:
    """Seconds on the host's clock until the Metal queue is empty again."""
    torch.mps.synchronize()
    start = now()
    for _ in repeat(None, calls):
        result = call()
    torch.mps.synchronize()
    return now() - start, result


def _event() -> torch.cuda.Event:
    return torch.cuda.Event(enable_timing=True)


def _hold(cycles: float) -> None:
    """Keep the device busy on the current stream without using memory; torch has no public function for this."""
    torch.cuda._sleep(int(cycles))


def _nothing() -> None:
    pass
