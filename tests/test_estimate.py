"""Is the time of a run planned before it starts, and corrected by what was measured? The clock is simulated."""

import random
from collections.abc import Callable, Mapping
from itertools import pairwise

import pytest

from implementations import registry
from suites.measure import quiet
from suites.plan import Plan
from suites.plugin.compiled import compiles
from suites.plugin.costs import COMPILER_START_S, WAITING, Costs
from suites.plugin.estimate import Estimate, planned_s
from suites.records.case import Case
from suites.records.finding import Key

NAMES = ("builtin", "normalize", "compiled_dot")
ENTRIES = {name: registry.get(name) for name in (*NAMES, "vecdot", "pure_16bit")}
COSTS = Costs(implementations=ENTRIES, seconds=1.0)


def case_of(rows: int, dtype: str = "float32") -> Case:
    return Case(task="paired", shape=(rows, 384), dtype=dtype, device="cpu")


CASE = case_of(64)
CASES = {case_of(rows): NAMES for rows in range(1, 11)}
ACCURACY = [
    Key("accuracy", "cpu", "float32", family, name) for family in ("prescribed", "self", "zeros") for name in NAMES
]


# Before the start


def test_a_plan_takes_its_budget_for_each_contestant_and_the_control_and_seconds_for_a_compiled_one() -> None:
    plan = Plan.of(grid="smoke", device="cpu", seconds="10")
    two, three, compiled = (
        planned_s(plan, {CASE: names}, [])
        for names in (("builtin", "normalize"), ("builtin", "normalize", "vecdot"), ("builtin", "compiled_dot"))
    )
    assert 30 < two < 31
    assert 10 < three - two < 11
    assert 2 < compiled - two < 6


def test_one_that_takes_no_part_takes_no_time() -> None:
    assert Estimate(COSTS, {CASE: NAMES}, ()).left_s == Estimate(COSTS, {CASE: (*NAMES, "pure_16bit")}, ()).left_s


def test_findings_count_too() -> None:
    plan = Plan.of(grid="smoke", device="cpu")
    asked = [Key("accuracy", "cpu", "float32", "zeros", "builtin"), Key("contract", "cpu", "float32", "", "builtin")]
    assert 0 < planned_s(plan, {}, asked[:1]) < planned_s(plan, {}, asked) < 1
    assert planned_s(plan, {}, []) == 0


def test_what_compiles_is_seen_in_its_file() -> None:
    entries = [registry.get(name) for name in registry.names()]
    compiled = {name for name in registry.names() if name.startswith("compiled_")}
    assert {entry.name for entry in entries if compiles(entry.fn)} == compiled


def test_large_cases_take_longer_than_their_budget() -> None:
    costs = Costs(implementations=ENTRIES, seconds=0.01)
    large_case = Case(task="paired", shape=(65536, 4096), dtype="float32", device="cpu")
    small, large = (Estimate(costs, {case: NAMES[:2]}, ()).left_s for case in (CASE, large_case))
    assert small < 1
    assert large > 10


def test_fresh_processes_take_their_start_and_compile_again() -> None:
    one, three = (
        Estimate(Costs(implementations=ENTRIES, seconds=10.0, processes=number), {CASE: NAMES}, ()).left_s
        for number in (1, 3)
    )
    assert 10 < three - one < 30


# While it runs


class Session:
    """A run in simulated time: `takes` gives the seconds of a phase of a case, or of a finding."""

    def __init__(
        self,
        takes: Callable[[str, str, float], float],
        cases: Mapping[Case, tuple[str, ...]] = CASES,
        findings: tuple[Key, ...] = (),
        costs: Costs = COSTS,
    ) -> None:
        self.time, self._takes, self._cases, self._findings = 0.0, takes, cases, findings
        self.estimate = Estimate(costs, cases, findings, lambda: self.time)
        self.left = list[tuple[float, float, int]]()  # the time, what is said to be left, and how many cases are done
        self.done = 0

    def run(self) -> "Session":
        for finding in self._findings:
            self.estimate.begin(finding)
            self._wait(self._takes(finding.question, finding.implementation, 0.0))
            self.estimate.end()
        for case, names in self._cases.items():
            self.estimate.begin(case)
            for phase, name in (("inputs", ""), *(("first calls", name) for name in names), ("warm-up", "")):
                self.estimate.at(phase, name, 0.0)
                self._wait(self._takes(phase, name, 0.0))
            whole_s = self._takes("samples", "", COSTS.seconds * (len(names) + 1))
            for share in range(20):
                self.estimate.at("samples", names[0], share / 20)
                self._wait(whole_s / 20)
            self.estimate.at("checks", "", 0.0)
            self.estimate.end()
            self.done += 1
        return self

    def _wait(self, seconds: float) -> None:
        for _ in range(10):
            self.left.append((self.time, self.estimate.left_s, self.done))
            self.time += seconds / 10

    def errors(self, from_case: int = 1) -> list[float]:
        """The relative error of each estimate from a case on, while it matters: to ten seconds before the end."""
        return [
            said / (self.time - when) - 1
            for when, said, done in self.left
            if done >= from_case and self.time - when > 10
        ]


class Usual:
    """The seconds of a phase, on a slower machine; the first compilation loads the compiler."""

    def __init__(self, slower: float = 1.0, samples: float = 1.0) -> None:
        self._slower, self._samples, self._started = slower, samples, False

    def __call__(self, phase: str, name: str, budget_s: float) -> float:
        if phase == "samples":
            return self._samples * budget_s
        if not name.startswith("compiled"):
            return self._slower * {"inputs": 0.1, "first calls": 0.05, "warm-up": 0.2}.get(phase, 0.02)
        start_s, self._started = 0.0 if self._started else COMPILER_START_S, True
        return self._slower * (start_s + 0.6)


@pytest.mark.parametrize("slower", [0.3, 1, 3, 10])
def test_from_the_second_case_on_the_estimate_is_right_on_any_machine(slower: float) -> None:
    assert max(map(abs, Session(Usual(slower)).run().errors())) < 0.25


@pytest.mark.parametrize("samples", [0.2, 4.0])
def test_so_it_is_where_cases_reach_their_precision_early_or_exceed_their_budget(samples: float) -> None:
    assert max(map(abs, Session(Usual(samples=samples)).run().errors())) < 0.25


def test_a_foreign_contestant_that_turns_out_to_compile_is_known_after_its_first_case() -> None:
    usual = Usual()

    def takes(phase: str, name: str, budget_s: float) -> float:
        return 6.0 if (phase, name) == ("first calls", "normalize") else usual(phase, name, budget_s)

    assert max(map(abs, Session(takes).run().errors())) < 0.25


def slow_call_s(case: Case) -> float:
    """1 s for 1,000 rows, where 2e-4 s are expected."""
    return case.shape[0] / 1000


def test_a_slow_contestant_is_planned_by_its_pace_after_its_first_call() -> None:
    time, cases = [0.0], {case_of(rows): NAMES[:2] for rows in (1000, 4000, 16000)}
    estimate = Estimate(COSTS, cases, (), lambda: time[0])
    first, *later = cases
    estimate.begin(first)
    for phase, name, seconds in (
        ("inputs", "", 0.1),
        ("first calls", "builtin", 0.02),
        ("first calls", "normalize", slow_call_s(first)),
        ("memory", "normalize", slow_call_s(first)),
        ("checks", "normalize", slow_call_s(first)),
    ):
        estimate.at(phase, name, 0.0)
        time[0] += seconds
    estimate.at("warm-up", "", 0.0)
    calls = 3 + 7  # no warm-up, two samples, and checks of each
    left_s = 7 * slow_call_s(first) + sum(calls * slow_call_s(case) for case in later)
    assert estimate.left_s == pytest.approx(left_s, rel=0.1)


@pytest.mark.parametrize("seed", range(5))
def test_uneven_work_leaves_it_within_a_quarter(seed: int) -> None:
    rng, usual = random.Random(seed), Usual()

    def takes(phase: str, name: str, budget_s: float) -> float:
        return usual(phase, name, budget_s) * rng.uniform(0.8, 1.3)

    assert max(map(abs, Session(takes, findings=tuple(ACCURACY)).run().errors())) < 0.25


# When all goes wrong


def test_a_case_far_longer_than_planned_makes_the_estimate_grow_steadily() -> None:
    estimate_at, time = list[float](), [0.0]
    estimate = Estimate(COSTS, CASES, ACCURACY, lambda: time[0])
    estimate.begin(next(iter(CASES)))
    estimate.at("inputs", "", 0.0)
    planned = estimate.left_s
    for second in range(1, 200):
        time[0] = float(second)
        estimate_at.append(estimate.left_s)
    assert all(0.2 < later - earlier < 0.3 for earlier, later in pairwise(estimate_at))
    assert estimate_at[-1] > planned
    estimate.end()
    assert estimate.left_s > 5 * planned, "the other cases may take as long"


def test_it_is_0_at_the_end_alone() -> None:
    session = Session(lambda *_: 0.0).run()
    assert min(said for _, said, _ in session.left) > 0
    assert session.estimate.left_s == 0


def test_while_the_last_case_runs_over_time_something_is_left() -> None:
    time = [0.0]
    estimate = Estimate(COSTS, {CASE: NAMES}, (), lambda: time[0])
    estimate.begin(CASE)
    estimate.at("samples", "builtin", 0.0)
    for time[0] in (1.0, 10.0, 100.0, 1000.0):
        assert estimate.left_s >= time[0] / 5


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
def test_the_share_that_is_done_says_how_long_the_rest_takes(share: float) -> None:
    time = [0.0]
    estimate = Estimate(COSTS, {CASE: NAMES}, (), lambda: time[0])
    estimate.begin(CASE)
    estimate.at("samples", "builtin", 0.0)
    time[0] = 40 * share
    estimate.at("samples", "builtin", share)
    assert estimate.left_s == pytest.approx(40 * (1 - share))


def test_contestants_come_in_any_order() -> None:
    seen = list[float]()
    for names in (NAMES, NAMES[::-1]):
        time = [0.0]
        estimate = Estimate(COSTS, CASES, (), lambda: time[0])  # noqa: B023  # read at once
        estimate.begin(next(iter(CASES)))
        for name in names:
            estimate.at("first calls", name, 0.0)
            time[0] += 5.0
        estimate.end()
        seen.append(estimate.left_s)
    assert seen[0] == pytest.approx(seen[1], rel=0.1)
    assert seen[0] > 100


def test_what_was_not_planned_changes_nothing() -> None:
    estimate = Estimate(COSTS, {CASE: NAMES}, (), lambda: 0.0)
    planned = estimate.left_s
    estimate.begin(case_of(3))
    estimate.at("samples", "builtin", 0.5)
    estimate.end()
    assert estimate.left_s == planned


def test_a_wait_within_a_case_is_part_of_it() -> None:
    time = [0.0]
    estimate = Estimate(COSTS, CASES, (), lambda: time[0])
    estimate.begin(next(iter(CASES)))
    estimate.at("inputs", "", 0.0)
    before = estimate.left_s
    estimate.at("waiting for a quiet machine", "", 0.0)
    time[0] = 20.0
    assert estimate.left_s > before


def left_after(phases: Mapping[str, float], cases: Mapping[Case, tuple[str, ...]] = CASES) -> float:
    """What is left after a first case with these phases, in seconds."""
    time = [0.0]
    estimate = Estimate(COSTS, cases, (), lambda: time[0])
    estimate.begin(next(iter(cases)))
    for phase, seconds in phases.items():
        estimate.at(phase, "", 0.0)
        time[0] += seconds
    estimate.end()
    return estimate.left_s


def test_a_wait_for_a_quiet_machine_says_nothing_about_the_next_cases() -> None:
    usual = {"inputs": 0.1, "samples": 4.0}
    assert left_after(usual | {WAITING: 60.0}) == pytest.approx(left_after(usual))
    assert WAITING == quiet.WAITING


def test_one_finding_far_off_does_not_spread_to_other_kinds() -> None:
    time, bug = [0.0], Key("known_bugs", name="kernel_of_another_capability")
    estimate = Estimate(COSTS, CASES, (bug, *ACCURACY), lambda: time[0])
    estimate.begin(bug)
    time[0] = 1000.0
    estimate.end()
    assert estimate.left_s == pytest.approx(Estimate(COSTS, CASES, ACCURACY, lambda: 0.0).left_s, rel=0.1)


def test_in_all_pairs_those_that_broadcast_cost_more_from_the_start() -> None:
    entries = {name: registry.get(name) for name in ("broadcast_top_k", "matmul_top_k")}
    case = Case(task="top_k", shape=(64, 50000, 384), dtype="float32", device="cpu", k=10)
    slow, fast = (Estimate(Costs(implementations=entries, seconds=1.0), {case: (name,)}, ()).left_s for name in entries)
    assert slow > fast + 30
