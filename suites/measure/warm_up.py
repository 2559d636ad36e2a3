"""Warm-up: calls before the samples, which also show how long one call takes."""

import math
from collections.abc import Callable
from time import perf_counter
from typing import NamedTuple

from suites.failure import contestant
from suites.measure.clock import Call, Clock

_SHORTEST_S = 1e-9  # what a clock may read as 0
_AT_LEAST_S, _STEADY = 0.02, 0.98  # then until a batch saves less than 2 %
_SHARE, _FREE_S = 1 / 8, 0.1  # of the budget, at most; or so many seconds
_EARLY = (64, 128, 256)  # batches after lazy initialisation, with a thousand calls still to come


class Pace(NamedTuple):
    """Seconds a call after warm-up, and in its fastest early batch: NaN if warm-up took fewer than 64 calls."""

    call_s: float
    early_s: float


def warm_up(
    call: Call,
    clock: Clock,
    seconds: float,
    inspect: Callable[[object], object],
    now: Callable[[], float] = perf_counter,
) -> Pace:
    """Call in batches, each twice as large, until one is no faster than the best before it.

    Whatever warms up (caches, clocks, lazy initialisation) makes later calls faster. No batch starts after an eighth
    of the contestant's budget of `seconds`, or after a tenth of a second where that is more, by the clock of the calls
    or by `now`: a device may be much faster than the host that queues its work.
    """
    most_s = max(_SHARE * seconds, min(seconds, _FREE_S))
    calls, spent, best, early, steady, began = 1, 0.0, math.inf, math.inf, False, now()
    with contestant():
        while spent < most_s and not (steady and spent >= _AT_LEAST_S):
            elapsed, result = clock(call, calls)
            pace = max(elapsed / calls, _SHORTEST_S)
            steady = pace > _STEADY * best
            spent, best = max(spent + elapsed, now() - began), min(best, pace)
            early = min(early, pace) if calls in _EARLY else early
            calls = min(2 * calls, 1 << 20)
        inspect(result)
    return Pace(best, early if early < math.inf else math.nan)
