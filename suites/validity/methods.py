"""Methods for comparing the speed of two functions: our paired rounds, pytest-benchmark, torch.utils.benchmark."""

import logging
import random
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import numpy.typing as npt
import torch.utils.benchmark
from pytest_benchmark.fixture import BenchmarkFixture
from pytest_benchmark.utils import NameWrapper
from scipy import stats

from suites.failure import Failure
from suites.measure.clock import Call
from suites.measure.phases import Phases
from suites.measure.rounds import CONTROL, Budget, Rounds, sample_rounds
from suites.statistics import blocked, medians, noise_floors, paired_ratios, verdicts
from suites.validity.workloads import FunctionPair

LONG_S = 5.0
OURS, LONGER = "ours: paired rounds", f"ours, {LONG_S:g} s"
THRESHOLD = 0.05
ALPHA = 0.05
Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Outcome:
    """A method's result on a pair: whether A and B differ, and the ratio of B's time to A's.

    `low` and `high` are the ends of its 95 % interval, NaN for a method without one. `seconds` is the method's wall
    time. `stop` says why our rounds ended.
    """

    method: str
    differs: bool
    ratio: float
    low: float
    high: float
    seconds: float
    stop: str = ""


def ours(pair: FunctionPair, seconds: float, precision: float, rng: random.Random) -> Outcome:
    """Interleaved rounds with a control, the median of the paired ratios, and our verdict."""
    start = perf_counter()
    rounds = sampled(pair, seconds, precision, rng)
    return judged(rounds, perf_counter() - start)


def sampled(pair: FunctionPair, seconds: float, precision: float, rng: random.Random) -> Rounds:
    """Interleaved rounds of "a", "b" and the control."""
    budget = Budget(seconds=seconds / 3, precision=precision)
    return sample_rounds(dict(zip("ab", pair.calls, strict=True)), "a", pair.clock, budget, rng, Phases())


def judged(rounds: Rounds, seconds: float) -> Outcome:
    """Our verdict on "a" and "b" from these rounds, which took `seconds`."""
    base, other, control = (_samples(rounds.samples[name]) for name in ("a", "b", CONTROL))
    ratios, noise = (blocked([paired_ratios(one, 1, base, 1)]) for one in (other, control))
    ratio, low, high = medians(ratios)[0].tolist()
    (verdict,) = verdicts(ratios, noise_floors(medians(noise)), np.array([False]))
    return Outcome(OURS, verdict in ("faster", "slower"), ratio, low, high, seconds, rounds.stop)


def pytest_benchmark(pair: FunctionPair, seconds: float) -> list[Outcome]:
    """pytest-benchmark on A, then on B: three rules with a threshold of 5 %, and two significance tests."""
    start = perf_counter()
    first, second = (_benchmark(batch, seconds / 2) for batch in pair.batches)
    spent = perf_counter() - start

    def ratio(of: np.ufunc | object) -> float:
        return float(of(second) / of(first)) * pair.correction  # type: ignore[operator]

    rules = [
        Outcome(f"pytest-benchmark: {name} 5 %", abs(ratio(of) - 1) > THRESHOLD, ratio(of), np.nan, np.nan, spent)
        for name, of in (("min", np.min), ("mean", np.mean), ("median", np.median))
    ]
    scaled = second * pair.correction
    tests = {
        "Welch": stats.ttest_ind(first, scaled, equal_var=False).pvalue,
        "Mann-Whitney": stats.mannwhitneyu(first, scaled).pvalue,
    }
    return rules + [
        Outcome(f"{name}, sequential", bool(p < ALPHA), ratio(np.mean), np.nan, np.nan, spent)
        for name, p in tests.items()
    ]


def torch_timer(pair: FunctionPair, seconds: float) -> Outcome:
    """`torch.utils.benchmark` on A, then on B: a difference is medians 5 % apart."""
    start = perf_counter()
    first, second = (
        torch.utils.benchmark.Timer("batch()", globals={"batch": batch}).blocked_autorange(min_run_time=seconds / 2)
        for batch in pair.batches
    )
    ratio = second.median / first.median * pair.correction
    return Outcome(
        "torch.utils.benchmark: median 5 %", abs(ratio - 1) > THRESHOLD, ratio, np.nan, np.nan, perf_counter() - start
    )


def _samples(entry: object) -> Array:
    if isinstance(entry, Failure):
        raise entry
    return np.array(entry.samples_s)  # type: ignore[attr-defined]


class _Node:
    """A stand-in for a test, with what pytest-benchmark reads from one."""

    name = nodeid = "pair"


def _benchmark(call: Call, seconds: float) -> Array:
    """The samples, in seconds, that pytest-benchmark takes with its defaults in about `seconds`."""
    found: list[object] = []
    fixture = BenchmarkFixture(
        _Node(),
        disable_gc=False,
        timer=NameWrapper(perf_counter),
        min_rounds=5,
        min_time=5e-6,
        max_time=seconds,
        precision=None,
        confidence=None,
        warmup=False,
        warmup_iterations=100_000,
        calibration_precision=10,
        add_stats=found.append,
        logger=logging.getLogger(__name__),
        warner=lambda *_: None,
        disabled=False,
        cprofile=None,
        cprofile_loops=1,
        cprofile_dump=None,
    )
    fixture(call)
    assert fixture.stats is not None
    return np.array(fixture.stats.stats.data)
