"""Is every cheat found and named, and no honest contestant ever blamed?

One case measures all cheats together with two honest contestants. Its clock makes every call and counts 10 µs for
each.
"""

import dataclasses
import os
import random
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from threading import Event
from time import sleep

import pytest
import torch

import implementations
from implementations import Implementation
from suites.inputs import make_inputs
from suites.measure.clock import host_clock
from suites.measure.world import World
from suites.records.case import CONTRACT, DIRECTIONS, INPUTS, Case
from suites.records.record import Record, Status
from suites.truth import oracle
from tests import measuring
from tests.cheats import (
    A_REAL_CLOCK,
    BACKWARD_CHEATS,
    CHEATS,
    CLOCK,
    FLAGGED,
    LARGE_CASE,
    POOLS,
    PROCESS,
    TIRED,
    Cheat,
    after,
    cosine,
    once,
    thread,
)

CASE = Case(task="paired", shape=(8, 8), dtype="float32", device="cpu")
BACKWARD = dataclasses.replace(CASE, direction="forward+backward")
LARGE = dataclasses.replace(CASE, shape=(70_000, 2))
"""More results than are compared after each sample."""

HONEST = implementations.get("builtin"), implementations.get("normalize")
ACCUSING = {"leaks", "reuses_result", "sped_up", "drift", "two_modes"}


@pytest.fixture(autouse=True)
def _pools_end_with_their_test() -> Iterator[None]:
    yield
    while POOLS:
        POOLS.pop().shutdown(cancel_futures=True)


@pytest.fixture(scope="module", autouse=True)
def _nothing_is_left_changed(one_thread: None) -> Iterator[None]:
    world = World.now()
    yield
    assert not world.changes()


measure = partial(measuring.measure, case=CASE)


def planted(fn: Callable[..., object], name: str = "planted") -> Implementation:
    return dataclasses.replace(HONEST[1], fn=fn, name=name)


def accusations(record: Record) -> set[str]:
    return {flag.name for flag in record.flags} & ACCUSING


def assert_caught(found: dict[str, Record], reason: str) -> None:
    assert found["planted"].status is Status.WRONG, found["planted"]
    assert re.search(reason, found["planted"].reason), found["planted"].reason
    assert found["planted"].latency is None


def assert_honest(found: dict[str, Record]) -> None:
    for honest in HONEST:
        if honest.name in found:
            assert found[honest.name].status is Status.OK, found[honest.name]
            assert not accusations(found[honest.name]), found[honest.name]


def test_there_are_enough_of_them() -> None:
    assert len(CHEATS | TIRED | FLAGGED) >= 45


@pytest.mark.parametrize("name", CHEATS)
def test_a_cheat_is_wrong_and_the_reason_names_what_it_did(name: str) -> None:
    make, reason = CHEATS[name]
    found = measure(HONEST[0], planted(make()), HONEST[1])
    assert_caught(found, reason)
    assert_honest(found)


@pytest.mark.parametrize("call", [1, 2500])
@pytest.mark.parametrize("name", PROCESS)
def test_a_change_of_the_process_is_named_and_undone(name: str, call: int) -> None:
    deed, reason = PROCESS[name]
    world = World.now()
    found = measure(HONEST[0], planted(after(call - 1, deed)()), HONEST[1])
    assert not world.changes()
    assert_caught(found, reason)
    assert_honest(found)


def test_what_the_system_does_not_allow_to_undo_is_blamed_on_the_one_who_did_it_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    priority = [0]

    def lower_only(which: int, who: int, value: int) -> None:
        if value < priority[0]:
            raise PermissionError
        priority[0] = value

    monkeypatch.setattr(os, "getpriority", lambda which, who: priority[0])
    monkeypatch.setattr(os, "setpriority", lower_only)
    deed = lambda x, y: os.setpriority(os.PRIO_PROCESS, 0, 5)  # noqa: E731
    found = measure(HONEST[0], planted(once(1, deed)()), HONEST[1])
    assert_caught(found, "^changed the priority$")
    assert_honest(found)


@pytest.mark.parametrize("name", TIRED)
def test_an_exception_in_a_timed_call_is_an_error(name: str) -> None:
    make, reason = TIRED[name]
    found = measure(HONEST[0], planted(make()), HONEST[1])
    assert found["planted"].status is Status.ERROR
    assert re.search(reason, found["planted"].reason), found["planted"].reason
    assert_honest(found)


@pytest.mark.parametrize("name", FLAGGED)
def test_right_but_unusual_behaviour_has_a_flag(name: str) -> None:
    make, flag, evidence = FLAGGED[name]
    found = measure(HONEST[0], planted(make()), HONEST[1])
    assert found["planted"].status is Status.OK, found["planted"]
    assert accusations(found["planted"]) == {flag}
    (seen,) = (seen.evidence for seen in found["planted"].flags if seen.name == flag)
    assert re.search(evidence, seen)
    assert_honest(found)


def test_all_of_them_in_one_case_do_not_get_the_honest_ones_blamed() -> None:
    makes = {name: make for name, (make, *_) in (CHEATS | TIRED | FLAGGED).items()}
    found = measure(HONEST[0], *(planted(make(), name) for name, make in makes.items()), HONEST[1])
    assert {name for name, record in found.items() if record.status is Status.WRONG} == set(CHEATS)
    assert {name for name, record in found.items() if record.status is Status.ERROR} == set(TIRED)
    assert {name for name, record in found.items() if accusations(record)} == set(FLAGGED)
    assert_honest(found)


@pytest.mark.parametrize("name", ["zeros", "remembers by id", "changes x unseen by torch", "background thread later"])
def test_a_baseline_may_not_cheat_either(name: str) -> None:
    found = measure(dataclasses.replace(planted(CHEATS[name][0]()), baseline=True), HONEST[1])
    assert found["planted"].status is Status.WRONG
    assert_honest(found)


@pytest.mark.parametrize(
    ("cheats", "name", "case", "call_s"),
    [
        *((BACKWARD_CHEATS, name, BACKWARD, 1e-4) for name in BACKWARD_CHEATS),
        *((LARGE_CASE, name, LARGE, 1e-3) for name in LARGE_CASE),
    ],
)
def test_neither_the_way_back_nor_a_case_too_large_to_look_at_every_sample_is_a_hiding_place(
    cheats: Mapping[str, Cheat], name: str, case: Case, call_s: float
) -> None:
    make, reason = cheats[name]
    found = measure(HONEST[0], planted(make()), HONEST[1], case=case, call_s=call_s)
    assert_caught(found, reason)
    assert_honest(found)


@pytest.mark.parametrize("name", A_REAL_CLOCK)
@pytest.mark.alone
def test_a_real_clock_is_not_fooled(name: str) -> None:
    make, reason = A_REAL_CLOCK[name]
    found = measure(HONEST[0], planted(make()), HONEST[1], clock=host_clock)
    assert_caught(found, reason)
    assert {found[honest.name].status for honest in HONEST} == {Status.OK}


# Nobody else


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    ("task", "shape", "memory_format"),
    [
        ("paired", (6, 30), "contiguous"),
        ("paired", (1, 7), "contiguous"),
        ("feature_maps", (6, 5, 3, 2), "contiguous"),
        ("feature_maps", (6, 5, 3, 2), "channels_last"),
        ("pairwise", (5, 3, 30), "contiguous"),
        ("pairwise", (1, 1, 9), "contiguous"),
        ("pairwise", (40, 1, 30), "contiguous"),
    ],
)
def test_every_shipped_contestant_is_honest(
    task: str, shape: tuple[int, ...], memory_format: str, dtype: str, direction: str
) -> None:
    entries = [implementations.get(name) for name in implementations.names(CONTRACT[task]) if "compiled" not in name]
    case = Case(task=task, shape=shape, dtype=dtype, device="cpu", memory_format=memory_format, direction=direction)
    found = measure(*entries, case=case, call_s=1e-4, seconds=0.01)
    assert sum(record.status is Status.OK for record in found.values()) >= 3
    for record in found.values():
        assert record.status in (Status.OK, Status.UNSUPPORTED), record
        assert not accusations(record), record


@pytest.mark.parametrize("inputs", INPUTS)
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
def test_honest_contestants_are_honest_on_every_family_of_inputs(inputs: str, dtype: str) -> None:
    case = dataclasses.replace(CASE, shape=(20, 24), dtype=dtype, inputs=inputs)
    for record in measure(*HONEST, case=case, call_s=1e-4).values():
        assert record.status in (Status.OK, Status.UNSUPPORTED), record
        assert not accusations(record), record


def test_rows_without_a_cosine_blame_no_contestant() -> None:
    def zero_rows(case: Case) -> tuple[torch.Tensor, torch.Tensor]:
        x, y = make_inputs(case)
        return x.index_fill_(0, torch.tensor([0, 3]), 0), y

    def norm_divide(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> torch.Tensor:
        return (x / x.norm(dim=dim, keepdim=True) * y / y.norm(dim=dim, keepdim=True)).sum(dim)

    for case in (CASE, BACKWARD):
        assert_honest(measure(*HONEST, planted(norm_divide), case=case, call_s=1e-4, inputs=zero_rows))


def test_a_set_up_may_draw_random_numbers_and_leave_idle_threads() -> None:
    """torch's compiler does both in a first call."""
    made = count()

    def sets_up(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> torch.Tensor:
        if next(made) == 0:
            random.random()
            POOLS.append(ThreadPoolExecutor(1))
            POOLS[-1].submit(int).result()
        return cosine(x, y)

    before = random.getstate()
    found = measure(HONEST[0], planted(sets_up), HONEST[1])
    assert_honest(found)
    assert found["planted"].status is Status.OK
    assert random.getstate() == before


def test_a_thread_that_wakes_up_late_is_not_blamed_on_the_contestant_that_is_looked_at_then() -> None:
    pool, release = ThreadPoolExecutor(1), Event()
    POOLS.append(pool)

    def work() -> None:
        sleep(0.1)

    def starts_a_thread(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> torch.Tensor:
        if not release.is_set():
            pool.submit(release.wait)  # waits in Python's own code, so it counts as idle
            pool.submit(work)
        return cosine(x, y)

    def wakes_it_up(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> torch.Tensor:
        release.set()
        return cosine(x, y)

    found = measure(planted(starts_a_thread, "starts"), planted(wakes_it_up, "wakes"), HONEST[1])
    assert found["wakes"].status is Status.OK, found["wakes"]
    assert_honest(found)


def test_results_that_differ_in_their_last_bits_are_as_good() -> None:
    """Atomic additions on a GPU give such results."""
    made = count()

    def wobbles(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> torch.Tensor:
        return cosine(x, y) + 1e-7 * (next(made) % 3 - 1)

    found = measure(HONEST[0], planted(wobbles), HONEST[1])
    assert found["planted"].status is Status.OK
    assert_honest(found)


# Those whose call takes their whole share


def slow(fn: Callable[..., object], calls: list[int], call_s: float = 5.0) -> Callable[..., object]:
    """`fn`, whose calls are counted and take `call_s` seconds of the test's clock."""

    def called(x: torch.Tensor, y: torch.Tensor, *dim: object) -> object:
        calls.append(len(x))
        CLOCK.time += call_s
        CLOCK.dawdled += call_s
        return fn(x, y, *dim)

    return called


@pytest.mark.parametrize("case", [CASE, LARGE, BACKWARD, dataclasses.replace(CASE, task="pairwise", shape=(4, 9, 8))])
def test_a_slow_contestant_is_called_for_its_samples_and_no_more_for_checks(case: Case) -> None:
    names = {"paired": ("builtin", "normalize"), "pairwise": ("matmul", "broadcast")}[case.task]
    quick, fn = (implementations.get(name) for name in names)
    calls: list[int] = []
    entry = dataclasses.replace(fn, fn=slow(fn.fn, calls), name="planted")
    found = measure(quick, entry, case=case)["planted"]
    assert found.status is Status.OK, found
    assert found.latency is not None
    assert len(found.latency.samples_s) == 2
    assert len(calls) == 4, "the first, that for its memory, and two samples, which are its spot checks"


SLOW_CHEATS = {
    **{name: CHEATS[name] for name in ("stale output", "remembers by id", "remembers by shape", "lazy")},
    "remembers half of the work": CHEATS["remembers half of the work"],
    "changes x unseen by torch": (after(2, lambda x, y: x.data.fill_(1)), "changed its input x"),
    "changes y through NumPy": (after(3, lambda x, y: y.numpy().fill(1)), "changed its input y"),
    "background thread later": (thread(3), "left work to the thread|not there yet|compute anew"),
    "raises": (after(2, lambda x, y: 1 / 0), r"^in round \d+: ZeroDivisionError"),
}


@pytest.mark.parametrize("name", SLOW_CHEATS)
def test_a_slow_contestant_may_not_cheat(name: str) -> None:
    make, reason = SLOW_CHEATS[name]
    found = measure(HONEST[0], planted(slow(make(), [])), HONEST[1])
    assert found["planted"].status is (Status.ERROR if name == "raises" else Status.WRONG), found["planted"]
    assert re.search(reason, found["planted"].reason), found["planted"].reason
    assert_honest(found)


def test_a_slow_contestant_is_not_blamed_for_the_changes_of_another() -> None:
    cheat, calls = CHEATS["changes x unseen by torch"][0](), list[int]()
    found = measure(HONEST[0], planted(cheat, "cheat"), planted(slow(HONEST[1].fn, calls)))
    assert found["cheat"].status is Status.WRONG
    assert found["planted"].status is Status.OK, found["planted"]
    assert_honest(found)


def test_the_norms_of_a_corpus_are_computed_once_for_all_spot_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, norms = list[int](), oracle.row_norms
    monkeypatch.setattr(oracle, "row_norms", lambda t: (rows.append(len(t)), norms(t))[1])
    case = dataclasses.replace(CASE, task="pairwise", shape=(4, 90, 8))
    entries = [implementations.get(name) for name in ("matmul", "matmul_then_scale", "broadcast")]
    assert {record.status for record in measure(*entries, case=case, call_s=1e-3).values()} == {Status.OK}
    assert rows.count(90) == 2, "for the truth, and for all spot checks"
    assert rows.count(1) > 3


def test_compiled_functions_come_and_go_in_the_modules_of_what_was_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    module = vars(sys.modules[HONEST[1].fn.__module__])
    monkeypatch.setitem(module, "__compiled_fn_1", cosine)
    world = World.now()
    monkeypatch.delitem(module, "__compiled_fn_1")
    assert not world.changes()
    monkeypatch.setitem(module, "__compiled_fn_2", cosine)
    assert not world.changes()
