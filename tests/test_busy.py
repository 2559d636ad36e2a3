"""Is it seen what else the machine did, is a case measured again once it is quiet, and is its verdict provisional?"""

import math
import os
import random
from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np
import pytest

import implementations
from results import load
from suites.failure import Failure
from suites.inputs import make_inputs
from suites.measure import host
from suites.measure.disturbance import disturbance
from suites.measure.gpu import GpuMonitor, Reading
from suites.measure.host import HostTime
from suites.measure.phases import Phases
from suites.measure.quiet import WAITING, Attempt, HostWatch
from suites.measure.rounds import CONTROL, Budget, Rounds
from suites.measure.states import slow_state, two_states
from suites.measure.together import measure_case
from suites.measure.turns import Samples
from suites.records.record import Flag, Status
from tests.runs import CASE, measured, save

STEP_S = 1 / 128  # exact in floating point


class Machine:
    """Two processors, of which others use some, second by second; it counts in steps of 10 ms."""

    def __init__(self, others: Callable[[float], float]) -> None:
        self.now_s = self.others_s = self.slept_s = self.waited_s = 0.0
        self._others = others

    def read(self) -> HostTime:
        return HostTime(self.now_s, self.now_s, round(self.others_s, 2), 0.0, self.waited_s)

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / STEP_S)):
            self.others_s += self._others(self.now_s) * STEP_S
            self.waited_s += self._others(self.now_s) * STEP_S / 2
            self.now_s += STEP_S

    def sleep(self, seconds: float) -> None:
        self.slept_s += seconds
        self.run(seconds)

    def watch(self) -> HostWatch:
        return HostWatch(self.read, self.sleep, processors=2)


class Case:
    """A case whose rounds take so many seconds on a machine, and how often it was measured."""

    def __init__(self, machine: Machine, seconds: float) -> None:
        self._machine, self._seconds = machine, seconds
        self.attempts = 0
        self.without: list[set[str]] = []

    def __call__(self, failed: Collection[str]) -> Attempt:
        self.attempts += 1
        self.without.append(set(failed))
        before = self._machine.read()
        self._machine.run(self._seconds)
        rounds = Rounds({"a": Samples(self.attempts, 1, samples_s=[1.0] * 16)}, "budget")
        return Attempt(rounds, self._machine.read().since(before), GpuMonitor(None))


def attempt_of(kept: Attempt) -> int:
    samples = kept.rounds.samples["a"]
    assert isinstance(samples, Samples)
    return samples.calls


# What counts as a disturbance


@pytest.mark.parametrize(
    ("spent", "evidence"),
    [
        (HostTime(2.0, 2.0, 0.1, 0.0, waited_s=0.02), ""),
        (HostTime(2.0, 2.0, 0.3, 0.0), "others used 8% of the processors' time"),
        (HostTime(2.0, 2.0, 0.1, 0.0, waited_s=1.9), "0.05 threads waited for processors that others used"),
        (HostTime(2.0, 4.0, 0.0, 0.0, waited_s=2.0), ""),  # four threads of our own on two processors
        (HostTime(2.0, 2.0, 0.1, 0.0, math.nan), "0.05 threads waited for processors that others used"),
        (HostTime(2.0, 2.0, 0.0, 0.2), "the host withheld 0.10 processors"),
        (HostTime(2.0, 2.0, 0.0, 0.0, throttled_s=0.5), "a quota stopped this process for 25% of the time"),
        (HostTime(0.02, 0.02, 0.02, 0.02), ""),  # two steps of the kernel's counts may be none
    ],
)  # fmt: skip
def test_others_are_a_disturbance_beyond_a_few_per_cent_and_our_own_threads_are_not(
    spent: HostTime, evidence: str
) -> None:
    found = disturbance(spent, spent, processors=2)
    assert found.evidence == evidence
    assert found.found == bool(evidence)


def test_a_processor_of_many_is_no_disturbance_unless_our_threads_wait_for_it() -> None:
    spent = HostTime(2.0, 2.0, 2.0, 0.0, waited_s=0.0)
    assert not disturbance(spent, spent, processors=64).found
    spent = spent._replace(waited_s=0.5)
    assert disturbance(spent, spent, processors=64).evidence.startswith("0.25 threads waited")


def test_a_shared_gpu_is_a_disturbance() -> None:
    readings = iter([Reading(0, 1980, 0), Reading(0, 1980, 1)])
    gpu = GpuMonitor(lambda: next(readings, None), now=iter([0.0, 1.0, 1.0]).__next__)
    gpu.poll()
    assert gpu.shared == 0.5
    assert gpu.shared_now() == 0.0
    spent = HostTime(2.0, 2.0, 0.0, 0.0)
    found = disturbance(spent, spent, processors=2, gpu_shared=gpu.shared)
    assert found.evidence == "others worked on the GPU in 50% of the readings"


# When a case is measured again


def test_a_quiet_case_is_measured_once() -> None:
    machine = Machine(lambda now: 0.05)
    case, phases = Case(machine, 2.0), Phases(lambda: machine.now_s)
    kept = machine.watch().least_disturbed(case, phases)
    assert (case.attempts, machine.slept_s, kept.flags("a")) == (1, 0.0, ())
    assert WAITING not in phases.seconds


def test_a_disturbed_case_is_measured_again_once_the_machine_is_quiet() -> None:
    machine, began = Machine(lambda now: 1.5 if now < 3 else 0.0), list[str]()
    case, phases = Case(machine, 2.0), Phases(lambda: machine.now_s, lambda phase, *_: began.append(phase))
    kept = machine.watch().least_disturbed(case, phases)
    assert (case.attempts, attempt_of(kept), kept.flags("a")) == (2, 2, ())
    assert machine.slept_s == 1.5
    assert phases.seconds[WAITING] == pytest.approx(1.5)
    assert began == [WAITING] * 3


def test_the_least_disturbed_of_three_attempts_counts_and_says_by_what() -> None:
    machine = Machine(lambda now: 0.0 if now % 2.5 > 2 else (1.5, 0.5, 1.0, 2.0)[int(now // 2.5)])
    case = Case(machine, 2.0)
    kept = machine.watch().least_disturbed(case, Phases(lambda: machine.now_s))
    assert (case.attempts, attempt_of(kept)) == (3, 2)
    (flag,) = kept.flags("a")
    assert flag.name == "disturbed"
    assert flag.evidence.startswith("others used 25% of the processors' time; 0.25 threads waited")


def test_nobody_waits_longer_than_the_rounds_took_and_ever_shorter_while_it_is_no_use() -> None:
    machine = Machine(lambda now: 1.5)
    watch, phases, waits = machine.watch(), Phases(lambda: machine.now_s), list[float]()
    for _ in range(5):
        before, case = machine.slept_s, Case(machine, 4.0)
        kept = watch.least_disturbed(case, phases)
        waits.append(machine.slept_s - before)
        assert case.attempts == 1
        assert [flag.name for flag in kept.flags("a")] == ["disturbed"]
    assert waits == [4.0, 2.0, 1.0, 0.5, 0.0]


def test_patience_comes_back_with_a_quiet_case() -> None:
    machine = Machine(lambda now: 0.0 if 20 < now < 24 else 1.5)
    watch, phases = machine.watch(), Phases(lambda: machine.now_s)
    for seconds in (4.0, 4.0):
        watch.least_disturbed(Case(machine, seconds), phases)
    machine.run(20.5 - machine.now_s)
    assert not watch.least_disturbed(Case(machine, 3.0), phases).disturbed.found
    machine.run(4.0)
    before = machine.slept_s
    watch.least_disturbed(Case(machine, 4.0), phases)
    assert machine.slept_s - before == 4.0


def test_a_run_spends_no_more_than_half_its_time_and_twenty_seconds_again() -> None:
    machine = Machine(lambda now: 1.5)
    machine._others = lambda now: 1.5 if measuring[0] else 0.0
    measuring, watch, extra_s, first_s = [False], machine.watch(), 0.0, 0.0
    phases = Phases(lambda: machine.now_s)
    for _ in range(10):
        case = Case(machine, 8.0)

        def measure(failed: Collection[str], case: Case = case) -> Attempt:
            measuring[0] = True
            try:
                return case(failed)
            finally:
                measuring[0] = False

        before = machine.now_s
        watch.least_disturbed(measure, phases)
        first_s += 8.0
        extra_s += machine.now_s - before - 8.0
    assert 0 < extra_s <= 20 + first_s / 2


def test_short_cases_of_a_busy_machine_are_found_by_those_before_them_and_cost_a_second_in_all() -> None:
    machine = Machine(lambda now: 1.0)
    watch, phases, found = machine.watch(), Phases(lambda: machine.now_s), list[bool]()
    for _ in range(40):
        found.append(watch.least_disturbed(Case(machine, 0.03), phases).disturbed.found)
    assert all(found[2:])
    assert machine.slept_s <= 1.0


def test_after_a_quiet_wait_a_short_case_is_not_blamed_for_what_was_before() -> None:
    machine = Machine(lambda now: 1.5 if now < 1 else 0.0)
    machine.run(0.9)
    kept = machine.watch().least_disturbed(Case(machine, 0.1), Phases(lambda: machine.now_s))
    assert (attempt_of(kept), kept.flags("a")) == (2, ())


def test_one_that_failed_is_not_measured_again_and_has_failed() -> None:
    machine = Machine(lambda now: 1.5 if now < 2 else 0.0)
    case, failure = Case(machine, 2.0), Failure(Status.WRONG, "no")

    def measure(failed: Collection[str]) -> Attempt:
        attempt = case(failed)
        if not failed:
            attempt.rounds.samples["b"] = failure
        return attempt

    kept = machine.watch().least_disturbed(measure, Phases(lambda: machine.now_s))
    assert case.without == [set(), {"b"}]
    assert kept.rounds.samples["b"] is failure
    assert attempt_of(kept) == 2


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize(("busy_until_s", "flags"), [(0.2, set()), (math.inf, {"disturbed"})])
def test_the_records_of_a_case_say_whether_it_stayed_disturbed(busy_until_s: float, flags: set[str]) -> None:
    machine = Machine(lambda now: 1.5 if now < busy_until_s else 0.0)
    phases = Phases(lambda: machine.now_s)

    def clock(call: Callable[[], object], calls: int) -> tuple[float, object]:
        machine.run(STEP_S)
        return STEP_S, call()

    records = measure_case(
        CASE,
        [implementations.get("builtin"), implementations.get("normalize")],
        make_inputs=make_inputs,
        clock=clock,
        budget=Budget(seconds=0.5, precision=0.01),
        rng=random.Random(0),
        phases=phases,
        watch=machine.watch(),
    )
    for record in records:
        assert record.status is Status.OK, record.reason
        assert {flag.name for flag in record.flags} & {"disturbed"} == flags
    assert machine.slept_s >= 0.5


# Two states


def samples(*seconds: float, stride: int = 1) -> Samples:
    return Samples(1, stride, samples_s=list(seconds))


@pytest.mark.parametrize(
    ("values", "slow"),
    [
        ([0.9] * 3 + [47.7] * 3, 3),
        ([47.7] * 2 + [0.9] * 2, 2),
        ([0.9] * 57 + [47.7] * 7, 7),
        ([0.9, 47.7] * 8, 8),
        ([0.9] * 8 + [47.7] * 8, 8),
        ([0.9] * 63 + [47.7], 0),  # an outlier
        ([0.9] * 32 + [1.8] * 32, 0),  # not far enough
        (list(np.geomspace(1, 100, 64)), 0),  # no gap
        ([1.0, 50.0], 0),
        ([], 0),
    ],
)
def test_two_states_far_apart_are_found_wherever_and_however_few_the_samples_are(
    values: list[float], slow: int
) -> None:
    assert slow_state(np.array(values)).sum() == slow


def test_a_state_is_the_machines_if_another_contestant_changes_in_the_same_rounds() -> None:
    rounds = {"a": samples(*[1.0] * 8, *[50.0] * 8), "b": samples(*[2.0] * 8, *[5.0] * 8), "c": samples(*[3.0] * 16)}
    found = two_states(rounds)
    assert found.keys() == {"a"}
    assert found["a"].of_machine
    assert found["a"].evidence == (
        "50% of the samples take 50 times the others' time; 1 of 2 other contestants changed in the same rounds"
    )


def test_a_state_is_not_the_machines_if_only_the_contestant_itself_changes() -> None:
    rounds = {"a": samples(*[1.0, 50.0] * 8), CONTROL: samples(*[1.0, 50.0] * 8), "c": samples(*[3.0] * 16)}
    (found,) = two_states(rounds, twin="a", control=CONTROL).values()
    assert not found.of_machine
    assert found.evidence.endswith("no other contestant changed in the same rounds")


def test_rounds_are_compared_by_number_where_one_takes_part_in_every_fourth_pair() -> None:
    pairs = [1.0] * 16 + [4.0] * 16  # the second half of sixteen pairs is slow
    rounds = {"a": samples(*pairs), "rare": samples(*[1.0] * 4, *[50.0] * 4, stride=4)}
    assert two_states(rounds)["rare"].of_machine


def test_a_change_of_the_machine_disturbs_all_and_one_of_a_contestant_only_its_own_record() -> None:
    machine = Machine(lambda now: 0.0)
    spent = HostTime(2.0, 2.0, 0.0, 0.0)

    def kept(**rounds: Samples) -> Attempt:
        attempt = Attempt(Rounds({**rounds}, "budget"), spent, GpuMonitor(None))
        return machine.watch().least_disturbed(lambda failed: attempt, Phases(lambda: machine.now_s))

    both = kept(a=samples(*[1.0] * 8, *[50.0] * 8), b=samples(*[1.0] * 8, *[4.0] * 8), c=samples(*[1.0] * 16))
    assert both.flags("c")[0].evidence.startswith("a: 50% of the samples take 50 times")
    one = kept(a=samples(*[1.0] * 8, *[50.0] * 8), c=samples(*[1.0] * 16))
    assert [flag.name for flag in one.flags("a")] == ["disturbed"]
    assert one.flags("c") == ()


# Verdicts


def verdicts(root: Path, flagged: Collection[str]) -> dict[str, str]:
    flags = (Flag(name="disturbed", evidence="others used 43% of the processors' time"),)
    save(
        root,
        measured("base", [1.0] * 16, baseline=True, control_s=[1.0] * 16, flags=flags * ("base" in flagged)),
        measured("fast", [0.5] * 16, flags=flags * ("fast" in flagged)),
        measured("slow", [2.0] * 16),
        measured("alike", [0.999, 0.999, 1.001, 1.001] * 4),
    )
    table = load(root=root)
    return dict(zip(table["implementation"], table["verdict"], strict=True))


def test_a_verdict_on_disturbed_rounds_is_provisional(tmp_path: Path) -> None:
    assert verdicts(tmp_path, {"fast"}) == {
        "base": "",
        "fast": "provisional: faster",
        "slow": "slower",
        "alike": "no difference seen",
    }


def test_all_verdicts_are_provisional_where_the_baseline_was_disturbed(tmp_path: Path) -> None:
    assert verdicts(tmp_path, {"base"}) == {
        "base": "",
        "fast": "provisional: faster",
        "slow": "provisional: slower",
        "alike": "provisional: no difference seen",
    }


# What the system says


def test_waits_are_added_over_threads_and_unknown_without_schedstat(tmp_path: Path) -> None:
    assert math.isnan(host.waited_s(tmp_path))
    for task, waited_ns in {"1": 1_500_000, "2": 2_500_000}.items():
        (tmp_path / task).mkdir()
        (tmp_path / task / "schedstat").write_text(f"71 {waited_ns} 4\n")
    assert host.waited_s(tmp_path) == pytest.approx(4e-3)


@pytest.mark.parametrize(
    ("membership", "file", "text", "seconds"),
    [
        ("0::/job\n", "job/cpu.stat", "usage_usec 9\nnr_throttled 3\nthrottled_usec 250000\n", 0.25),
        ("0::/job\n", "cpu.stat", "throttled_usec 250000\n", 0.25),  # in a container
        ("3:cpu,cpuacct:/job\n0::/\n", "cpu,cpuacct/job/cpu.stat", "nr_periods 1\nthrottled_time 500000000\n", 0.5),
        ("0::/job\n", "job/cpu.stat", "usage_usec 9\n", 0.0),  # no quota
        ("", "cpu.max", "", 0.0),
    ],
)
def test_what_a_quota_withholds_is_read_from_either_version_of_control_groups(
    tmp_path: Path, membership: str, file: str, text: str, seconds: float
) -> None:
    (tmp_path / "cgroup").write_text(membership)
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text(text)
    assert host.throttled_s(host.cgroup_file(tmp_path / "cgroup", tmp_path)) == seconds
    assert host.cgroup_file(tmp_path / "missing", tmp_path) is None


def test_this_machine_can_be_read() -> None:
    before = HostTime.now()
    spent = HostTime.now().since(before)
    assert spent.wall_s >= 0
    assert spent.throttled_s >= 0
    assert host.processors() == len(
        os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    )
