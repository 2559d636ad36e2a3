"""Does the peak of a call match arithmetic, and is a case that can't fit never run?"""

import dataclasses
import math
import random
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import implementations
from implementations import Implementation
from suites.inputs import make_inputs
from suites.measure.fit import expected_peak, own_bytes
from suites.measure.memory import Memory, free_bytes, measure
from suites.measure.phases import Phases
from suites.measure.problem import Pair, Problem, call_of, gradient_mode
from suites.measure.rounds import Budget
from suites.measure.together import measure_case
from suites.records.case import BYTES, Case
from suites.records.record import Record, Status

COPIES = {"builtin": 3, "normalize": 3, "broadcast": 3}  # of all compared elements, at the peak
GIB = 2**30


def case(task: str, *shape: int, dtype: str = "float32", direction: str = "forward") -> Case:
    return Case(task=task, shape=shape, dtype=dtype, device="cpu", direction=direction)


def measured_peak(name: str, case: Case) -> int:
    with torch.no_grad():
        memory = measure(call_of(case, implementations.get(name), make_inputs(case)), case.device)
    assert memory is not None
    assert memory.kept_bytes == 0
    return memory.peak_bytes


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("name", "task", "shape"),
    [
        ("builtin", "paired", (64, 512)),
        ("builtin", "paired", (300, 700)),
        ("builtin", "feature_maps", (8, 16, 9, 5)),
        ("normalize", "paired", (64, 512)),
        ("normalize", "paired", (300, 700)),
        ("broadcast", "pairwise", (8, 6, 512)),
        ("broadcast", "pairwise", (40, 30, 700)),
    ],
)
def test_the_peak_is_the_copies_that_a_form_is_known_to_make(
    name: str, task: str, shape: tuple[int, ...], dtype: str
) -> None:
    wanted = case(task, *shape, dtype=dtype)
    elements, results = math.prod(shape), math.prod(wanted.output_shape)
    norms_and_result = 0 if name == "normalize" else 3 * results
    expected = (COPIES[name] * elements + norms_and_result) * BYTES[dtype]
    assert measured_peak(name, wanted) == pytest.approx(expected, rel=0.01)
    assert measured_peak(name, wanted) == measured_peak(name, wanted)


def test_what_is_freed_before_more_is_taken_is_not_added_up() -> None:
    def one_after_the_other() -> torch.Tensor:
        for _ in range(5):
            torch.ones(1000)
        return torch.ones(1500)

    def all_at_once() -> list[torch.Tensor]:
        return [torch.ones(1000) for _ in range(5)]

    def in_the_middle() -> torch.Tensor:
        return torch.ones(10_000).sum()

    for call, elements in ((one_after_the_other, 1500), (all_at_once, 5000), (in_the_middle, 10_001), (int, 0)):
        assert measure(call, "cpu") == Memory(peak_bytes=4 * elements, kept_bytes=0)


def test_memory_that_each_call_keeps_is_counted() -> None:
    kept: list[torch.Tensor] = []

    def hoards() -> torch.Tensor:
        kept.append(torch.ones(1000))
        return torch.ones(500)

    assert measure(hoards, "cpu") == Memory(peak_bytes=4 * 1500, kept_bytes=4 * 1000)
    kept.clear()

    def keeps_one() -> torch.Tensor:
        kept[:] = kept or [torch.ones(1000)]
        return torch.ones(500)

    assert measure(keeps_one, "cpu") == Memory(peak_bytes=4 * 1500, kept_bytes=0)


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux")
def test_memory_that_torch_does_not_see_is_the_processs_own() -> None:
    kept: list[bytearray] = []
    size = 1 << 26  # above malloc's largest mmap threshold: all pages are new

    def takes() -> None:
        bytearray(b"x") * size

    def hoards() -> None:
        kept.append(bytearray(b"x") * size)

    taken, hoarded = (measure(call, "cpu", in_torch=False) for call in (takes, hoards))
    assert taken
    assert hoarded
    assert taken.peak_bytes == pytest.approx(size, rel=0.02)
    assert taken.kept_bytes <= 0.02 * size
    assert hoarded.kept_bytes == pytest.approx(size, rel=0.02)


def test_a_few_pages_of_a_process_are_not_a_peak() -> None:
    assert measure(lambda: bytes(800), "cpu", in_torch=False) == Memory(None, 0)


def test_no_peak_is_known_on_mps() -> None:
    assert measure(int, "mps") is None


def test_the_machine_has_memory() -> None:
    assert 0 < free_bytes("cpu") < 2**50


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("normalize", case("paired", 256, 300)),
        ("normalize", case("feature_maps", 256, 8, 5, 5)),
        ("broadcast", case("pairwise", 256, 256, 50)),
        ("broadcast", case("pairwise", 128, 320, 50)),
        ("matmul", case("pairwise", 256, 256, 300)),
    ],
    ids=lambda value: getattr(value, "id", value),
)
def test_the_peak_is_predicted_from_small_trials(name: str, wanted: Case) -> None:
    tried = list[Case]()

    def peak(small: Case) -> int:
        tried.append(small)
        return measured_peak(name, small)

    assert expected_peak(wanted, peak) == pytest.approx(measured_peak(name, wanted), rel=0.05)
    assert all(8 * math.prod(trial.shape) <= math.prod(wanted.shape) for trial in tried)


@pytest.mark.parametrize(("n", "m"), [(1, 512), (512, 1), (20, 512), (31, 300)])
@pytest.mark.parametrize("name", ["broadcast", "matmul"])
def test_the_predicted_peak_of_few_rows_with_many_has_a_margin(name: str, n: int, m: int) -> None:
    wanted = case("pairwise", n, m, 100)
    peak = measured_peak(name, wanted)
    assert peak <= expected_peak(wanted, lambda small: measured_peak(name, small)) <= 2 * peak


class Spy:
    """An implementation that records the shapes of its arguments."""

    def __init__(self, name: str) -> None:
        self.entry, self.shapes = implementations.get(name), list[torch.Size]()

    def __call__(self, x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> object:
        self.shapes.append(x.shape)
        return self.entry.fn(x, y)


def record_of(case: Case, spy: Spy, free: int, inputs: Callable[[Case], Pair] = make_inputs) -> Record:
    entry = Implementation(**(vars(spy.entry) | {"fn": spy}))
    (record,) = measure_case(
        case,
        [entry],
        make_inputs=inputs,
        clock=lambda call, calls: (1e-3 * calls, call()),
        budget=Budget(seconds=1e-3, precision=0.01),
        rng=random.Random(0),
        phases=Phases(),
        free_bytes=lambda device: free,
    )
    return record


def test_the_small_trials_do_not_need_the_users_file() -> None:
    tried: list[str] = []

    def peak(small: Case) -> int:
        tried.append(small.inputs)
        make_inputs(small)
        return 1

    for wanted in (case("paired", 2048, 768), case("pairwise", 2048, 2048, 768), case("feature_maps", 64, 3, 8, 8)):
        expected_peak(dataclasses.replace(wanted, inputs="file:emb"), peak)
    assert "file:emb" not in tried


def test_inputs_that_do_not_fit_are_never_made() -> None:
    spy = Spy("builtin")
    record = record_of(case("paired", 1 << 20, 1024), spy, free=3 * GIB, inputs=lambda case: pytest.fail("made inputs"))
    assert record.status is Status.OUT_OF_MEMORY
    assert record.reason == (
        "not tried: its inputs, copies of them, the results of 1 contestants and the oracle "
        "take 16.1 GiB and 3.0 GiB are free on cpu"
    )
    assert spy.shapes == []


def test_all_pairs_whose_truth_does_not_fit_are_never_made() -> None:
    spy = Spy("matmul")
    wanted = case("pairwise", 1 << 15, 1 << 15, 2, direction="forward+backward")  # 8 GiB in the oracle's float64
    record = record_of(wanted, spy, free=16 * GIB, inputs=lambda case: pytest.fail("made inputs"))
    assert record.status is Status.OUT_OF_MEMORY
    assert spy.shapes == []


@pytest.mark.parametrize(
    "wanted",
    [
        case("pairwise", 2048, 2048, 2),
        case("pairwise", 2048, 2048, 512),
        case("pairwise", 1024, 1024, 512, dtype="float64"),
        case("paired", 1 << 14, 512, direction="forward+backward"),
        case("paired", 1 << 14, 512, dtype="float64", direction="forward+backward"),
    ],
    ids=lambda wanted: wanted.id,
)
def test_the_suites_own_memory_is_predicted(wanted: Case) -> None:
    implementation = implementations.get("matmul" if wanted.task == "pairwise" else "normalize")

    def solve() -> None:
        with gradient_mode(wanted):
            problem = Problem.of(wanted, make_inputs, Phases())
            problem.judge(implementation, call_of(wanted, implementation, problem.inputs)())

    solve()
    used = measure(solve, "cpu", in_torch=False)
    assert used
    foretold = sum(own_bytes(wanted, 1).values())
    assert used.peak_bytes <= 1.1 * foretold
    assert foretold <= 3 * used.peak_bytes


def test_temporaries_too_large_are_predicted_from_small_trials_and_never_made() -> None:
    spy = Spy("broadcast")
    record = record_of(case("pairwise", 4096, 4096, 64), spy, free=4 * GIB)
    assert record.status is Status.OUT_OF_MEMORY
    assert record.reason == (
        "not tried: by small probes it would take about 12.2 GiB beyond its inputs, and 3.8 GiB are free on cpu"
    )
    assert spy.shapes == [(16, 64), (32, 64)]


def test_what_fits_by_the_trials_is_measured() -> None:
    spy = Spy("matmul")
    wanted = case("pairwise", 64, 48, 32)
    record = record_of(wanted, spy, free=2 * sum(own_bytes(wanted, 1).values()))
    assert record.status is Status.OK
    assert spy.shapes[:3] == [(16, 32), (32, 32), (64, 32)]
