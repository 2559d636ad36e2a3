"""All contestants of a case, timed in interleaved rounds of balanced random order.

A machine's speed drifts by more than most differences that matter. It drifts for all contestants of a round alike,
so their ratios stay right where their times do not.
"""

import gc
import math
import random
import resource
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TypeVar

from suites.failure import Failure, contestant
from suites.measure.clock import Call, Clock
from suites.measure.compiler import Compilations, Compiled
from suites.measure.phases import Phases
from suites.measure.turns import FEWEST_PAIRS, Samples, fewest_rounds, most_s, plans, precise, too_slow_to_warm_up
from suites.measure.warm_up import Pace, warm_up

CONTROL = "the baseline again"
"""The name of the twin: a contestant that takes part a second time. The ratio of the two measures the noise."""

MOST_PAIRS = 2048  # at most a second of short samples, which keeps records small
LOOKS = tuple(FEWEST_PAIRS << n for n in range(9))
"""Pairs of rounds after which the precision is checked: few checks, since each one makes stopping early less fair."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """When to stop: each ratio's 95 % interval is within ± `precision`, or `seconds` for each contestant are spent."""

    seconds: float
    precision: float


@dataclass(frozen=True)
class Rounds:
    """The samples of each contestant, or its failure, and why the rounds ended: "precision" or "budget".

    `twin` is the contestant that took part a second time as `CONTROL`; "" if none did.
    """

    samples: dict[str, Samples | Failure]
    stop: str
    twin: str = ""


_UNCOUNTED = Compiled()
T = TypeVar("T")

Inspect = Callable[[str, object], object]
"""Checks a result of a sample of the named contestant. Raises `Failure` if it is wrong.

Or it cleans up after the `Failure` that ended a sample, and returns whether another contestant had caused it.
"""
Ready = Callable[[str], None]
"""Prepares a sample of the named contestant, outside its time; it is then inspected, whatever happens."""


def sample_rounds(
    calls: Mapping[str, Call],
    baseline: str | None,
    clock: Clock,
    budget: Budget,
    rng: random.Random,
    phases: Phases,
    inspect: Inspect = lambda name, result: None,
    known_s: Mapping[str, float] = MappingProxyType({}),
    ready: Ready = lambda name: None,
    compiled: Compiled = _UNCOUNTED,
) -> Rounds:
    """Time every contestant in interleaved rounds until the ratios are known or the budget is spent.

    It takes at most about 1.5 times the budget of all. Those whose two calls exceed their share take these two.

    Args:
        calls: name to the function to time.
        baseline: the contestant that ratios are taken to. It takes part a second time as `CONTROL`. If it takes no
            part, or is too slow for 8 pairs of rounds, the fastest contestant does so instead. None: nobody does.
        clock: times a number of calls together.
        budget: when to stop, after at least 8 pairs of rounds (fewer for those too slow for that, and for all if
            calls become slower than they were in warm-up).
        rng: draws the order of the rounds.
        phases: adds up the time of warm-up and samples; the budget runs on its clock.
        inspect: checks results of timed calls.
        known_s: name to the seconds of a call, as far as known. One that exceeds its share is not warmed up.
        ready: prepares each sample, but no warm-up.
        compiled: counts what torch.compile does.
    """
    samples: dict[str, Samples | Failure] = {}
    paces: dict[str, Pace] = {}
    with phases("warm-up"):
        for number, (name, call) in enumerate(calls.items()):
            phases.alive(name, number / len(calls))
            if too_slow_to_warm_up(call_s := known_s.get(name, 0.0), budget.seconds):
                paces[name] = Pace(call_s, math.nan)
                continue
            look = partial(inspect, name)
            with compiled(name):
                pace = _tried(partial(warm_up, call, clock, budget.seconds, look, phases.now), look)
            if isinstance(pace, Failure):
                samples[name] = pace
            else:
                paces[name] = pace
    twin, planned = _with_twin(paces, baseline, budget.seconds)
    arms = {name: calls[twin if name == CONTROL else name] for name in planned}
    samples |= planned
    gc.collect()
    gc.disable()
    try:
        with phases("samples"):
            stop = _rounds(arms, samples, twin, clock, budget, rng, phases, inspect, ready, compiled)
    finally:
        gc.enable()
    return Rounds(samples, stop, twin)


def _with_twin(paces: Mapping[str, Pace], baseline: str | None, seconds: float) -> tuple[str, dict[str, Samples]]:
    """The contestant that takes part twice, "" for none, and the plans of all."""
    planned = plans(paces, seconds)
    if baseline is None or (baseline not in paces and len(paces) < 2):
        return "", planned
    twin = (
        baseline
        if baseline in paces and not planned[baseline].slow
        else min(paces, key=lambda name: paces[name].call_s)
    )
    return twin, plans({**paces, CONTROL: paces[twin]}, seconds)


def _rounds(
    arms: Mapping[str, Call],
    samples: dict[str, Samples | Failure],
    twin: str,
    clock: Clock,
    budget: Budget,
    rng: random.Random,
    phases: Phases,
    inspect: Inspect,
    ready: Ready,
    compiled: Compiled,
) -> str:
    started, order, budget_s = phases.now(), list(arms), budget.seconds * len(arms)
    planned = {arm: entry for arm, entry in samples.items() if isinstance(entry, Samples)}
    fewest, took_s = fewest_rounds(planned.values()), dict.fromkeys(arms, 0.0)
    for pair in range(max(MOST_PAIRS, fewest)):
        rng.shuffle(order)
        turns = [(2 * pair + 1, arm) for arm in order] + [(2 * pair + 2, arm) for arm in reversed(order)]
        for number, arm in turns:  # the first of one round is the last of the other
            entry, name = samples[arm], twin if arm == CONTROL else arm
            if isinstance(entry, Samples) and entry.takes_part(pair):
                phases.alive(name, min(1.0, (number - 1) / (2 * fewest), (phases.now() - started) / budget_s))
                began = phases.now()
                ready(name)
                with compiled(name):
                    look = partial(inspect, name)
                    failure = _tried(partial(_sample, entry, arms[arm], clock, look), look)
                if failure:
                    late = Failure(failure.status, f"in round {number}: {failure.reason}")
                    samples |= dict.fromkeys((name, CONTROL) if name == twin else (name,), late)
                took_s[arm] += phases.now() - began
        over_s = sum(max(0.0, took_s[arm] - budget.seconds) for arm, entry in planned.items() if entry.fewest == 1)
        spent_s = phases.now() - started - over_s  # one slow call costs the others none of their share
        if pair + 1 < fewest:
            if spent_s >= most_s(budget.seconds) * len(arms):  # the machine has become slower
                break
        elif pair + 1 in LOOKS and precise(samples, twin, budget.precision):
            return "precision"
        elif spent_s >= budget_s or all(entry.slow for entry in planned.values()):
            break
    return "budget"


def _tried(step: Callable[[], T], inspect: Callable[[object], object], again: bool = True) -> T | Failure:
    """What a step returns, or its failure. One that another contestant had caused is tried once again."""
    try:
        return step()
    except Failure as failure:
        caused_by_another = inspect(failure)
        return _tried(step, inspect, again=False) if caused_by_another and again else failure


def _sample(samples: Samples, call: Call, clock: Clock, inspect: Callable[[object], object]) -> None:
    with contestant():
        before, frames = resource.getrusage(resource.RUSAGE_SELF), Compilations.now().frames
        seconds, result = clock(call, samples.calls)
        after, compiled = resource.getrusage(resource.RUSAGE_SELF), Compilations.now().frames
        inspect(result)
        samples.samples_s.append(seconds / samples.calls)
        samples.page_faults += after.ru_minflt - before.ru_minflt
        samples.switches += after.ru_nivcsw - before.ru_nivcsw
        samples.compiled += compiled - frames
