"""Do sums lose accuracy as their family says: by length, behind a huge term, in too few bits?"""

import math

import numpy as np
import pytest
import torch

from implementations.registry import DTYPES
from suites.families.rows import ROWS
from tests.questions import asked, cosine, each_dtype, wide


@each_dtype
def test_long_rows_are_equal_and_longest_in_float32(dtype: str) -> None:
    found = asked("long_rows", dtype)
    assert [q.x.shape[1] for q in found] == [2**16] * 4 + [2**24] * 2 * (dtype == "float32")
    assert all(torch.equal(q.x, q.y) and q.x.data_ptr() != q.y.data_ptr() for q in found)
    assert (found[1].x >= 0).all()
    assert [q.x.unique().numel() for q in found[2:4]] == [1, 1]


@each_dtype
def test_one_huge_element_hides_the_ones_from_a_running_sum(dtype: str) -> None:
    x, y = (t.numpy() for t in wide("one_huge", dtype))
    accumulator = np.float64 if dtype == "float64" else np.float32
    running = np.cumsum(x[0].astype(accumulator) ** 2, dtype=accumulator)[-1]
    assert running == x[0, 0] ** 2
    assert (x[0, 1:] == 1).all()
    assert y[0, 0] == -x[0, 0]


def test_an_outlier_holds_nearly_all_of_the_norm() -> None:
    x, _ = wide("outlier_dimension")
    share = x[:, 7] / x.norm(dim=1)
    assert 0.9 < share[0] < 0.99
    assert share[-1] > 0.999995


def test_positive_rows_are_alike_without_being_near() -> None:
    relu, flat = cosine(*wide("positive")).split(ROWS // 2)
    assert relu.mean() == pytest.approx(1 / math.pi, abs=0.01)
    assert flat.mean() == pytest.approx(3 / 4, abs=0.01)


def test_ties_are_1536_cosines_of_which_16_bits_leave_few() -> None:
    for dtype in DTYPES:
        found = torch.cat([cosine(*wide("ties", dtype, number)) for number in range(6)])
        assert found.unique().numel() == 6 * ROWS == 1536
        assert found.min() == pytest.approx(0.55, abs=3e-4)
        assert found.max() == pytest.approx(0.65, abs=3e-4)
        assert found.bfloat16().unique().numel() < 30
