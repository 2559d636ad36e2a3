"""Does whatever a contestant does become the right record, while the honest ones beside it are measured?"""

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
from suites.case import CONTRACT, DIRECTIONS, Case
from suites.inputs import make_inputs
from suites.measure.error import bound, error_of
from suites.measure.failure import Failure
from suites.measure.phases import Phases
from suites.measure.problem import Pair
from suites.measure.rounds import ROUNDS, Samples, sample_rounds
from suites.measure.together import measure_case
from suites.record import Error, Latency, Record, Status

CASE = Case(task="paired", shape=(8, 8), dtype="float32", device="cpu")
BACKWARD = dataclasses.replace(CASE, direction="forward+backward")
HONEST = implementations.get("builtin"), implementations.get("normalize")
cosine: Callable[..., torch.Tensor] = HONEST[0].fn


@pytest.fixture(scope="module", autouse=True)
def _tiny_cases_are_quick() -> Iterator[None]:
    """No barriers between threads, and nothing old for the garbage collector to look through in each case."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    gc.freeze()
    yield
    gc.unfreeze()
    torch.set_num_threads(threads)


def planted(fn: Callable[..., object], name: str = "planted", **takes: tuple[str, ...]) -> Implementation:
    return dataclasses.replace(HONEST[1], fn=fn, name=name, **takes)  # type: ignore[arg-type]


def clock(call: Callable[[], object], calls: int) -> float:
    """A millisecond a call; one of them is made."""
    call()
    return 1e-3 * calls


def measure(
    *entries: Implementation, case: Case = CASE, inputs: Callable[[Case], Pair] = make_inputs
) -> dict[str, Record]:
    records = measure_case(
        case,
        entries,
        make_inputs=inputs,
        clock=clock,
        seconds=0.01,
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
    """Right results, and from the call number `first` on a change to x or y after them."""
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
    """All the bad ones together, between two honest ones."""
    return measure(HONEST[0], *(planted(fn, name) for name, (fn, _, _) in BAD.items()), HONEST[1])


@pytest.mark.parametrize("name", BAD)
def test_a_bad_contestant_gets_a_status_and_a_reason_and_no_latency(name: str, records: dict[str, Record]) -> None:
    _, status, reason = BAD[name]
    record = records[name]
    assert record.status is status
    assert re.search(reason, record.reason), record.reason
    assert (record.latency, record.peak_bytes) == (None, None)
    assert (record.error is not None) == ("largest error" in record.reason)


def test_the_honest_ones_beside_them_are_measured(records: dict[str, Record]) -> None:
    for honest in HONEST:
        assert is_measured(records[honest.name]), records[honest.name].reason


def test_one_that_fails_only_after_a_while_has_no_latency_either() -> None:
    calls = count(1)

    def fails_late(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> torch.Tensor:
        if next(calls) > 20:
            raise RuntimeError("tired")
        return cosine(x, y)

    records = measure(HONEST[0], planted(fails_late), HONEST[1])
    assert re.fullmatch(r"in round \d+ of 64: RuntimeError: tired", records["planted"].reason)
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
    """The right result, and twice its gradient."""

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


def test_bad_gradients_are_told_apart() -> None:
    entries = (planted(fn, name) for name, (fn, _, _) in BAD_BACKWARD.items())
    records = measure(HONEST[0], *entries, HONEST[1], case=BACKWARD)
    for name, (_, status, reason) in BAD_BACKWARD.items():
        assert records[name].status is status, records[name]
        assert re.search(reason, records[name].reason), records[name].reason
        assert records[name].latency is None
    assert all(is_measured(records[honest.name]) for honest in HONEST)


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize(
    ("task", "shape", "memory_format"),
    [
        ("paired", (6, 30), "contiguous"),
        ("feature_maps", (6, 5, 3, 2), "channels_last"),
        ("pairwise", (5, 3, 30), "contiguous"),
        ("pairwise", (40, 1, 30), "contiguous"),
    ],
)
def test_every_contestant_is_honest(task: str, shape: tuple[int, ...], memory_format: str, direction: str) -> None:
    entries = [implementations.get(name) for name in implementations.names(CONTRACT[task]) if "compiled" not in name]
    for dtype in ("float32", "bfloat16"):
        case = Case(task=task, shape=shape, dtype=dtype, device="cpu", memory_format=memory_format, direction=direction)
        for record in measure(*entries, case=case).values():
            assert record.status in (Status.OK, Status.UNSUPPORTED), record


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

    ok = torch.ones(8).index_fill_(0, torch.tensor([2, 5]), 1 - 2.0**-22)
    wrong = torch.ones(8) - 2.0**-10
    case = dataclasses.replace(CASE, shape=(8, 16))
    entries = planted(lambda x, y, dim: ok, "ok"), planted(lambda x, y, dim: wrong, "wrong")
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
        return bound(dataclasses.replace(CASE, dtype=dtype, shape=(1, length)))

    assert of("float64", 768) < of("float32", 768) < of("float16", 768) < of("bfloat16", 768) < 0.1
    assert of("float32", 768) < of("float32", 4096)
    assert of("float32", 1 << 30) == 0.5


class Simulation:
    """Contestants that take known seconds a call, and a log of who was called when."""

    def __init__(self, **call_s: float) -> None:
        self._call_s, self.log = call_s, list[str]()
        self.collecting = list[bool]()

    def clock(self, call: Callable[[], object], calls: int) -> float:
        """The seconds, made longer by a millionth for each entry of the log: a sample tells its place in it."""
        call()
        self.collecting.append(gc.isenabled())
        return self._call_s[self.log[-1]] * calls * (1 + 1e-6 * (len(self.log) - 1))

    def run(self, seconds: float = 0.1, seed: int = 0) -> dict[str, Samples]:
        calls = {name: partial(self.log.append, name) for name in self._call_s}
        results = sample_rounds(calls, self.clock, seconds, random.Random(seed), Phases())
        return {name: result for name, result in results.items() if isinstance(result, Samples)}

    def places(self, name: str, samples: Samples) -> list[int]:
        """Where in the log the samples were taken."""
        return [round((sample / self._call_s[name] - 1) * 1e6) for sample in samples.samples_s]


def test_each_random_order_is_followed_by_its_mirror_image() -> None:
    simulation = Simulation(a=1e-3, b=1e-3, c=1e-3, d=1e-3)
    samples = simulation.run()
    assert all(len(s.samples_s) == ROUNDS for s in samples.values())
    rounds = np.array(simulation.log[-4 * ROUNDS :]).reshape(ROUNDS, 4)
    assert (rounds[1::2] == rounds[::2, ::-1]).all()
    assert (np.sort(rounds) == ["a", "b", "c", "d"]).all()
    assert len({tuple(order) for order in rounds}) > 10


def test_the_same_seed_gives_the_same_order() -> None:
    first, second, other = (Simulation(a=1e-3, b=1e-3, c=1e-3) for _ in range(3))
    assert first.run(seed=1) == second.run(seed=1)
    other.run(seed=2)
    assert first.log == second.log != other.log


def test_contestants_of_like_speed_make_the_same_count_of_calls() -> None:
    samples = Simulation(a=1.00e-5, b=1.05e-5, fast=1e-6).run()
    assert samples["a"].calls == samples["b"].calls == 128  # of about 1.6 ms, a 64th of the 0.1 s
    assert samples["fast"].calls == 8 * samples["a"].calls * 2
    assert {s.stride for s in samples.values()} == {1}


@pytest.mark.parametrize(("slow_s", "stride"), [(5e-3, 1), (0.012, 2), (0.045, 8), (100.0, 8)])
def test_a_slow_contestant_sits_rounds_out_and_its_samples_keep_their_rounds(slow_s: float, stride: int) -> None:
    simulation = Simulation(a=1e-3, slow=slow_s, b=1e-3)
    samples = simulation.run()
    slow = samples["slow"]
    assert (slow.calls, slow.stride, len(slow.samples_s)) == (1, stride, ROUNDS // stride)
    fast = np.array([simulation.places(name, samples[name]) for name in "ab"])
    for number, place in enumerate(simulation.places("slow", slow)):
        before, after = fast[:, : number * stride], fast[:, number * stride + 1 :]
        assert (before < place).all()
        assert (after > place).all()


def test_the_garbage_collector_rests_while_rounds_run_and_no_longer() -> None:
    simulation = Simulation(a=1e-3)
    simulation.run()
    assert not any(simulation.collecting[-ROUNDS:])
    assert gc.isenabled()


def test_a_record_holds_the_samples_in_order_and_the_first_call() -> None:
    seconds = count(1)
    record = measure_case(
        CASE,
        HONEST[:1],
        make_inputs=make_inputs,
        clock=lambda call, calls: (call(), float(next(seconds)))[1],
        seconds=1e-3,
        rng=random.Random(0),
        phases=Phases(),
    )[0]
    assert record.latency == Latency(samples_s=tuple(map(float, range(3, 11))), calls=1, stride=8, first_call_s=1.0)
    assert record.baseline


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
    measure_case(CASE, HONEST, make_inputs=make_inputs, clock=clock, seconds=0.01, rng=random.Random(0), phases=phases)
    assert set(phases.seconds) == {
        "small trials",
        "inputs",
        "oracle",
        "checks",
        "memory",
        "first calls",
        "warm-up",
        "samples",
    }
    assert phases.seconds["first calls"] == 2


def test_what_goes_wrong_only_in_timed_calls_is_noticed() -> None:
    calls = count(1)

    def right_twice(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> torch.Tensor:
        return cosine(x, y, dim) if next(calls) <= 2 else torch.zeros(len(x))

    mutating = planted(changes(0, torch.Tensor.neg_, first=3), "mutating")
    records = measure(HONEST[0], planted(right_twice, "garbage"), mutating, HONEST[1])
    assert records["garbage"].status is records["mutating"].status is Status.WRONG
    assert records["mutating"].reason == "after the timed calls: changed its input x"
    assert all(is_measured(records[entry.name]) for entry in HONEST)


def test_a_contestant_may_raise_what_is_no_exception() -> None:
    def skips(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> None:
        pytest.skip("not today")

    records = measure(HONEST[0], planted(skips, "skips"))
    assert records["skips"].status is Status.ERROR
    assert is_measured(records["builtin"])
