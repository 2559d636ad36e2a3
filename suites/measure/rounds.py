"""All contestants of a case, timed in interleaved rounds of balanced random order.

A machine's speed drifts by more than most differences that matter. It drifts for all contestants of a round alike,
so their ratios stay right where their times do not.
"""

import gc
import math
import random
import resource
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from statistics import median

import numpy as np

from suites.failure import Failure, contestant
from suites.measure.clock import Call, Clock
from suites.measure.compiler import Compilations
from suites.measure.phases import Phases
from suites.measure.warm_up import Pace, warm_up
from suites.statistics import FEW, blocked, medians, paired_ratios

CONTROL = "the baseline again"
"""The name under which the baseline takes part a second time. The ratio of the two measures the noise."""

FEWEST_PAIRS, MOST_PAIRS = FEW, 2048  # at most a second of short samples, which keeps records small
LOOKS = tuple(FEWEST_PAIRS << n for n in range(9))
"""Pairs of rounds after which the precision is checked: few checks, since each one makes stopping early less fair."""

_SAMPLE_S = 5e-4  # thousands of clock ticks, and shorter than a time slice of the scheduler
_PATIENCE, _MOST_STRIDE = 8, 16  # samples this many times longer than the median are taken in fewer rounds


@dataclass(frozen=True, kw_only=True)
class Budget:
    """When to stop: each ratio's 95 % interval is within ± `precision`, or `seconds` for each contestant are spent."""

    seconds: float
    precision: float


@dataclass
class Samples:
    """Seconds a call: each sample times `calls` calls, and each `stride`-th pair of rounds holds two samples.

    `early_s`: seconds a call in the fastest batch of the calls 64 to 511; NaN if warm-up took fewer. `page_faults` and
    `switches` count minor faults and involuntary context switches during all samples, `compiled` the frames that
    torch.compile compiled meanwhile.
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


Inspect = Callable[[str, object], None]
"""Checks the last result of a sample of the named contestant, or cleans up after the `Failure` that ended it.

Raises `Failure` if the result is wrong.
"""


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
        calls: name to the function to time.
        baseline: the contestant that ratios are taken to. It takes part a second time as `CONTROL`.
        clock: times a number of calls together.
        budget: when to stop, after at least 8 pairs of rounds.
        rng: draws the order of the rounds.
        phases: adds up the time of warm-up and samples; the budget runs on its clock.
        inspect: checks results of timed calls.
    """
    samples: dict[str, Samples | Failure] = {}
    paces: dict[str, Pace] = {}
    with phases("warm-up"):
        for number, (name, call) in enumerate(calls.items()):
            phases.alive(name, number / len(calls))
            try:
                paces[name] = warm_up(call, clock, budget.seconds, partial(inspect, name))
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
            stop = _rounds(arms, samples, baseline, clock, budget, rng, phases, inspect)
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
    phases: Phases,
    inspect: Inspect,
) -> str:
    started, order, budget_s = phases.now(), list(arms), budget.seconds * len(arms)
    strides = [s.stride for s in samples.values() if isinstance(s, Samples)]
    fewest = FEWEST_PAIRS * max(strides, default=1)
    for pair in range(max(MOST_PAIRS, fewest)):
        rng.shuffle(order)
        turns = [(2 * pair + 1, arm) for arm in order] + [(2 * pair + 2, arm) for arm in reversed(order)]
        for number, arm in turns:  # the first of one round is the last of the other
            entry, name = samples[arm], baseline if arm == CONTROL and baseline else arm
            if isinstance(entry, Samples) and pair % entry.stride == 0:
                phases.alive(name, min(1.0, (number - 1) / (2 * fewest), (phases.now() - started) / budget_s))
                try:
                    _sample(entry, arms[arm], clock, partial(inspect, name))
                except Failure as failure:
                    late = Failure(failure.status, f"in round {number}: {failure.reason}")
                    samples |= dict.fromkeys((name, CONTROL) if name == baseline else (name,), late)
                    inspect(name, late)
        if pair + 1 >= fewest:
            if pair + 1 in LOOKS and precise(samples, baseline, budget.precision):
                return "precision"
            if phases.now() - started >= budget_s:
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
    """Whether the ratio of every contestant to the baseline is known to ± `precision`."""
    measured = {name: entry for name, entry in samples.items() if isinstance(entry, Samples)}
    base = measured.get(baseline or "") or next(iter(measured.values()), None)
    if base is None:
        return True
    others = [entry for entry in measured.values() if entry is not base]
    ratios = [paired_ratios(np.array(s.samples_s), s.stride, np.array(base.samples_s), base.stride) for s in others]
    _, low, high = medians(blocked(ratios)).T
    return bool(np.all(np.sqrt(high / low) <= 1 + precision))  # NaN (no pair in common) is not precise


def _plans(paces: Mapping[str, Pace]) -> dict[str, Samples]:
    """How many calls go into a sample, and in which pairs of rounds a slow contestant takes part.

    Both are powers of two, so contestants of similar speed are sampled alike.
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
