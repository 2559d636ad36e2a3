"""Is the time left of whole grids right, in simulated time? Durations follow recorded runs on two cores."""

import random
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import pytest

from suites.examiner import Examination
from suites.plan import Plan
from suites.plugin.compiled import compiles
from suites.plugin.costs import WAITING, Costs
from suites.plugin.estimate import Estimate
from suites.records.case import Case
from suites.records.finding import Finding, Key
from suites.survey import Survey

INPUTS_S = {"smoke": 0.01, "quick": 0.06}
SAMPLES_S = {"smoke": 0.011, "quick": 0.1}  # of a contestant
WARM_UP_S = {"smoke": 0.014, "quick": 0.045}
COMPILE_S = {"cold": 0.42, "warm": 0.09}
COMPILE_FAMILY_S = {"cold": 0.9, "warm": 0.2}  # the first family of a compiled implementation
FINDING_S = {"accuracy": 0.0055, "contract": 0.05, "resolution": 0.08, "known_bugs": 0.01}


@cache
def plan_of(grid: str) -> Plan:
    return Plan.of(grid=grid, device="cpu")


def _never(asked: Examination) -> Finding:
    raise AssertionError(f"{asked} is only planned")


@cache
def findings_of(grid: str) -> tuple[Key, ...]:
    survey = Survey(plan_of(grid), done=(), make=_never, looking=lambda _: None, found=lambda _: None)
    return tuple(asked for question in FINDING_S for asked in survey.asked(question))


class Recorded:
    """The seconds of each part of a run; `cache` is that of the compiler, "cold" or "warm"."""

    def __init__(self, grid: str, cache: str, seed: int) -> None:
        self.grid, self.cache, self._rng = grid, cache, random.Random(seed)
        self._starts, self._truths = True, set[str]()
        self.entries = {entry.name: entry for entry in plan_of(grid).implementations}

    def about(self, seconds: float) -> float:
        return seconds * self._rng.uniform(0.7, 1.4)

    def start_s(self, name: str) -> float:
        start_s, self._starts = (
            (2.0, False) if self._starts and compiles(self.entries[name].fn) else (0.0, self._starts)
        )
        return start_s

    def case(self, case: Case, names: list[str]) -> Iterator[tuple[str, str, float]]:
        yield "inputs", "", self.about(INPUTS_S[self.grid])
        for name in names:
            graphs = 2 if case.direction == "forward+backward" else 1
            compile_s = graphs * COMPILE_S[self.cache] if compiles(self.entries[name].fn) else 0.0
            yield "first calls", name, self.start_s(name) + self.about(0.012 + compile_s)
            yield "memory", name, self.about(0.01)
        yield "warm-up", "", self.about(WARM_UP_S[self.grid] * len(names))
        yield "samples", "", self.about(SAMPLES_S[self.grid] * (len(names) + 1))

    def finding_s(self, asked: Key) -> float:
        if asked.name == "kernel_of_another_capability":
            return 12.5
        seconds = self.about(FINDING_S[asked.question])
        if asked.name == "long_rows" and asked.dtype == "float32":
            contract = self.entries[asked.implementation].task
            seconds, _ = (0.29 if contract in self._truths else 1.8), self._truths.add(contract)
        if asked.name == "prescribed" and compiles(self.entries[asked.implementation].fn):
            seconds += self.about(COMPILE_FAMILY_S[self.cache])
        return seconds


class Disturbed(Recorded):
    """Each third case is measured again, after a wait."""

    cases = 0

    def case(self, case: Case, names: list[str]) -> Iterator[tuple[str, str, float]]:
        self.cases += 1
        yield from (parts := list(super().case(case, names)))
        if self.cases % 3 == 0:
            yield WAITING, "", 0.5
            yield from parts[-2:]


class Slow(Recorded):
    """One contestant of paired rows takes 20 ns for each byte, where 0.14 are usual."""

    NAME = "normalize"

    def case(self, case: Case, names: list[str]) -> Iterator[tuple[str, str, float]]:
        call_s = 2e-8 * case.input_bytes if case.task == "paired" and self.NAME in names else 0.0
        calls = {("first calls", self.NAME): 1, ("memory", self.NAME): 2, ("warm-up", ""): 1, ("samples", ""): 6}
        for phase, name, seconds in super().case(case, names):
            yield phase, name, seconds + calls.get((phase, name), 0) * call_s


def errors(run: Recorded, *, cached: bool) -> list[float]:
    """The relative error of each estimate from the second case on, while at least 20 s are left."""
    time, said, plan, findings = [0.0], list[tuple[float, float]](), plan_of(run.grid), findings_of(run.grid)
    cases = {case: [entry.name for entry in plan.contestants(case)] for case in plan.cases}
    estimate = Estimate(replace(Costs.of(plan), cached=cached), cases, findings, lambda: time[0])
    for number, (case, names) in enumerate(cases.items()):
        estimate.begin(case)
        taking_part = [name for name in names if case.dtype in run.entries[name].dtypes]
        for phase, name, seconds in run.case(case, taking_part):
            for share in range(5):
                estimate.at(phase, name, share / 5 if phase == "samples" else 0.0)
                time[0] += seconds / 5
            said += [(time[0], estimate.left_s)] * (number > 0)
        estimate.end()
    for number, asked in enumerate(findings):
        estimate.begin(asked)
        entry = run.entries.get(asked.implementation)
        time[0] += run.finding_s(asked) if not entry or asked.dtype in entry.dtypes else 0.0
        estimate.end()
        said += [(time[0], estimate.left_s)] * (number % 20 == 0)
    return [left_s / (time[0] - when) - 1 for when, left_s in said if time[0] - when >= 20]


@pytest.mark.parametrize("grid", ["smoke", "quick"])
@pytest.mark.parametrize("cache", ["cold", "warm"])
@pytest.mark.parametrize("run", [Recorded, Disturbed, Slow])
def test_from_the_second_case_on_it_is_within_a_quarter(grid: str, cache: str, run: type[Recorded]) -> None:
    assert max(map(abs, errors(run(grid, cache, seed=1), cached=cache == "warm"))) < 0.25
