"""Do families of rows have the angles and magnitudes of their names?"""

import math

import numpy as np
import pytest
import torch

from suites.families import questions
from suites.families.rows import ROWS, WIDTH
from tests.questions import angles, asked, cosine, each_dtype, wide


@pytest.mark.parametrize(("dtype", "allowed"), [("float64", 1e-15), ("float32", 1e-8), ("bfloat16", 1e-3)])
def test_prescribed_cosines_are_what_they_claim(dtype: str, allowed: float) -> None:
    x, y = wide("prescribed", dtype)
    torch.testing.assert_close(cosine(x, y), torch.linspace(-1, 1, ROWS).double(), rtol=0, atol=1e-7 + 4 * allowed)
    ratio = y.norm(dim=1) / x.norm(dim=1)
    assert 0.49 < ratio.min() < 0.6
    assert 1.7 < ratio.max() < 2.02


@each_dtype
def test_equal_scaled_and_opposite_rows_have_the_cosines_one_and_minus_one(dtype: str) -> None:
    torch.testing.assert_close(cosine(*wide("self", dtype)), torch.ones(ROWS).double(), rtol=0, atol=1e-15)
    torch.testing.assert_close(cosine(*wide("negated", dtype)), -torch.ones(ROWS).double(), rtol=0, atol=1e-15)
    x, y = wide("scaled", dtype)
    assert (1 - cosine(x, y)).abs().max() < torch.finfo(getattr(torch, dtype)).eps ** 2 + 1e-15
    assert (1 - cosine(x, y)[3::5]).abs().max() < 1e-15  # a power of two
    assert set(((y / x).median(1).values.round(decimals=3)).tolist()) >= {3, 0.1, 7}


def test_near_rows_come_nearer_and_planar_ones_are_at_their_angles() -> None:
    found = angles(*wide("near"))
    assert found[0] == pytest.approx(0.1, rel=0.2)
    assert found[-1] == pytest.approx(1e-7, rel=0.2)
    small, half, below, above = angles(*wide("planar")).split(64)
    wanted = 10 ** torch.linspace(0, -8 * 252 / 255, 64).double()
    for got, angle in ((small, wanted), (math.pi - half, wanted), (math.pi / 2 - below, wanted)):
        torch.testing.assert_close(got, angle, rtol=1e-6, atol=1e-15)
    torch.testing.assert_close(above - math.pi / 2, wanted, rtol=1e-6, atol=1e-15)


@each_dtype
def test_orthogonal_rows_are_so_exactly(dtype: str) -> None:
    x, y = wide("orthogonal", dtype)
    assert torch.equal((x * y).abs(), torch.ones_like(x))
    assert (x * y).sum(1).count_nonzero() == 0
    assert x.abs().unique().numel() == 7


@each_dtype
def test_exponents_span_the_dtype(dtype: str) -> None:
    limits = torch.finfo(getattr(torch, dtype))
    x, y = wide("exponents", dtype)
    assert limits.max / 8 < max(x.abs().max(), y.abs().max()) <= limits.max
    assert (x.abs().median(1).values).min() < limits.tiny * 2**8
    largest = x.abs().amax(1, keepdim=True)
    powers = (largest[:, 0].log2() + (x / largest).norm(dim=1).log2() - math.log2(math.sqrt(WIDTH))).round()
    assert powers.unique().numel() == 16
    assert powers.unique().diff().unique().numel() <= 2  # even steps, rounded
    assert torch.equal(powers, powers[:16].repeat(16))  # each scale has angles of all sizes


def test_small_norms_are_those_that_an_eps_changes() -> None:
    norms = wide("eps_gap", "float32")[0].norm(dim=1)
    assert (norms.min().item(), norms.max().item()) == pytest.approx((1e-12, 1e-8))
    x, y = wide("mixed_scale", "float32")
    torch.testing.assert_close(x.norm(dim=1) * y.norm(dim=1), torch.full((ROWS,), 4.9e3 * 9.2e-9).double())


@each_dtype
def test_zero_rows_of_both_signs_meet_each_other_and_ordinary_ones(dtype: str) -> None:
    x, y = wide("zeros", dtype)
    none = [(a, b) for a, b in zip((x == 0).all(1).tolist(), (y == 0).all(1).tolist(), strict=True)]
    assert set(none) == {(True, False), (False, True), (True, True), (False, False)}
    assert sum(a or b for a, b in none) == 5
    assert [bool(t.signbit().any()) for t in (x[4], y[3], x[0])] == [True, True, False]


@each_dtype
def test_elements_and_then_squares_are_subnormal(dtype: str) -> None:
    tiny = torch.finfo(getattr(torch, dtype)).tiny
    elements, squares = asked("subnormals", dtype)
    assert 0 < elements.x.double().abs().max() < tiny
    assert (squares.x != 0).double().mean() > 0.99
    largest = squares.x.double().abs().max().item()
    assert largest**2 < tiny < largest
    flushed = asked("subnormals_flushed", dtype)
    assert flushed[0].truth is not None
    assert np.isnan(flushed[0].truth).all()
    assert flushed[1].truth is None


@each_dtype
def test_subnormal_numbers_are_not_made_while_they_are_flushed(dtype: str) -> None:
    if not torch.set_flush_denormal(True):
        pytest.skip("this processor does not flush subnormal numbers")
    try:
        with pytest.raises(RuntimeError, match="already flushed to zero; make the questions"):
            questions("subnormals_flushed", dtype)
    finally:
        torch.set_flush_denormal(False)


@each_dtype
def test_each_row_that_is_not_finite_has_no_cosine_and_the_others_have(dtype: str) -> None:
    found = asked("non_finite", dtype)[0]
    broken = ~(found.x.isfinite().all(1) & found.y.isfinite().all(1))
    assert broken.nonzero().flatten().tolist() == list(range(9))
    assert torch.equal(cosine(found.x, found.y).isnan(), broken)
