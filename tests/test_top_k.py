"""Is a result of the nearest rows right exactly if no neighbour is missing, and is a preparation fairly measured?"""

import dataclasses
import random
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch

import implementations
from implementations import Implementation
from results import load
from suites.errors.accuracy import accuracy_of
from suites.errors.contract import contract_of
from suites.inputs import make_inputs
from suites.measure.fit import own_bytes
from suites.measure.phases import Phases
from suites.measure.problem import Pair, Problem, call_of
from suites.records.case import Case
from suites.records.jsonl import from_line, to_line
from suites.records.record import Record, Status
from tests import measuring
from tests.runs import measured, save

CASE = Case(task="top_k", shape=(6, 20, 16), dtype="float32", device="cpu", k=4)
PAIRWISE = Case(task="pairwise", shape=(6, 20, 16), dtype="float32", device="cpu")
HONEST = implementations.get("broadcast_top_k"), implementations.get("prepared_top_k")
Result = tuple[torch.Tensor, torch.Tensor]


pytestmark = pytest.mark.usefixtures("one_thread")


def similarities(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    unit_x, unit_y = (t / t.norm(dim=-1, keepdim=True) for t in (x, y))
    return unit_x @ unit_y.T


def nearest(x: torch.Tensor, y: torch.Tensor, k: int) -> Result:
    values, indices = similarities(x, y).topk(k)
    return values, indices


def planted(fn: Callable[..., object], **fields: Any) -> Implementation:
    return dataclasses.replace(HONEST[1], fn=fn, name="planted", **{"prepare": None, **fields})


measure = partial(measuring.measure, case=CASE, call_s=1e-4)


def judged(fn: Callable[..., object], *, inputs: Callable[[Case], Pair] = make_inputs, **fields: Any) -> Record:
    found = measure(HONEST[0], planted(fn, **fields), inputs=inputs)
    assert found[HONEST[0].name].status is Status.OK, found[HONEST[0].name]
    return found["planted"]


def misses_one(x: torch.Tensor, y: torch.Tensor, k: int) -> Result:
    """The best k but for the second best."""
    values, indices = nearest(x, y, k + 1)
    keep = [0, *range(2, k + 1)]
    return values[:, keep], indices[:, keep]


def backwards(x: torch.Tensor, y: torch.Tensor, k: int) -> Result:
    values, indices = nearest(x, y, k)
    return values.flip(1), indices.flip(1)


def of_others(x: torch.Tensor, y: torch.Tensor, k: int) -> Result:
    """Right values, with the indices of the next row of x."""
    values, indices = nearest(x, y, k)
    return values, indices.roll(1, 0)


def twice(x: torch.Tensor, y: torch.Tensor, k: int) -> Result:
    values, indices = nearest(x, y, k)
    return values[:, :1].expand(-1, k).contiguous(), indices[:, :1].expand(-1, k).contiguous()


WRONG: dict[str, tuple[Callable[..., object], str]] = {
    "a neighbour is missing": (
        misses_one,
        r"a neighbour is missing: in row \d, place \d, the cosine is .*the true one",
    ),
    "worst first": (backwards, "values that are not sorted, the largest first"),
    "of another row": (of_others, "the largest error is"),
    "one row again and again": (twice, "the same row of the corpus twice"),
    "off": (lambda x, y, k: (nearest(x, y, k)[0] - 1e-3, nearest(x, y, k)[1]), "the largest error is"),
    "values only": (lambda x, y, k: nearest(x, y, k)[0], r"returned a Tensor, not a tuple \(values, indices\)"),
    "too few": (lambda x, y, k: nearest(x, y, k - 1), r"returned the shape \(6, 3\), expected \(6, 4\)"),
    "int32": (lambda x, y, k: (nearest(x, y, k)[0], nearest(x, y, k)[1].int()), "returned int32, expected int64"),
    "beyond the corpus": (
        lambda x, y, k: (nearest(x, y, k)[0], nearest(x, y, k)[1] + 20),
        r"returned the index \d+, and the corpus has 20 rows",
    ),
    "from the end": (lambda x, y, k: (nearest(x, y, k)[0], nearest(x, y, k)[1] - 20), r"returned the index -\d+"),
}


@pytest.mark.parametrize(("fn", "reason"), WRONG.values(), ids=WRONG)
def test_a_wrong_result_says_what_is_wrong(fn: Callable[..., object], reason: str) -> None:
    found = judged(fn)
    assert found.status is Status.WRONG
    assert re.search(reason, found.reason), found.reason


def with_ties(case: Case) -> Pair:
    x, y = make_inputs(case)
    y[10:] = y[:10]
    return x, y


def test_ties_may_come_in_any_order() -> None:
    def last_first(x: torch.Tensor, y: torch.Tensor, k: int) -> Result:
        values, indices = nearest(x, y.flip(0), k)
        return values, len(y) - 1 - indices

    for fn in (nearest, last_first):
        found = judged(fn, inputs=with_ties)
        assert found.status is Status.OK, found.reason


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16"])
def test_neighbours_that_rounding_cannot_tell_apart_may_come_in_any_order(dtype: str) -> None:
    case = dataclasses.replace(CASE, shape=(8, 400, 32), k=50, dtype=dtype, inputs="offset")
    entries = [implementations.get(name) for name in implementations.names("top_k") if "compiled" not in name]
    for record in measure(*entries, case=case).values():
        assert record.status in (Status.OK, Status.UNSUPPORTED), record.reason


@pytest.mark.parametrize("first", [False, True])
def test_rows_without_a_cosine_may_be_anywhere_and_hide_no_missing_neighbour(first: bool) -> None:
    def zero_rows(case: Case) -> Pair:
        x, y = make_inputs(case)
        return x, y.index_fill_(0, torch.tensor([3, 7]), 0)

    def placed(x: torch.Tensor, y: torch.Tensor, k: int, skipped: int = 0) -> Result:
        cosines = similarities(x, y).nan_to_num(2.0 if first else -2.0)
        values, indices = cosines.topk(k + skipped)
        values, indices = values[:, skipped:], indices[:, skipped:]
        return values.masked_fill(values == 2, torch.nan), indices

    assert judged(placed, inputs=zero_rows).status is Status.OK
    without_the_best = judged(lambda x, y, k: placed(x, y, k, 3), inputs=zero_rows)
    assert re.search("a neighbour is missing", without_the_best.reason)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("inputs", ["prescribed", "positive", "offset"])
def test_a_remembered_result_is_wrong_for_disguised_inputs(inputs: str, which: int, seed: int) -> None:
    case = dataclasses.replace(CASE, dtype="bfloat16", inputs=inputs)
    problem = Problem.of(case, make_inputs, Phases())
    remembered = call_of(case, HONEST[0], problem.inputs)()
    problem.judge(HONEST[0], remembered)
    with problem.disguised(random.Random(seed), which) as disguised:
        disguised.judge(HONEST[0], call_of(case, HONEST[0], problem.inputs)())
        with pytest.raises(Exception, match=r"the largest error is|a neighbour is missing"):
            disguised.judge(HONEST[0], remembered)


def prepared(fn: Callable[..., object], prepare: Callable[..., object]) -> Implementation:
    return planted(fn, prepare=prepare)


def unit(y: torch.Tensor) -> torch.Tensor:
    return y / y.norm(dim=-1, keepdim=True)


@pytest.mark.parametrize("case", [CASE, PAIRWISE], ids=["top_k", "pairwise"])
def test_a_timed_call_gets_the_corpus_as_it_was_prepared(case: Case) -> None:
    seen: list[object] = []

    def fn(x: torch.Tensor, corpus: dict[str, torch.Tensor], *k: int) -> object:
        seen.append(corpus)
        found = unit(x) @ corpus["rows"].T
        return found.topk(*k) if k else found

    task = {"task": case.task}
    entry = dataclasses.replace(planted(fn, prepare=lambda y: {"rows": unit(y)}), **task)
    record = measure(entry, case=case)["planted"]
    assert record.status is Status.OK, record.reason
    assert all(isinstance(corpus, dict) for corpus in seen)
    assert record.latency is not None
    assert record.latency.prepare_s == pytest.approx(1e-4, rel=0.1)
    assert record.latency.prepared_bytes == 20 * 16 * 4


def test_a_preparation_that_keeps_the_corpus_as_it_is_holds_nothing_more() -> None:
    latency = measure(prepared(nearest, lambda y: y))["planted"].latency
    assert latency is not None
    assert latency.prepared_bytes == 0


def test_who_prepares_nothing_has_no_time_of_preparation() -> None:
    latency = measure(HONEST[0])[HONEST[0].name].latency
    assert latency is not None
    assert (latency.prepare_s, latency.prepared_bytes) == (None, None)


def remembers_queries() -> Callable[..., object]:
    """Right for the queries that it saw first, with each corpus that is prepared."""
    first: dict[int, object] = {}

    def fn(x: torch.Tensor, corpus: torch.Tensor, k: int) -> object:
        return first.setdefault(id(corpus), nearest(x, corpus, k))

    return fn


def remembers_the_corpus() -> Callable[..., torch.Tensor]:
    first: list[torch.Tensor] = []

    def prepare(y: torch.Tensor) -> torch.Tensor:
        first.append(unit(y))
        return first[0]

    return prepare


def changes_the_corpus(y: torch.Tensor) -> torch.Tensor:
    y.data.mul_(2)
    return y.clone()


CHEATS = {
    "queries": (remembers_queries, lambda: unit, "does not compute anew when its inputs change in place"),
    "corpus": (lambda: nearest, remembers_the_corpus, "does not compute anew when its inputs change in place"),
    "changes y": (lambda: nearest, lambda: changes_the_corpus, "changed its input y"),
}


@pytest.mark.parametrize(("fn", "prepare", "reason"), CHEATS.values(), ids=CHEATS)
def test_a_cheat_that_prepares_is_caught(
    fn: Callable[[], Callable[..., object]], prepare: Callable[[], Callable[..., object]], reason: str
) -> None:
    found = measure(*HONEST, prepared(fn(), prepare()))
    assert found["planted"].status is Status.WRONG
    assert reason in found["planted"].reason
    assert all(found[honest.name].status is Status.OK for honest in HONEST)


def test_an_error_of_a_preparation_is_the_contestant_s() -> None:
    def prepare(y: torch.Tensor) -> torch.Tensor:
        raise ValueError("no index")

    record = judged(nearest, prepare=prepare)
    assert (record.status, record.reason) == (Status.ERROR, "ValueError: no index")


def test_a_prepared_corpus_has_no_gradient() -> None:
    backward = dataclasses.replace(PAIRWISE, direction="forward+backward")
    found = measure(implementations.get("broadcast"), implementations.get("matmul_prepared"), case=backward)
    assert found["broadcast"].status is Status.OK
    assert found["matmul_prepared"].status is Status.UNSUPPORTED
    assert found["matmul_prepared"].reason == "it prepares the corpus once, so the corpus has no gradient"


def test_each_prepared_corpus_counts_as_memory_that_a_case_needs() -> None:
    case = dataclasses.replace(CASE, dtype="bfloat16")
    more = own_bytes(case, 3, prepared=2)["cpu"] - own_bytes(case, 3)["cpu"]
    assert more == 2 * 20 * 16 * 4, "in fp32, which a prepared corpus may be in"


def test_a_saved_preparation_is_read_back_and_an_older_line_has_none(tmp_path: Any) -> None:
    record = measured("matmul_prepared", [1e-3] * 4, case=CASE)
    assert record.latency is not None
    latency = dataclasses.replace(record.latency, prepare_s=0.25, prepared_bytes=1280)
    record = dataclasses.replace(record, latency=latency)
    assert from_line(to_line(record)) == record
    save(tmp_path, record, measured("builtin", [1e-3] * 4))
    table = load(root=tmp_path).set_index("implementation")
    assert table.loc["matmul_prepared", ["k", "prepare_s", "prepared_bytes"]].tolist() == [4, 0.25, 1280]
    assert table.loc["builtin", ["k", "prepare_s", "prepared_bytes"]].isna().tolist() == [False, True, True]
    line = re.sub(r'"(k|prepare_s|prepared_bytes)": \S+ ', "", to_line(measured("builtin", [1e-3] * 4)))
    assert "prepare" not in line
    assert from_line(line) == measured("builtin", [1e-3] * 4)


@pytest.mark.parametrize("name", ["matmul_top_k", "prepared_top_k", "matmul_prepared"])
def test_the_error_suite_asks_about_the_values_of_neighbours_and_of_a_prepared_corpus(name: str) -> None:
    entry = implementations.get(name)
    for family in ("prescribed", "self", "zeros"):
        found = accuracy_of(entry, family, "float32", "cpu")
        assert found.status is Status.OK, found.reason
    contract = contract_of(entry, "float32", "cpu", structural=False)
    assert (contract.status, contract.answers["zero row"]) == (Status.OK, "0")
    assert contract.eps_rule == "per norm, maximum"


def test_the_error_suite_finds_a_neighbour_that_is_left_out() -> None:
    def all_but_the_best(x: torch.Tensor, y: torch.Tensor, k: int) -> Result:
        values, indices = nearest(x, y, k)
        return values.index_fill(1, torch.tensor(0), torch.nan), indices

    found = accuracy_of(planted(all_but_the_best), "prescribed", "float32", "cpu")
    assert found.status is Status.WRONG
    assert "NaN or infinite where the truth is finite" in found.reason
