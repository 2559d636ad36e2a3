"""Clocks: one for each kind of device.

A clock is `clock(call, calls) -> (seconds, result)`: the time of all `calls` calls together, and the result of one of
them, which is checked. Tests pass their own clock.
"""

import operator
import random
from collections import deque
from collections.abc import Callable, Iterable
from functools import cached_property, partial
from itertools import islice, repeat, starmap
from time import perf_counter
from typing import Any

import torch

Call = Callable[[], object]
Results = deque[object]
Clock = Callable[[Call, int], tuple[float, object]]

_RANDOM = random.SystemRandom()  # no contestant can predict it, and it has no state to restore
_TRIED_CYCLES = 1e6
_MARGIN, _LONGEST_HOLD_S = 1.5, 0.01


def clock_of(device: str, cache: str = "warm") -> Clock:
    """The clock for work on `device` ("cpu", "cuda" or "mps") in a cache regime ("warm" or "cold")."""
    if device == "cuda":
        return CudaClock(cache)
    return {"cpu": host_clock, "mps": mps_clock}[device]


def host_clock(call: Call, calls: int, now: Callable[[], float] = perf_counter) -> tuple[float, object]:
    """Seconds on the host's monotonic clock, for work that ends before the call returns.

    `now` is bound at import: a contestant that replaces `perf_counter` changes nothing. Both readings and all calls run
    in C, from one expression: no frame that a contestant can reach holds the start, or which call is checked.
    """
    start, *results, end = list[Any](map(operator.call, (now, *_parts(call, calls), now)))
    return end - start, _one_of(results)


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
        """The seconds of all calls together, and the result of one of them."""
        before: Callable[[], object] = self._flushed.zero_ if self._cold else _nothing
        spans = [(_event(), _event()) for _ in range(calls if self._cold else 1)]
        _hold(min(_LONGEST_HOLD_S, _MARGIN * calls * self._launch_s.get(call, 0.0)) * self._cycles_a_second)
        start, results = self._now(), list[Results]()
        for number, (first, last) in enumerate(spans, start=1):
            before()
            first.record()
            made = list(map(operator.call, _parts(call, calls // len(spans))))
            last.record()
            results = made if _RANDOM.randrange(number) == 0 else results  # not all: that would take other memory
        self._launch_s[call] = (self._now() - start) / calls
        torch.cuda.synchronize()  # the whole device: work on other streams counts too
        return sum(first.elapsed_time(last) for first, last in spans) * 1e-3, _one_of(results)

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
    start, *results, _, end = list[Any](map(operator.call, (now, *_parts(call, calls), torch.mps.synchronize, now)))
    return end - start, _one_of(results)


def _parts(call: Call, calls: int) -> tuple[Callable[[], Results], Callable[[], Results]]:
    """All calls, up to one drawn at random and those after it; each part keeps its last result."""
    made = starmap(call, repeat((), calls))
    return partial(deque, islice(made, _RANDOM.randint(1, calls)), 1), partial(deque, made, 1)


def _one_of(results: Iterable[Results]) -> object:
    """The result of the call drawn at random, or that of the last: one that works in some calls only is found."""
    return _RANDOM.choice([result for part in results for result in part])


def _event() -> torch.cuda.Event:
    return torch.cuda.Event(enable_timing=True)


def _hold(cycles: float) -> None:
    """Keep the device busy on the current stream without using memory; torch has no public function for this."""
    torch.cuda._sleep(int(cycles))


def _nothing() -> None:
    pass
