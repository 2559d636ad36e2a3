"""Do these families notice an answer that depends on the other rows, or on where a row is, and nothing else?"""

import pytest
import torch

from suites.errors.accuracy import accuracy_of
from suites.families.rows import ROWS
from suites.records.record import Status
from tests.questions import asked, cosine, each_dtype, made_up


@each_dtype
@pytest.mark.parametrize("name", ["batch_invariance", "place"])
def test_one_that_takes_row_by_row_does_not_change(name: str, dtype: str) -> None:
    def by_row(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> torch.Tensor:
        return torch.cat([cosine(a.clone(), b.clone(), dim) for a, b in zip(x.split(1), y.split(1), strict=True)])

    for question in asked(name, dtype):
        assert question.ask
        assert not question.ask(by_row).any()


def off_in_batches(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> torch.Tensor:
    return cosine(x, y, dim) + (2.0**-20 if len(x) > 1 else 0)


def off_by_its_place(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> torch.Tensor:
    return cosine(x, y, dim) + 2.0**-20 * (torch.arange(len(x)) < ROWS // 2)


def off_at_odd_addresses(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> torch.Tensor:
    return cosine(x, y, dim) + (2.0**-20 if x.storage_offset() % 2 else 0)


@pytest.mark.parametrize(
    ("name", "fn"),
    [("batch_invariance", off_in_batches), ("place", off_by_its_place), ("place", off_at_odd_addresses)],
)
def test_the_largest_change_is_the_error(name: str, fn: object) -> None:
    found = accuracy_of(made_up(lambda x, y, dim=-1: fn(x, y, dim).float()), name, "float32", "cpu")  # type: ignore[operator]
    assert found.deviation
    assert found.deviation.error_max == pytest.approx(2.0**-20, rel=0.2)
    assert found.status is Status.OK, "two results may differ by twice the bound"


@pytest.mark.parametrize("name", ["batch_invariance", "place"])
def test_all_pairs_and_angles_are_asked_too(name: str) -> None:
    from implementations import registry

    for entry in map(registry.get, ("matmul", "matmul_top_k", "angle")):
        found = accuracy_of(entry, name, "float32", "cpu")
        assert found.status is Status.OK, found
        assert found.deviation


def test_an_answer_that_uses_the_whole_batch_is_wrong() -> None:
    def over_the_batch(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> torch.Tensor:
        return cosine(x - x.mean(0), y, dim).float()

    found = accuracy_of(made_up(over_the_batch), "batch_invariance", "float32", "cpu")
    assert found.status in (Status.WRONG, Status.ERROR), found
