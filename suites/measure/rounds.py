"""All contestants of a case, measured together: rounds in balanced random order, interleaved.

A machine's speed drifts by more than most differences that matter, but it drifts for all
contestants of a round alike: their ratios survive what their times do not.
"""

import gc
import math
import random
import resource
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from typing import NamedTuple

import numpy as np

from suites.failure import Failure, contestant
from suites.measure.clock import Call, Clock
from suites.measure.compiler import Compilations
from suites.measure.phases import Phases
from suites.statistics import FEW, blocked, medians, paired_ratios

CONTROL = "the baseline again"
"""The name under which the baseline takes part a second time: the ratio of the two is the run's noise."""

FEWEST_PAIRS, MOST_PAIRS = FEW, 2048  # a second's worth of short samples, and what a record should hold
LOOKS = tuple(FEWEST_PAIRS << n for n in range(9))
"""Pairs after which the precision is looked at: few, so that stopping early is fair."""

_SAMPLE_S = 5e-4  # thousands of times the resolution of the clocks, and shorter than a time slice of the scheduler
_NO_TIME_S = 1e-9  # what a clock may not see
_WARM_UP_S, _STEADY = 0.02, 0.98  # at least, and until a batch saves less than 2 %
_EARLY = (64, 128, 256)  # batches of the warm-up: lazy initialisation is over, a thousand calls are to come
_PATIENCE, _MOST_STRIDE = 8, 16  # samples this many times longer than is typical are taken in fewer rounds


@dataclass(frozen=True, kw_only=True)
class Budget:
    """When to stop: each ratio's 95 % interval is within ± `precision`, or `seconds` a contestant are spent."""

    seconds: float
    precision: float


@dataclass
class Samples:
    """Seconds a call: `calls` calls went into each sample, and two samples into each `stride`-th pair of rounds.

    `early_s` are the seconds a call of the calls 64 to 511, the fastest batch of them, and NaN where warm-up
    took fewer. `page_faults` and `switches` count minor faults and involuntary context switches during all samples,
    `compiled` the frames that torch.compile compiled meanwhile.
    """

    calls: int
    stride: int
    early_s: float = math.nan
    samples_s: list[float] = field(default_factory=list)
    page_faults: int = 0
    switches: int = 0
    compiled: int = 0


@dataclass(frozen=True)
class Rounds:
    """The samples of each contestant, or its failure, and why the rounds ended: "precision" or "budget"."""

    samples: dict[str, Samples | Failure]
    stop: str


class Pace(NamedTuple):
    """Seconds a call after warm-up, and those of its early calls."""

    call_s: float
    early_s: float


Inspect = Callable[[str, object], None]
"""Handed a name and the last result of a sample, or the `Failure` that ended it; raises `Failure` if that is wrong."""


def sample_rounds(
    calls: Mapping[str, Call],
    baseline: str | None,
    clock: Clock,
    budget: Budget,
    rng: random.Random,
    phases: Phases,
    inspect: Inspect = lambda name, result: None,
) -> Rounds:
    """Time every contestant in interleaved rounds until the ratios are known or the budget is spent.

    Args:
        calls: name to the function that is timed.
        baseline: the one that ratios are taken to; it takes part a second time as `CONTROL`.
        clock: times a number of calls together.
        budget: when to stop; 8 pairs of rounds are made all the same.
        rng: draws the order of the rounds.
        phases: told how long warm-up and samples took; its clock is the budget's.
        inspect: looks at results of timed calls.
    """
    samples: dict[str, Samples | Failure] = {}
    paces: dict[str, Pace] = {}
    with phases("warm-up"):
        for name, call in calls.items():
            try:
                paces[name] = _warm_up(call, clock, budget.seconds, partial(inspect, name))
            except Failure as failure:
                samples[name] = failure
                inspect(name, failure)
    arms = {name: calls[name] for name in paces}
    if baseline is not None and baseline in arms:
        arms[CONTROL], paces[CONTROL] = arms[baseline], paces[baseline]
    samples |= _plans(paces)
    gc.collect()
    gc.disable()
    try:
        with phases("samples"):
            stop = _rounds(arms, samples, baseline, clock, budget, rng, phases.now, inspect)
    finally:
        gc.enable()
    return Rounds(samples, stop)


def _rounds(
    arms: Mapping[str, Call],
    samples: dict[str, Samples | Failure],
    baseline: str | None,
    clock: Clock,
    budget: Budget,
    rng: random.Random,
    now: Callable[[], float],
    inspect: Inspect,
) -> str:
    started, order = now(), list(arms)
    strides = [s.stride for s in samples.values() if isinstance(s, Samples)]
    fewest = FEWEST_PAIRS * max(strides, default=1)
    for pair in range(max(MOST_PAIRS, fewest)):
        rng.shuffle(order)
        turns = [(2 * pair + 1, arm) for arm in order] + [(2 * pair + 2, arm) for arm in reversed(order)]
        for number, arm in turns:  # who comes first in one round comes last in the other
            entry, name = samples[arm], baseline if arm == CONTROL and baseline else arm
            if isinstance(entry, Samples) and pair % entry.stride == 0:
                try:
                    _sample(entry, arms[arm], clock, partial(inspect, name))
                except Failure as failure:
                    late = Failure(failure.status, f"in round {number}: {failure.reason}")
                    samples |= dict.fromkeys((name, CONTROL) if name == baseline else (name,), late)
                    inspect(name, late)
        if pair + 1 >= fewest:
            if pair + 1 in LOOKS and precise(samples, baseline, budget.precision):
                return "precision"
            if now() - started >= budget.seconds * len(arms):
                break
    return "budget"


def _sample(samples: Samples, call: Call, clock: Clock, inspect: Callable[[object], None]) -> None:
    with contestant():
        before, frames = resource.getrusage(resource.RUSAGE_SELF), Compilations.now().frames
        seconds, result = clock(call, samples.calls)
        after = resource.getrusage(resource.RUSAGE_SELF)
        samples.samples_s.append(seconds / samples.calls)
        samples.page_faults += after.ru_minflt - before.ru_minflt
        samples.switches += after.ru_nivcsw - before.ru_nivcsw
        samples.compiled += Compilations.now().frames - frames
        inspect(result)


def precise(samples: Mapping[str, Samples | Failure], baseline: str | None, precision: float) -> bool:
    """Whether the ratio of every contestant to the baseline is known to within ± `precision`."""
    measured = {name: entry for name, entry in samples.items() if isinstance(entry, Samples)}
    base = measured.get(baseline or "") or next(iter(measured.values()), None)
    if base is None:
        return True
    others = [entry for entry in measured.values() if entry is not base]
    ratios = [paired_ratios(np.array(s.samples_s), s.stride, np.array(base.samples_s), base.stride) for s in others]
    _, low, high = medians(blocked(ratios)).T
    return bool(np.all(np.sqrt(high / low) <= 1 + precision))  # NaN, no pair in common, is not precise


def _warm_up(call: Call, clock: Clock, seconds: float, inspect: Callable[[object], None]) -> Pace:
    """Call until a batch is no faster than the best before it; how long a call takes then.

    Whatever warms up, caches, clocks or lazy initialisation, makes the calls that follow faster.
    """
    calls, spent, best, early, steady = 1, 0.0, math.inf, math.inf, False
    with contestant():
        while spent < seconds and not (steady and spent >= _WARM_UP_S):
            elapsed, result = clock(call, calls)
            pace = max(elapsed / calls, _NO_TIME_S)
            steady = pace > _STEADY * best
            spent, best = spent + elapsed, min(best, pace)
            early = min(early, pace) if calls in _EARLY else early
            calls = min(2 * calls, 1 << 20)
        inspect(result)
    return Pace(best, early if early < math.inf else math.nan)


def _plans(paces: Mapping[str, Pace]) -> dict[str, Samples]:
    """How many calls go into a sample, and how often the slow ones take part.

    Both are powers of two, so that contestants of like speed are sampled alike.
    """
    calls = {name: _power_of_two(_SAMPLE_S / pace.call_s) for name, pace in paces.items()}
    took_s = {name: calls[name] * pace.call_s for name, pace in paces.items()}
    patience_s = _PATIENCE * median(took_s.values()) if took_s else math.inf
    return {
        name: Samples(calls[name], min(_MOST_STRIDE, _power_of_two(took_s[name] / patience_s)), pace.early_s)
        for name, pace in paces.items()
    }


def _power_of_two(value: float) -> int:
    return int(2 ** round(math.log2(max(value, 1.0))))
