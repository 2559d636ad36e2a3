"""Does each failure of a contestant become the right record, while honest contestants are still measured?"""

import dataclasses
import gc
import random
import re
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from typing import Any

import numpy as np
import pytest
import torch

import implementations
from implementations import Implementation
from suites.failure import Failure
from suites.inputs import make_inputs
from suites.measure.clock import host_clock
from suites.measure.phases import Phases
from suites.measure.problem import Pair
from suites.measure.rounds import Budget
from suites.measure.together import measure_case
from suites.records.case import Case
from suites.records.record import Error, Record, Status
from suites.truth.bound import bound
from suites.truth.checks import error_of

CASE = Case(task="paired", shape=(8, 8), dtype="float32", device="cpu")
BACKWARD = dataclasses.replace(CASE, direction="forward+backward")
HONEST = implementations.get("builtin"), implementations.get("normalize")
cosine: Callable[..., torch.Tensor] = HONEST[0].fn


@pytest.fixture(scope="module", autouse=True)
def _tiny_cases_are_quick(one_thread: None) -> Iterator[None]:
    """Exempts old objects from the garbage collection of each case."""
    gc.freeze()
    yield
    gc.unfreeze()


def planted(fn: Callable[..., object], name: str = "planted", **takes: tuple[str, ...]) -> Implementation:
    return dataclasses.replace(HONEST[1], fn=fn, name=name, **takes)  # type: ignore[arg-type]


BUDGET = Budget(seconds=0.01, precision=0.01)


def clock(call: Callable[[], object], calls: int) -> tuple[float, object]:
    """A clock that counts a millisecond per call, but makes one call only."""
    return 1e-3 * calls, call()


def measure(
    *entries: Implementation, case: Case = CASE, inputs: Callable[[Case], Pair] = make_inputs
) -> dict[str, Record]:
    records = measure_case(
        case,
        entries,
        make_inputs=inputs,
        clock=clock,
        budget=BUDGET,
        rng=random.Random(0),
        phases=Phases(),
    )
    assert [record.implementation for record in records] == [entry.name for entry in entries]
    return {record.implementation: record for record in records}


def raises(error: BaseException) -> Callable[..., object]:
    def fn(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> None:
        raise error

    return fn


def imports_what_is_missing(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> None:
    import no_such_package.kernels  # type: ignore[import-not-found]  # noqa: F401


def imports_what_is_misspelt(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> None:
    import torch.no_such_module  # type: ignore[import-not-found]  # noqa: F401


def allocates_petabytes(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> torch.Tensor:
    return x.new_empty(1 << 50)


def changes(which: int, change: Callable[[torch.Tensor], object], first: int = 1) -> Callable[..., object]:
    """Right results, followed by a change to x or y from call number `first` on."""
    calls = count(1)

    def fn(*operands: torch.Tensor) -> torch.Tensor:
        result = cosine(*operands)
        if next(calls) >= first:
            change(operands[which])
        return result

    return lambda x, y, dim=-1: fn(x, y)


def changes_and_raises(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> None:
    x.zero_()
    raise ValueError("no")


OOM = torch.OutOfMemoryError("CUDA out of memory")
HALF = RuntimeError("\"foo\" not implemented for 'Half'")
BAD = {
    "raises": (raises(ValueError("no\nsuch  luck")), Status.ERROR, "ValueError: no such luck"),
    "raises without a message": (raises(KeyError()), Status.ERROR, "KeyError: no message"),
    "asserts": (raises(AssertionError("odd")), Status.ERROR, "AssertionError: odd"),
    "sys.exit": (raises(SystemExit(3)), Status.ERROR, "SystemExit: 3"),
    "misspelt import": (imports_what_is_misspelt, Status.ERROR, "ModuleNotFoundError: .*no_such_module"),
    "missing package": (imports_what_is_missing, Status.ABSENT, "'no_such_package' is not installed; `pip install"),
    "not implemented": (raises(NotImplementedError("bf16")), Status.UNSUPPORTED, "NotImplementedError: bf16"),
    "no kernel": (raises(HALF), Status.UNSUPPORTED, "not implemented for 'Half'"),
    "MemoryError": (raises(MemoryError()), Status.OUT_OF_MEMORY, "MemoryError: no message"),
    "device out of memory": (raises(OOM), Status.OUT_OF_MEMORY, "CUDA out of memory"),
    "host out of memory": (allocates_petabytes, Status.OUT_OF_MEMORY, "can't allocate memory"),
    "None": (lambda x, y, dim: None, Status.WRONG, r"returned a NoneType, not a torch\.Tensor"),
    "a float": (lambda x, y, dim: 0.5, Status.WRONG, "returned a float"),
    "a tuple": (lambda x, y, dim: (cosine(x, y), x, y), Status.WRONG, "returned a tuple"),
    "shape": (lambda x, y, dim: cosine(x, y)[:, None], Status.WRONG, r"the shape \(8, 1\), expected \(8,\)"),
    "dtype": (lambda x, y, dim: cosine(x, y).double(), Status.WRONG, "returned float64, expected float32"),
    "device": (lambda x, y, dim: cosine(x, y).to("meta"), Status.WRONG, "a tensor on meta, expected cpu"),
    "zeros": (lambda x, y, dim: 0 * cosine(x, y), Status.WRONG, "largest error is 1, above .* float32 .* 8 elements"),
    "garbage": (lambda x, y, dim: torch.rand(8), Status.WRONG, "the largest error is"),
    "NaN": (lambda x, y, dim: cosine(x, y) / 0 * 0, Status.WRONG, "8 of 8 results are NaN or infinite where"),
    "swapped rows": (lambda x, y, dim: cosine(x, y).flip(0), Status.WRONG, "the largest error is"),
    "wrong dim": (lambda x, y, dim: cosine(x, y, 0), Status.WRONG, "the largest error is"),
    "changes x": (changes(0, torch.Tensor.zero_), Status.WRONG, "changed its input x$"),
    "changes y": (changes(1, torch.Tensor.neg_), Status.WRONG, "changed its input y$"),
    "changes the shape of x": (changes(0, lambda x: x.resize_(0)), Status.WRONG, "changed its input x$"),
    "changes x in its second call": (changes(0, torch.Tensor.zero_, first=2), Status.WRONG, "changed its input x$"),
    "changes x and raises": (changes_and_raises, Status.ERROR, "ValueError: no"),
}


def is_measured(record: Record) -> bool:
    return record.status is Status.OK and record.latency is not None and record.error is not None


@pytest.fixture(scope="module")
def records() -> dict[str, Record]:
    """Records of all bad contestants together, between two honest ones."""
    return measure(HONEST[0], *(planted(fn, name) for name, (fn, _, _) in BAD.items()), HONEST[1])


@pytest.mark.parametrize("name", BAD)
def test_a_bad_contestant_gets_a_status_and_a_reason_and_no_latency(name: str, records: dict[str, Record]) -> None:
    _, status, reason = BAD[name]
    record = records[name]
    assert record.status is status
    assert re.search(reason, record.reason), record.reason
    assert (record.latency, record.peak_bytes) == (None, None)
    assert (record.error is not None) == ("largest error" in record.reason)


def test_honest_contestants_are_still_measured(records: dict[str, Record]) -> None:
    for honest in HONEST:
        assert is_measured(records[honest.name]), records[honest.name].reason


def test_one_that_fails_only_after_a_while_has_no_latency_either() -> None:
    calls = count(1)

    def fails_late(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> torch.Tensor:
        if next(calls) > 20:
            raise RuntimeError("tired")
        return cosine(x, y)

    records = measure(HONEST[0], planted(fails_late), HONEST[1])
    assert re.fullmatch(r"in round \d+: RuntimeError: tired", records["planted"].reason)
    assert records["planted"].status is Status.ERROR
    assert records["planted"].latency is None
    assert all(is_measured(records[honest.name]) for honest in HONEST)


def test_what_a_contestant_does_not_take_is_not_tried() -> None:
    tried = raises(AssertionError("was called"))
    records = measure(planted(tried, "wide", dtypes=("float64", "float16")), planted(tried, "gpu", devices=("cuda",)))
    assert [(r.status, r.reason) for r in records.values()] == [
        (Status.UNSUPPORTED, "takes float64 and float16 only"),
        (Status.UNSUPPORTED, "runs on cuda only"),
    ]


def test_control_c_ends_the_run_and_leaves_the_garbage_collector_on() -> None:
    calls = count(1)

    def stopped(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> torch.Tensor:
        if next(calls) > 20:
            raise KeyboardInterrupt
        return cosine(x, y)

    with pytest.raises(KeyboardInterrupt):
        measure(planted(stopped))
    assert gc.isenabled()


def test_no_contestants_no_records() -> None:
    assert measure() == {}


class Doubled(torch.autograd.Function):
    """The right result with twice its gradient."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x, y)
        return cosine(x, y)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, ...]:
        with torch.enable_grad():
            leaves = [t.detach().requires_grad_() for t in ctx.saved_tensors]
            return tuple(2 * g for g in torch.autograd.grad(cosine(*leaves), leaves, gradient))


BAD_BACKWARD = {
    "twice the gradient": (lambda x, y, dim: Doubled.apply(x, y), Status.WRONG, "the gradient of x is off by .* 1/‖x‖"),
    "NaN for a gradient": (lambda x, y, dim: cosine(x, y) + (0 * y.sum()).sqrt(), Status.WRONG, "the gradient of y is"),
    "half a gradient": (
        lambda x, y, dim: cosine(x, y.detach()),
        Status.ERROR,
        "not have been used in the graph",
    ),
    "no gradient": (lambda x, y, dim: cosine(x, y).detach(), Status.UNSUPPORTED, "its result carries no gradient"),
    "no result": (lambda x, y, dim: None, Status.WRONG, "returned a NoneType"),
    "wrong result": (lambda x, y, dim: -cosine(x, y), Status.WRONG, "the largest error is 2"),
    "changes a leaf": (changes(0, torch.Tensor.zero_), Status.ERROR, "a leaf Variable that requires grad"),
    "changes a leaf's data": (changes(1, lambda y: y.data.zero_()), Status.WRONG, "changed its input y"),
}


def test_each_fault_of_gradients_has_its_reason() -> None:
    entries = (planted(fn, name) for name, (fn, _, _) in BAD_BACKWARD.items())
    records = measure(HONEST[0], *entries, HONEST[1], case=BACKWARD)
    for name, (_, status, reason) in BAD_BACKWARD.items():
        assert records[name].status is status, records[name]
        assert re.search(reason, records[name].reason), records[name].reason
        assert records[name].latency is None
    assert all(is_measured(records[honest.name]) for honest in HONEST)


def test_rows_without_a_cosine_are_not_judged() -> None:
    def zero_rows(case: Case) -> Pair:
        x, y = make_inputs(case)
        return x.index_fill_(0, torch.tensor([0, 3]), 0), y

    def all_zero(case: Case) -> Pair:
        return torch.zeros(8, 8), torch.zeros(8, 8)

    for case in (CASE, BACKWARD):
        assert all(map(is_measured, measure(*HONEST, case=case, inputs=zero_rows).values()))
        nothing = measure(*HONEST, case=case, inputs=all_zero).values()  # an error of 0 would be a lie
        assert {record.status for record in nothing} == {Status.UNSUPPORTED}
        assert all("no row has a cosine" in record.reason for record in nothing)


def test_error_figures_are_those_that_were_planted() -> None:
    def ones(case: Case) -> Pair:
        return torch.ones(case.shape), torch.ones(case.shape)

    off = torch.zeros(8).index_fill_(0, torch.tensor([2, 5]), 2.0**-22)
    case = dataclasses.replace(CASE, shape=(8, 16))
    entries = (
        planted(lambda x, y, dim: cosine(x, y) - off, "ok"),
        planted(lambda x, y, dim: cosine(x, y) - 2.0**-10, "wrong"),
    )
    records = measure(*entries, case=case, inputs=ones)
    assert records["ok"].error == Error(error_abs=2.0**-22, error_rms=2.0**-23)
    assert records["wrong"].error == Error(error_abs=2.0**-10, error_rms=2.0**-10)
    assert [record.status for record in records.values()] == [Status.OK, Status.WRONG]


@pytest.mark.parametrize("dtype", ["float64", "longdouble"])
def test_errors_are_taken_over_outputs_that_have_a_true_value(dtype: str) -> None:
    truth = np.array([0.25, np.nan, -1.0], dtype=dtype)
    found = error_of(torch.tensor([0.25 + 3e-7, 9.0, -1.0], dtype=torch.float64), truth)
    assert found.error_abs == pytest.approx(3e-7, rel=1e-9)
    assert found.error_rms == pytest.approx(3e-7 / 2**0.5, rel=1e-9)
    with pytest.raises(Failure, match="1 of 2 results are NaN or infinite where the truth is finite"):
        error_of(torch.tensor([torch.inf, 0.0, -1.0]), truth)


def test_the_bound_grows_with_the_length_and_never_allows_nonsense() -> None:
    def of(dtype: str, length: int) -> float:
        return bound(implementations.get("normalize"), length, dtype, dtype)

    assert of("float64", 768) < of("float32", 768) < of("float16", 768) < of("bfloat16", 768) < 0.1
    assert of("float32", 768) < of("float32", 4096)
    assert of("float32", 1 << 30) == 0.5


def test_a_record_holds_the_samples_in_order_the_first_call_and_why_it_ended() -> None:
    seconds, ticks = count(1), count()
    records = measure_case(
        CASE,
        HONEST,
        make_inputs=make_inputs,
        clock=lambda call, calls: (next(seconds) / 1024, call()),
        budget=Budget(seconds=1e-3, precision=0.01),
        rng=random.Random(0),
        phases=Phases(now=lambda: next(ticks) / 1024),  # the budget is spent at its first check
    )
    base, other = (record.latency for record in records)
    assert base
    assert other
    assert (base.first_call_s, other.first_call_s) == (1 / 1024, 2 / 1024)  # then one of warm-up each: 3 and 4
    rounds = [(*base.samples_s[k : k + 1], *base.control_s[k : k + 1], *other.samples_s[k : k + 1]) for k in range(4)]
    assert [[round(1024 * s) for s in sorted(samples)] for samples in rounds] == [
        [5, 6, 7],
        [8, 9, 10],
        [11, 12, 13],
        [14, 15, 16],
    ]
    assert {(latency.calls, latency.stride, latency.stop) for latency in (base, other)} == {(1, 1, "budget")}
    assert other.control_s == ()
    assert [record.baseline for record in records] == [True, False]


def test_one_that_takes_its_whole_share_a_call_is_called_four_times_and_the_control_is_another_ones() -> None:
    """Its first call, the one for its memory, and a pair of rounds, in which its inputs change in secret."""
    seconds, calls = [0.0], list[float]()

    def takes(name: str, call_s: float, baseline: bool = False) -> Implementation:
        def fn(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> torch.Tensor:
            seconds[0] += call_s
            calls.append(call_s)
            return cosine(x, y, dim)

        return dataclasses.replace(HONEST[1], fn=fn, name=name, baseline=baseline)

    entries = takes("slow", 8.0, baseline=True), takes("fast", 2e-3), takes("other", 3e-3)
    now = lambda: seconds[0]  # noqa: E731
    records = measure_case(
        CASE,
        entries,
        make_inputs=make_inputs,
        clock=partial(host_clock, now=now),
        budget=Budget(seconds=0.5, precision=0.01),
        rng=random.Random(0),
        phases=(phases := Phases(now)),
    )
    slow, fast, other = (record.latency for record in records)
    assert slow
    assert fast
    assert other
    assert calls.count(8.0) == 4
    assert len(slow.samples_s) == 2
    assert len(fast.control_s) == len(fast.samples_s) >= 16
    assert not slow.control_s
    assert not other.control_s
    assert phases.seconds["samples"] <= 2 * 8.0 + 0.5 * 3


def test_phases_add_up_what_the_time_went_to_even_when_it_failed() -> None:
    now = iter([0.0, 1.0, 3.0, 10.0, 14.0, 20.0, 20.5, 100.0])
    phases = Phases(now.__next__)
    with phases("oracle"):
        pass
    with pytest.raises(ValueError, match="no"), phases("samples"):
        raise ValueError("no")
    with phases("oracle"):
        pass
    assert phases.seconds == {"oracle": 2.5, "samples": 4.0}
    assert phases.wall_s == 100.0


def test_measuring_a_case_says_what_the_time_went_to() -> None:
    phases = Phases(map(float, count()).__next__)
    measure_case(CASE, HONEST, make_inputs=make_inputs, clock=clock, budget=BUDGET, rng=random.Random(0), phases=phases)
    assert set(phases.seconds) == {
        "small trials",
        "inputs",
        "oracle",
        "preparation",
        "checks",
        "memory",
        "first calls",
        "warm-up",
        "samples",
    }
    assert phases.seconds["first calls"] == 2
