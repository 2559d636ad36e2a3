"""Is a large result checked on a random sample of rows, which is said, and is the memory for it the contestant's?"""

import dataclasses

import pytest
import torch

import implementations
from suites.failure import Failure
from suites.measure import fit, sampled
from suites.measure.fit import held_bytes, own_bytes, require_case_fits
from suites.records.case import Case
from suites.records.record import Record, Status
from tests.measuring import measure

CASE = Case(task="pairwise", shape=(20, 10, 8), dtype="float32", device="cpu")
TOP = dataclasses.replace(CASE, task="top_k", k=3)
LARGE = Case(task="pairwise", shape=(20_000, 20_000, 300), dtype="float64", device="cpu")
GIB = 2**30


@pytest.fixture
def _forty_pairs_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampled, "MOST", 40)


small = pytest.mark.usefixtures("_forty_pairs_are_many")


def of(record: Record, name: str) -> list[str]:
    return [flag.evidence for flag in record.flags if flag.name == name]


@small
@pytest.mark.parametrize(("case", "names"), [(CASE, ("matmul", "broadcast")), (TOP, ("matmul_top_k",))])
def test_the_record_says_how_many_rows_were_checked(case: Case, names: tuple[str, ...]) -> None:
    for record in measure(*map(implementations.get, names), case=case).values():
        assert record.status is Status.OK, record
        assert record.error
        assert of(record, "rows_sampled") == ["4 of 20 rows were checked, drawn at random"]


@small
@pytest.mark.parametrize(
    "case",
    [
        dataclasses.replace(CASE, shape=(4, 10, 8)),
        dataclasses.replace(CASE, direction="forward+backward"),
        Case(task="paired", shape=(64, 8), dtype="float32", device="cpu"),
    ],
)
def test_all_rows_are_checked_where_they_are_few_or_have_gradients(case: Case) -> None:
    assert sampled.checked_rows(case) == case.shape[0]
    assert sampled.draw(case) is None
    assert sampled.sample_flags(case) == ()


@small
def test_the_rows_differ_from_case_to_case_and_are_ascending() -> None:
    drawn = [tuple(rows.tolist()) for _ in range(20) if (rows := sampled.draw(CASE)) is not None]
    assert len(drawn) == 20
    assert len({*drawn}) > 1
    assert all(len({*rows}) == 4 and [*rows] == sorted(rows) and max(rows) < 20 for rows in drawn)


@small
@pytest.mark.parametrize("case", [CASE, TOP])
def test_a_wrong_result_and_a_remembered_one_are_found_in_the_sample(case: Case) -> None:
    entry = implementations.get("matmul_top_k" if case.k else "matmul")
    seen: list[object] = []

    def remembers(x: torch.Tensor, y: torch.Tensor, *k: int) -> object:
        if len(seen) < 5:
            seen.append(entry.fn(x, y, *k))
        return seen[-1]

    def wrong(x: torch.Tensor, y: torch.Tensor, *k: int) -> object:
        return entry.fn(x.roll(1, 0), y, *k)

    planted = [dataclasses.replace(entry, fn=fn, name=name) for name, fn in (("old", remembers), ("wrong", wrong))]
    found = measure(entry, *planted, case=case)
    assert {name: record.status for name, record in found.items()} == {
        entry.name: Status.OK,
        "old": Status.WRONG,
        "wrong": Status.WRONG,
    }


def test_all_pairs_of_twenty_thousand_rows_fit_in_eight_gigabytes() -> None:
    require_case_fits(LARGE, 5, lambda device: 8 * GIB)
    assert held_bytes(LARGE, 5)["cpu"] < own_bytes(LARGE, 5)["cpu"] < 7 * GIB
    needs = {"matmul": 3.3 * GIB}
    free = 8 * GIB - held_bytes(LARGE, 5)["cpu"]
    fit.require_fit(LARGE, free, lambda small: int(needs["matmul"] * small.shape[0] * small.shape[1] / 4e8))
    with pytest.raises(Failure, match="by small probes it would take about"):
        fit.require_fit(LARGE, free, lambda small: 300 * 8 * small.shape[0] * small.shape[1])
