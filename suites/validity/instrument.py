"""Properties of the measurement itself: smallest visible call, overhead, early stopping, agreement of processes."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy import stats

import implementations
from suites.inputs import make_inputs
from suites.measure.clock import host_clock
from suites.measure.phases import Phases
from suites.measure.rounds import CONTROL, LOOKS, Budget, Rounds, sample_rounds
from suites.measure.together import measure_case
from suites.measure.turns import Samples, precise
from suites.records.case import Case
from suites.records.record import Latency, Record
from suites.statistics import medians, paired_ratios
from suites.validity.methods import judged, sampled
from suites.validity.workloads import pair
from suites.workers.jobs import Setup
from suites.workers.workers import Workers

CASES = tuple(
    Case(task="paired", shape=shape, dtype=dtype, device="cpu")
    for shape in ((64, 384), (4096, 768))
    for dtype in ("float32", "bfloat16")
)
COST = Case(task="paired", shape=(512, 768), dtype="float32", device="cpu")  # its calls take some 100 µs
CONTESTANTS = ("builtin", "normalize", "dot_over_norms", "vecdot")
EXACTLY = 1e-9  # a precision that is never reached, so the rounds use their whole budget


class Property(NamedTuple):
    """A property with its goal; `measure` returns the measured value in words."""

    name: str
    goal: str
    measure: Callable[[], str]


def properties(
    seconds: float, processes: int, cells: Sequence[tuple[str, float]], rng: random.Random
) -> list[Property]:
    """All properties; `cells` are the call lengths and slowdowns of the pairs for early stopping."""
    return [
        Property("smallest call distinguished from an empty one", "100 ns", partial(smallest_call, seconds, rng)),
        Property("cost in addition to the timed calls, 100 µs calls", "≤ 10 %", partial(cost, seconds, rng)),
        Property("early stopping at ± 1 %", "same in ≥ 97 %, for ≤ 1/3 of it", partial(stopping, seconds, cells, rng)),
        *(
            Property(
                f"the same ratio over {processes} processes, allocator {regime}",
                "≤ 1 % in 95 %",
                partial(agreement, regime, processes, seconds / 4),
            )
            for regime in ("pinned", "found")
        ),
    ]


def smallest_call(seconds: float, rng: random.Random) -> str:
    """Time of a call of about 100 ns beyond an empty call: the median of paired differences, in ns."""
    calls = {"empty": partial(int), "small": partial(sum, (1.0,) * 9)}
    rounds = sample_rounds(calls, None, host_clock, Budget(seconds=seconds, precision=EXACTLY), rng, Phases())
    empty, small = (np.array(entry.samples_s) for entry in rounds.samples.values() if isinstance(entry, Samples))
    difference, low, high = medians([small - empty])[0] * 1e9
    loop = np.median(empty) * 1e9
    seen = "distinguished" if low > 0 else "not distinguished"
    return f"{difference:.1f} ns ({low:.1f} to {high:.1f}) beyond an empty call's {loop:.1f} ns: {seen}"


def cost(seconds: float, rng: random.Random) -> str:
    """Overhead of a case of 100 µs calls, in a process that has measured a case before."""
    entries = [implementations.get(name) for name in CONTESTANTS]
    for length in (seconds / 100, seconds):  # the first case pays for loading, such as the profiler's
        phases = Phases()
        records = measure_case(
            COST,
            entries,
            make_inputs=make_inputs,
            clock=host_clock,
            budget=Budget(seconds=length, precision=EXACTLY),
            rng=rng,
            phases=phases,
        )
    timed = sum(_timed_s(record.latency) for record in records if record.latency)
    rounds, wall = 1 - timed / phases.seconds["samples"], 1 - timed / phases.wall_s
    return f"{rounds:.1%} of the rounds, {wall:.1%} of the case with its inputs, truth, checks, memory and warm-up"


def stopping(seconds: float, cells: Sequence[tuple[str, float]], rng: random.Random) -> str:
    """How often rounds that stop at ± 1 % give the verdict of the whole budget, and the share of time they need."""
    same, shares = [], []
    for length, slowdown in cells:
        rounds = sampled(pair(length, slowdown), seconds, EXACTLY, rng)
        early, share = stopped(rounds)
        same.append(judged(early, share).differs == judged(rounds, 1).differs)
        shares.append(share)
    return f"same verdict in {np.mean(same):.1%} of {len(same)} pairs, for {np.mean(shares):.0%} of the time"


def stopped(rounds: Rounds) -> tuple[Rounds, float]:
    """The rounds up to the first look at which the ratio is known to ± 1 %, and their share of all rounds."""
    samples = {name: entry for name, entry in rounds.samples.items() if isinstance(entry, Samples)}
    most = len(samples[CONTROL].samples_s)
    for pairs in LOOKS:
        cut = {name: replace(entry, samples_s=entry.samples_s[: 2 * pairs]) for name, entry in samples.items()}
        if 2 * pairs >= most or precise(cut, "a", 0.01):
            break
    return Rounds(dict(cut), "precision"), min(1.0, 2 * pairs / most)


def agreement(regime: str, processes: int, seconds: float) -> str:
    """Coefficient of variation, between fresh processes, of the ratios to the built-in."""
    spreads, budget = [], Budget(seconds=processes * seconds, precision=EXACTLY)
    workers = Workers(Setup(allocator=regime), budget, processes=processes)
    for case in CASES:
        records = workers.measure(case, list(map(implementations.get, CONTESTANTS)))
        if failed := next((record for record in records if not record.latency), None):
            return f"not measured: {failed.implementation} is {failed.status}: {failed.reason}"
        base, *others = records
        spreads += [float(stats.variation(_ratios(record, base), ddof=1)) for record in others]
    share = np.mean(np.array(spreads) <= 0.01)
    return f"≤ 1 % in {share:.0%} of {len(spreads)} ratios; median {np.median(spreads):.2%}, worst {max(spreads):.1%}"


def _ratios(record: Record, base: Record) -> list[float]:
    pairs = zip(_latencies(record), _latencies(base), strict=True)
    return [
        float(np.median(paired_ratios(np.array(a.samples_s), a.stride, np.array(b.samples_s), b.stride)))
        for a, b in pairs
    ]


def _latencies(record: Record) -> list[Latency]:
    return [record.latency, *record.replicates] if record.latency else []


def _timed_s(latency: Latency) -> float:
    return latency.calls * (sum(latency.samples_s) + sum(latency.control_s))
