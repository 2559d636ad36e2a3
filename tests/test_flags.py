"""Is each flag raised for its reason, and never for plain noise?"""

import dataclasses
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count

import numpy as np
import pytest
import torch

import implementations
from suites.measure.compiler import Compilations
from suites.measure.flags import compiler_flags, flags_of, host_flags
from suites.measure.host import HostTime
from suites.measure.turns import Samples
from suites.records.case import Case
from tests.measuring import measure

CASE = Case(task="paired", shape=(8, 8), dtype="float32", device="cpu")
STEADY = 1e-5 * np.random.default_rng(0).lognormal(0, 0.02, 64)
WHOLE = np.ones(64)


def flagged(
    samples_s: np.ndarray = STEADY, base_s: np.ndarray | None = None, kept_bytes: int = 0, **fields: float
) -> dict[str, str]:
    samples = Samples(calls=32, stride=1, samples_s=list(map(float, samples_s)), **fields)  # type: ignore[arg-type]
    base = None if base_s is None else Samples(calls=32, stride=1, samples_s=list(map(float, base_s)))
    return {flag.name: flag.evidence for flag in flags_of(samples, base, kept_bytes)}


def walk(size: int) -> np.ndarray:
    """Autocorrelated noise: each value is mostly the previous one."""
    steps, values = np.random.default_rng(1).normal(0, 0.02, size), np.zeros(size)
    for place in range(1, size):
        values[place] = 0.9 * values[place - 1] + steps[place]
    return np.exp(values)


def test_steady_samples_have_no_flag() -> None:
    assert flagged() == flagged(base_s=STEADY[::-1]) == flagged(1e-5 * WHOLE, 1e-5 * WHOLE) == {}


def test_a_few_rounds_are_few_and_a_run_that_stopped_by_precision_has_enough() -> None:
    assert flagged(STEADY[:15]) == {"few_rounds": "15 rounds"}
    assert flagged(STEADY[:16]) == {}
    assert flagged(STEADY[:4], STEADY[:4]) == {"few_rounds": "4 rounds"}


@pytest.mark.parametrize(
    ("fields", "flags"),
    [
        ({"page_faults": 64 * 32 * 3}, {"page_faults": "3 minor page faults a call"}),
        ({"page_faults": 64 * 32}, {}),
        ({"switches": 6}, {"switched": "293 involuntary context switches a second"}),
        ({"switches": 5}, {}),
        ({"kept_bytes": 8}, {"leaks": "8 bytes stay allocated after each call"}),
        ({"compiled": 2}, {"recompiled": "torch.compile compiled 2 frames while the calls were timed"}),
        ({"early_s": 3e-5}, {"sped_up": "calls 64 to 511 took 3 times the time of those that were sampled"}),
        ({"early_s": 1.5e-5}, {}),
        ({"early_s": math.nan}, {}),
    ],
)
def test_a_flag_is_raised_where_its_evidence_is_unusual(fields: dict[str, float], flags: dict[str, str]) -> None:
    assert flagged(1e-5 * WHOLE, **fields) == flags  # type: ignore[arg-type]


def test_samples_shorter_than_a_thousand_ticks_of_the_clock_are_coarse() -> None:
    tick = time.get_clock_info("perf_counter").resolution
    assert "coarse_timer" in flagged(WHOLE * tick * 999 / 32)
    assert flagged(WHOLE * tick * 1001 / 32) == {}


@pytest.mark.parametrize(("factor", "text"), [(1.1, "1.1 times"), (1 / 3, "0.333 times")])
def test_a_second_half_unlike_the_first_is_a_drift(factor: float, text: str) -> None:
    halves = np.where(np.arange(64) < 32, 1, factor)
    assert flagged(1e-5 * halves)["drift"] == f"the second half takes {text} the first half's time"
    assert "drift" in flagged(STEADY * halves)
    assert "drift" not in flagged(STEADY * np.where(np.arange(64) < 32, 1, 1.03))


def test_two_groups_far_apart_are_two_modes_and_a_tenth_of_outliers_is_not() -> None:
    third = np.where(np.arange(64) % 3 == 0, 2.0, 1.0)
    assert flagged(STEADY * third)["two_modes"].startswith("34% of the samples take ")
    tenth = np.where(np.arange(64) % 10 == 0, 2.0, 1.0)
    assert flagged(STEADY * tenth) == {}


def test_correlated_ratios_are_flagged() -> None:
    ratios = np.repeat(walk(64), 2)
    found = flagged(1e-5 * ratios, 1e-5 * np.ones(128))["autocorrelated"]
    assert found.startswith("successive ratios correlate by 0.")
    assert "the interval is that of 16 blocks" in found
    assert "autocorrelated" not in flagged(1e-5 * ratios, 1e-5 * ratios), "common noise cancels"


@pytest.mark.parametrize("rounds", [16, 32, 64, 128, 512])
def test_plain_noise_is_hardly_ever_flagged(rounds: int) -> None:
    generator, trials, found = np.random.default_rng(rounds), 300, Counter[str]()

    def noise() -> np.ndarray:
        outliers = np.where(generator.random(rounds) < 0.05, 1.5, 1.0)
        return 1e-5 * generator.lognormal(0, 0.05, rounds) * outliers

    for _ in range(trials):
        found.update(flagged(noise(), noise()).keys())
    assert all(count / trials <= 0.02 for count in found.values()), found


@pytest.mark.parametrize(
    ("spent", "flags"),
    [
        (HostTime(wall_s=2, own_s=3.9, others_s=0.02, stolen_s=0.01), {}),
        (HostTime(wall_s=2, own_s=3, others_s=1, stolen_s=0), {"busy_machine": "other processes used 0.50 processors"}),
        (HostTime(wall_s=2, own_s=3, others_s=0, stolen_s=0.5), {"stolen_time": "the host withheld 0.25 processors"}),
        (HostTime(wall_s=0.1, own_s=0, others_s=0.1, stolen_s=0.1), {}),
    ],
)
def test_lasting_load_of_other_processes_is_flagged(spent: HostTime, flags: dict[str, str]) -> None:
    seen = {flag.name: flag.evidence.removesuffix(" meanwhile") for flag in host_flags(spent)}
    assert seen == flags


def test_the_hosts_time_is_that_of_this_process_and_of_others() -> None:
    before = HostTime.now()
    while time.process_time() - before.own_s < 0.1:
        pass
    spent = HostTime.now().since(before)
    assert spent.own_s >= 0.1
    assert spent.wall_s > 0
    assert spent.others_s > -0.1, "the kernel counts time in steps"


@pytest.fixture
def _compiler_is_reset() -> Iterator[None]:
    torch.compiler.reset()
    yield
    torch.compiler.reset()
    torch.compiler.set_stance("default")


def compilations(fn: Callable[[torch.Tensor], object], *rows: int) -> Compilations:
    compiled = torch.compile(fn, backend="eager", dynamic=False)
    before = Compilations.now()
    for n in rows:
        compiled(torch.ones(n))
    return Compilations.now().since(before)


@pytest.mark.usefixtures("_compiler_is_reset")
def test_silent_recompilations_and_fallbacks_are_counted() -> None:
    import torch._dynamo  # as the first call of a compiled function does

    def whole(x: torch.Tensor) -> torch.Tensor:
        return x + 1

    def broken(x: torch.Tensor) -> torch.Tensor:
        torch._dynamo.graph_break()
        return x + 1

    assert compilations(whole, 2) == Compilations(frames=1)
    torch.compiler.reset()
    assert compilations(whole, 2, 2, 3).frames == 2, "a new shape compiles anew"
    torch.compiler.reset()
    many = compilations(whole, *range(2, 16))
    assert many.fallen_back >= 1, "torch falls back after eight shapes"
    assert {flag.name for flag in compiler_flags(many)} == {"fell_back"}
    torch.compiler.reset()
    (flag,) = compiler_flags(compilations(broken, 2))
    assert (flag.name, flag.evidence) == ("graph_breaks", "1 graph breaks: it is compiled in parts")


@pytest.mark.usefixtures("_compiler_is_reset")
def test_one_that_falls_back_after_its_first_call_is_flagged() -> None:
    import torch._dynamo  # as the first call of a compiled function does

    called = count()

    def body(x: torch.Tensor, y: torch.Tensor, dim: int, n: float) -> torch.Tensor:
        return (x * y).sum(dim) / ((x * x).sum(dim).sqrt() * (y * y).sum(dim).sqrt()) + 0.0 * n

    compiled = torch.compile(body, backend="eager", dynamic=False)

    def falls_back(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> object:
        return compiled(x, y, dim, float(n) if (n := next(called)) < 40 else 1.5)

    entry = dataclasses.replace(implementations.get("normalize"), fn=falls_back, name="falls_back")
    found = measure(implementations.get("builtin"), entry, case=CASE)
    (flag,) = (flag for flag in found["falls_back"].flags if flag.name == "fell_back")
    assert "1 of 9 frames run in eager mode" in flag.evidence
    assert "fell_back" not in {flag.name for flag in found["builtin"].flags}
