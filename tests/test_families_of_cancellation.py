"""Under cancellation, are sums in too few bits or in another order than stated found wrong?"""

import dataclasses
import math
from collections.abc import Callable
from fractions import Fraction

import pytest
import torch

import implementations
from suites.errors.accuracy import accuracy_of
from suites.families.rows import ROWS
from suites.records.finding import Accuracy
from suites.records.record import Status
from tests.questions import asked, each_dtype, wide

Sum = Callable[[torch.Tensor], torch.Tensor]
HALF = ("float16", "bfloat16")


def judged(add: Sum, family: str, dtype: str, **stated: str) -> Accuracy:
    """Accuracy of an implementation that sums dot products by `add`, but states the built-in's arithmetic."""

    def theirs(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> torch.Tensor:
        return (add(x * y) / (x.norm(dim=dim) * y.norm(dim=dim))).to(x.dtype)

    entry = dataclasses.replace(implementations.get("builtin"), name="theirs", fn=theirs, baseline=False, **stated)
    return accuracy_of(entry, family, dtype, "cpu")


def running(terms: torch.Tensor) -> torch.Tensor:
    """A running sum, each step rounded to the dtype of the terms."""
    total, *others = terms.unbind(1)
    for term in others:
        total = total + term
    return total


def in_parts(dtype: torch.dtype, count: int) -> Sum:
    """A sum of `count` partial sums, each rounded to the dtype."""
    return lambda terms: sum(part.float().sum(1).to(dtype) for part in terms.chunk(count, 1))


@pytest.mark.parametrize(("dtype", "most"), [("float64", 16), ("float32", 16), ("bfloat16", 16), ("float16", 9)])
def test_dot_products_are_as_ill_conditioned_as_they_claim(dtype: str, most: int) -> None:
    x, y = wide("ill_conditioned", dtype)
    for row, wanted in ((0, 2), (ROWS // 2, (2 + most) / 2), (ROWS - 1, most)):
        products = [Fraction(a) * Fraction(b) for a, b in zip(x[row].tolist(), y[row].tolist(), strict=True)]
        condition = 2 * sum(map(abs, products)) / abs(sum(products))
        assert wanted - 0.5 < math.log10(condition) < wanted + 4
    assert (x.square().sum(1) < torch.finfo(getattr(torch, dtype)).max).all()


@pytest.mark.parametrize("dtype", HALF)
def test_a_running_sum_in_the_dtype_of_the_rows_is_wrong_and_in_float32_it_is_not(dtype: str) -> None:
    found = judged(running, "ill_conditioned", dtype)
    assert found.status is Status.WRONG
    assert found.deviation
    assert found.deviation.error_max > 0.1
    assert judged(lambda terms: running(terms.float()), "ill_conditioned", dtype).status is Status.OK


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_running_sum_is_wrong_where_a_cascade_is_stated_and_right_where_it_is_stated(dtype: str) -> None:
    stated = {"dot": "cascade", "norm": "cascade"}
    assert judged(running, "ill_conditioned", dtype, **stated).status is Status.WRONG
    assert judged(running, "ill_conditioned", dtype, **stated | {"dot": "one by one"}).status is Status.OK
    assert judged(lambda terms: terms.sum(1), "ill_conditioned", dtype, **stated).status is Status.OK


@each_dtype
def test_a_running_sum_of_too_few_bits_loses_terms_between_huge_ones(dtype: str) -> None:
    x, y = wide("ill_conditioned", dtype, 1)
    terms = 4096 * x * y
    assert torch.equal(terms[:, 0], -terms[:, -1])
    assert (terms[:, 1:-1] == 1).all()
    assert (terms[:, 0].min(), terms[:, 0].max()) == (4, 2.0 ** (54 if dtype == "float64" else 26))
    lost = [running(rounded).double() < 1 for rounded in (terms.bfloat16(), terms.half(), terms.float())]
    huge = terms[:, 0]
    assert torch.equal(lost[0], huge >= 2**8)
    assert lost[2][huge >= 2**24].all()


@pytest.mark.parametrize("parts", [2, 7, 16])
@pytest.mark.parametrize("rounding", HALF)
@pytest.mark.parametrize("dtype", ["float32", *HALF])
def test_partial_sums_rounded_to_16_bits_are_wrong(dtype: str, rounding: str, parts: int) -> None:
    found = judged(in_parts(getattr(torch, rounding), parts), "split_k", dtype)
    assert found.status is Status.WRONG
    assert found.reason.startswith("off by")


@pytest.mark.parametrize("dtype", HALF)
def test_a_running_sum_of_long_rows_in_16_bits_is_wrong(dtype: str) -> None:
    assert judged(running, "split_k", dtype).status is Status.WRONG


@pytest.mark.parametrize("add", [lambda terms: terms.float().sum(1), in_parts(torch.float32, 16)])
@pytest.mark.parametrize("dtype", ["float32", *HALF])
def test_no_order_changes_a_sum_in_float32(dtype: str, add: Sum) -> None:
    found = judged(add, "split_k", dtype)
    assert found.status is Status.OK
    assert found.deviation
    assert found.deviation.error_max == 0


@each_dtype
def test_halves_are_large_and_cancel_and_alternating_terms_never_are(dtype: str) -> None:
    (question,) = asked("split_k", dtype)
    x, y = question.x.double(), question.y.double()
    assert torch.equal(x.square().sum(1), torch.full((8,), 64.0**2).double())
    assert torch.equal(y.square().sum(1), torch.full((8,), 64.0**2).double())
    first, second = (x * y).view(8, 2, -1).sum(2).T
    assert ((first - 2016).abs() < 4).all()
    assert ((second + 2016).abs() < 4).all()
    assert (first + second).count_nonzero() > 0
