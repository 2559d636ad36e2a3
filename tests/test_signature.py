"""Are the figures of embeddings right: by the plain formula, at any scale, and on samples of many rows?"""

import json
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from diagnosis.signature.pairs import MOST
from diagnosis.signature.signature import Signature, measure
from diagnosis.subject import Subject
from tests.tensors import normal


def cosines(x: Tensor, y: Tensor) -> Tensor:
    """The cosines of all rows of x with all rows of y, by the textbook formula."""
    x, y = x.double(), y.double()
    return (x @ y.T) / (x.norm(dim=1)[:, None] * y.norm(dim=1))


def unrelated(x: Tensor) -> Tensor:
    return cosines(x, x)[~torch.eye(len(x), dtype=torch.bool)]


def of(x: Tensor, **known: object) -> Signature:
    return measure(Subject(x=x, **known))  # type: ignore[arg-type]


tables = st.builds(
    lambda rows, columns, offset, seed: normal(rows, columns, seed=seed) + offset,
    st.integers(2, 40),
    st.integers(2, 12),
    st.sampled_from([0.0, 1.0, 30.0]),
    st.integers(0, 999),
)


@given(tables)
@settings(max_examples=25, deadline=None)
def test_cosines_of_few_rows_are_those_of_the_formula(x: Tensor) -> None:
    found, right, centred = of(x), unrelated(x), unrelated(x.double() - x.double().mean(0))

    assert found.mean_cosine == pytest.approx(float(right.mean()), abs=1e-12)
    assert found.std_cosine == pytest.approx(float(right.std(correction=0)), abs=1e-9)
    assert found.high_cosine == pytest.approx(float(right.quantile(0.95)), abs=1e-12)
    assert found.centred_mean_cosine == pytest.approx(float(centred.mean()), abs=1e-6)
    assert found.centred_size == pytest.approx(float(centred.abs().mean()), abs=1e-6)
    assert not found.intervals


@given(tables, st.integers(-40, 40))
@settings(max_examples=25, deadline=None)
def test_neither_a_scale_nor_the_order_of_the_rows_changes_a_cosine(x: Tensor, exponent: int) -> None:
    found, other = of(x.double()), of((x.double() * 2.0**exponent).flip(0))

    for name in ("mean_cosine", "std_cosine", "mean_share", "effective_rank", "top_dimension_energy", "distinct_rows"):
        assert getattr(other, name) == pytest.approx(getattr(found, name), rel=1e-9, abs=1e-12), name


@pytest.mark.parametrize(
    ("dtype", "scale"),
    [
        (torch.float32, 1e30),
        (torch.float32, 1e-30),
        (torch.float64, 1e200),
        (torch.float64, 1e-200),
        (torch.float16, 1e-4),
    ],
)
def test_a_scale_at_which_squares_overflow_or_vanish_is_measured_all_the_same(dtype: torch.dtype, scale: float) -> None:
    x = normal(50, 8)
    found, right = of((x.double() * scale).to(dtype)), of(x)

    assert found.mean_cosine == pytest.approx(right.mean_cosine, abs=1e-3)
    assert found.effective_rank == pytest.approx(right.effective_rank, rel=1e-3)
    assert found.median_norm == pytest.approx(right.median_norm * scale, rel=1e-2)


@pytest.mark.parametrize("times", [1, 3, 10])
def test_an_offset_raises_the_mean_cosine_by_its_square_and_centring_takes_it_away(times: float) -> None:
    x = normal(500, 64)
    found = of(x + times * x.std() * torch.ones(64))

    assert found.mean_cosine == pytest.approx(times**2 / (1 + times**2), abs=0.01)
    assert found.mean_share == pytest.approx(found.mean_cosine, abs=0.01)
    assert abs(found.centred_mean_cosine) < 0.01
    assert found.effective_rank < found.centred_effective_rank


@pytest.mark.parametrize("rank", [1, 4, 16])
def test_the_effective_rank_of_equal_directions_is_their_number(rank: int) -> None:
    found = of(torch.eye(rank).repeat(30, 1) @ torch.linalg.qr(normal(32, 32)).Q[:rank])

    assert found.effective_rank == pytest.approx(rank, rel=1e-3)


def test_rows_without_a_direction_are_counted_and_left_out() -> None:
    x = normal(20, 5)
    broken = torch.cat([x, torch.tensor([[torch.nan] * 5, [torch.inf] * 5, [0.0] * 5, [0.0] * 5])])
    broken[20, 1:] = torch.inf
    found = of(broken)

    assert (found.nan_rows, found.infinite_rows, found.zero_rows, found.faulty_rows) == (1, 1, 2, 4)
    assert found.mean_cosine == pytest.approx(of(x).mean_cosine, abs=1e-12)
    assert found.maximum == float(x.max())


def test_rows_and_pairs_that_repeat_another_bit_by_bit_are_counted() -> None:
    x, y = normal(30, 4), normal(30, 4, seed=1)
    x[10:20] = x[:10]
    y[15:20] = y[5:10]
    nearly = x.clone()
    nearly[10:20, 3] = x[10:20, 3].nextafter(torch.tensor(9.0))

    assert (of(x).distinct_rows, of(x, y=y).distinct_rows, of(nearly).distinct_rows) == (20, 25, 30)
    assert of(x).repeated_share == pytest.approx(1 / 3)


def test_a_dominant_dimension_and_constant_ones_are_counted() -> None:
    x = normal(200, 10)
    x[:, 3] += 100
    x[:, [5, 6]] = torch.tensor([0.0, 7.0])
    found = of(x)

    assert found.top_dimension_energy == pytest.approx(1e4 / (1e4 + 49 + 8), rel=0.01)
    assert (found.constant_dimensions, found.zero_dimensions) == (2, 1)
    assert found.zero_share == pytest.approx(0.1)
    assert found.smallest_range == 0


def test_pairs_are_compared_with_shuffled_ones_and_each_side_has_its_own_mean() -> None:
    x = normal(60, 16)
    y = x + 0.1 * normal(60, 16, seed=1)
    both = cosines(x, y)
    found = of(x, y=y)

    assert (found.items, found.rows) == (60, 120)
    assert found.pair_cosine == pytest.approx(float(both.diagonal().mean()))
    assert found.shuffled_cosine == pytest.approx(float(both[~torch.eye(60, dtype=torch.bool)].mean()))
    assert of(x + 9, y=y - 9).mean_share > 0.9


def test_the_rows_are_what_the_dim_compares() -> None:
    x = normal(4, 6, 8)
    over_tokens = of(x, dim=1)

    assert (over_tokens.rows, over_tokens.columns) == (32, 6)
    assert over_tokens.mean_cosine == pytest.approx(float(unrelated(x.movedim(1, 2).reshape(32, 6)).mean()))


@pytest.fixture(scope="module")
def many() -> Tensor:
    x = normal(2 * MOST, 24) * torch.arange(1, 25) ** -0.5
    return x + 2 * normal(1, 24, seed=1)


@pytest.fixture(scope="module")
def found(many: Tensor) -> Signature:
    return of(many)


def test_sums_over_many_rows_are_exact(many: Tensor, found: Signature) -> None:
    wide = many.double()
    total = torch.nn.functional.normalize(wide).sum(0)
    singular = torch.linalg.svdvals(wide - wide.mean(0))
    shares = singular / singular.sum()

    assert found.mean_cosine == pytest.approx(float(total.square().sum() - len(many)) / len(many) / (len(many) - 1))
    assert found.median_norm == pytest.approx(float(wide.norm(dim=1).median()))
    assert found.centred_effective_rank == pytest.approx(float((-shares * shares.log()).sum().exp()), rel=1e-5)
    assert found.distinct_rows == len(many)


def test_a_figure_of_many_rows_lies_within_the_samples_interval(many: Tensor, found: Signature) -> None:
    raw, centred = (far_cosines(table) for table in (many.double(), many.double() - many.double().mean(0)))
    truth = {
        "std_cosine": raw.std(),
        "low_cosine": raw.quantile(0.05),
        "high_cosine": raw.quantile(0.95),
        "centred_mean_cosine": centred.mean(),
        "centred_std_cosine": centred.std(),
        "centred_size": centred.abs().mean(),
    }

    assert set(found.intervals) == set(truth)
    for name, value in truth.items():
        start, end = found.intervals[name]
        assert start <= float(value) <= end, name
        assert end - start < 0.03, name


def far_cosines(table: Tensor) -> Tensor:
    """The cosines of each row with 60 others: 250,000 of 8 million, enough for three digits."""
    units = torch.nn.functional.normalize(table)
    return torch.cat([(units * units.roll(step, 0)).sum(1) for step in range(1, 61)])


def test_the_signature_is_flat_plain_json_and_says_none_for_what_is_not_defined(found: Signature) -> None:
    flat = found.to_dict()

    assert json.loads(json.dumps(flat, allow_nan=False)) == flat
    assert flat["pair_cosine"] is None
    assert isinstance(flat["std_cosine_from"], float)
    assert of(torch.full((3, 4), math.nan)).to_dict()["mean_cosine"] is None
