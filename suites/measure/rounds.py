"""All contestants of a case, measured together: rounds in balanced random order, interleaved.

A machine's speed drifts by more than most differences that matter, but it drifts for all
contestants of a round alike: their ratios survive what their times do not.
"""

import gc
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from suites.measure.clock import Call, Clock
from suites.measure.failure import Failure, contestant
from suites.measure.phases import Phases

ROUNDS = 64
_SHORTEST_SAMPLE_S = 2e-4  # thousands of times the resolution of the clocks
_WARM_UP_S = 0.02
_WARM_UP_CALLS = 3
_FEWEST_SAMPLES = 8  # below 6, the interval of a median has less than 95 % confidence
_PATIENCE = 4  # a contestant may take this many times its seconds before it sits rounds out


@dataclass
class Samples:
    """Seconds a call, a sample for each `stride`-th round; `calls` calls went into each sample."""

    calls: int
    stride: int
    samples_s: list[float] = field(default_factory=list)


def sample_rounds(
    calls: Mapping[str, Call], clock: Clock, seconds: float, rng: random.Random, phases: Phases
) -> dict[str, Samples | Failure]:
    """Time every contestant in interleaved rounds, for about `seconds` each.

    Args:
        calls: name to the function that is timed.
        clock: times a number of calls together.
        seconds: what the samples of one contestant may take; each gets `_FEWEST_SAMPLES` all the same.
        rng: draws the order of the rounds.
        phases: told how long warm-up and samples took.

    Returns:
        Name to the samples, or to the failure of a contestant that raised on the way.
    """
    results: dict[str, Samples | Failure] = {}
    for name, call in calls.items():
        try:
            with phases("warm-up"), contestant():
                results[name] = _plan(_warm_up(call, clock, seconds), seconds)
        except Failure as failure:
            results[name] = failure
    order = list(calls)
    gc.collect()
    gc.disable()
    try:
        with phases("samples"):
            for number in range(ROUNDS):
                # Each random order is followed by its mirror image: who comes first in one comes last in the other.
                order = order[::-1] if number % 2 else rng.sample(order, len(order))
                _round(number, order, calls, results, clock)
    finally:
        gc.enable()
    return results


def _round(
    number: int, order: list[str], calls: Mapping[str, Call], results: dict[str, Samples | Failure], clock: Clock
) -> None:
    for name in order:
        samples = results[name]
        if isinstance(samples, Failure) or number % samples.stride:
            continue
        try:
            with contestant():
                samples.samples_s.append(clock(calls[name], samples.calls) / samples.calls)
        except Failure as failure:
            results[name] = Failure(failure.status, f"in round {number + 1} of {ROUNDS}: {failure.reason}")


def _warm_up(call: Call, clock: Clock, seconds: float) -> float:
    """Call until caches, clocks and lazy initialisation have settled; the seconds that a call takes then."""
    calls, done, spent, best = 1, 0, 0.0, math.inf
    while True:
        elapsed = clock(call, calls)
        done, spent, best = done + calls, spent + elapsed, min(best, elapsed / calls)
        if spent >= seconds or (spent >= _WARM_UP_S and done >= _WARM_UP_CALLS):
            return best
        calls = min(2 * calls, 1 << 20)


def _plan(call_s: float, seconds: float) -> Samples:
    """Powers of two, so that contestants of like speed make the same count of calls a sample."""
    sample_s = max(seconds / ROUNDS, _SHORTEST_SAMPLE_S)
    calls = 2 ** max(0, round(math.log2(sample_s / max(call_s, 1e-9))))
    stride = 2 ** max(0, math.ceil(math.log2(ROUNDS * call_s * calls / (_PATIENCE * seconds))))
    return Samples(calls=calls, stride=min(stride, ROUNDS // _FEWEST_SAMPLES))
