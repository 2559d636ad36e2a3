"""Do inputs match their names, and are they the same on every call?"""

from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from suites.inputs import DISTRIBUTIONS, InputError, blocks, make_inputs
from suites.records.case import BYTES, INPUTS, Case
from tests.tensors import same

SHAPES = {"paired": (300, 64), "feature_maps": (30, 1, 8, 8), "pairwise": (20, 50, 64)}


def case(task: str = "paired", shape: tuple[int, ...] = (), dtype: str = "float32", **axes: str) -> Case:
    return Case(task=task, shape=shape or SHAPES[task], dtype=dtype, device="cpu", **axes)


def cosines(wanted: Case) -> torch.Tensor:
    """The cosines of y_j and x_(j mod N), in float64."""
    x, y = (t.double().flatten(1) for t in make_inputs(wanted))
    x = x[torch.arange(len(y)) % len(x)]
    found: torch.Tensor = torch.linalg.vecdot(x, y) / (
        torch.linalg.vector_norm(x, dim=1) * torch.linalg.vector_norm(y, dim=1)
    )
    return found


each_distribution = pytest.mark.parametrize("distribution", DISTRIBUTIONS)
each_task = pytest.mark.parametrize("task", SHAPES)


def test_the_distributions_are_those_that_a_grid_may_name() -> None:
    assert tuple(DISTRIBUTIONS) == INPUTS
    assert all(distribution.__doc__ for distribution in DISTRIBUTIONS.values())


@each_task
@each_distribution
def test_the_same_case_gives_the_same_finite_numbers_in_its_shapes_and_dtype(distribution: str, task: str) -> None:
    wanted = case(task, inputs=distribution)
    first, second = make_inputs(wanted), make_inputs(wanted)
    assert same(first, second)
    assert tuple(tuple(t.shape) for t in first) == wanted.operand_shapes
    assert all(t.dtype == torch.float32 and t.isfinite().all() for t in first)


@each_distribution
def test_everything_that_names_the_numbers_changes_them(distribution: str) -> None:
    wanted = case(inputs=distribution)
    x, y = make_inputs(wanted)
    assert not torch.equal(x, y)
    assert not torch.equal(x[:299], make_inputs(replace(wanted, shape=(299, 64)))[0])
    assert not torch.equal(x[:20], make_inputs(case("pairwise", inputs=distribution))[0])
    assert not torch.equal(
        x, make_inputs(replace(wanted, inputs="prescribed" if distribution == "gaussian" else "gaussian"))[0]
    )


@each_distribution
@pytest.mark.parametrize("dtype", BYTES)
def test_all_dtypes_and_directions_get_the_same_numbers_rounded(distribution: str, dtype: str) -> None:
    exact = make_inputs(case(dtype="float64", inputs=distribution))
    rounded = make_inputs(case(dtype=dtype, inputs=distribution, direction="forward+backward"))
    assert same(rounded, tuple(t.to(getattr(torch, dtype)) for t in exact))  # type: ignore[arg-type]


@each_distribution
def test_channels_last_changes_the_strides_and_nothing_else(distribution: str) -> None:
    wanted = case("feature_maps", (5, 1, 8, 8) if distribution == "digits" else (5, 3, 8, 8), inputs=distribution)
    last = make_inputs(replace(wanted, memory_format="channels_last"))
    assert all(t.is_contiguous(memory_format=torch.channels_last) for t in last)
    assert same(last, make_inputs(wanted))
    assert all(t.is_contiguous() for t in make_inputs(wanted))


@given(
    distribution=st.sampled_from(INPUTS),
    task=st.sampled_from(("paired", "pairwise")),
    n=st.integers(1, 70),
    m=st.integers(1, 70),
    block=st.integers(1, 3000),
)
@settings(max_examples=40, deadline=None)
def test_the_numbers_do_not_depend_on_the_blocks(distribution: str, task: str, n: int, m: int, block: int) -> None:
    wanted = case(task, (n, m, 64) if task == "pairwise" else (n, 64), inputs=distribution)
    whole = make_inputs(wanted)
    with mock.patch.object(blocks, "BLOCK", block):
        assert same(make_inputs(wanted), whole)


@given(
    task=st.sampled_from(("paired", "feature_maps", "pairwise")),
    n=st.integers(1, 100),
    m=st.integers(1, 100),
    d=st.integers(2, 60),
)
@settings(max_examples=60, deadline=None)
def test_prescribed_cosines_are_reached_and_evenly_spread(task: str, n: int, m: int, d: int) -> None:
    shape = {"paired": (m, d), "feature_maps": (m, d, 1, 2), "pairwise": (n, m, d)}[task]
    reached = cosines(case(task, shape)).sort().values
    torch.testing.assert_close(reached, torch.linspace(-1, 1, m, dtype=torch.float64), rtol=0, atol=1e-6)


def test_prescribed_cosines_come_in_random_order_and_y_at_half_to_twice_the_length_of_x() -> None:
    wanted = case(shape=(2000, 5))
    found = cosines(wanted)
    assert (found.diff() > 0).double().mean().item() == pytest.approx(0.5, abs=0.1)
    x, y = make_inputs(wanted)
    ratio = torch.linalg.vector_norm(y, dim=1) / torch.linalg.vector_norm(x, dim=1)
    assert 0.5 <= ratio.min() < 0.55
    assert 1.8 < ratio.max() <= 2.001


@pytest.mark.parametrize(
    ("task", "shape"), [("paired", (99, 1)), ("pairwise", (7, 40, 1)), ("feature_maps", (9, 1, 1, 1))]
)
def test_single_numbers_have_the_cosines_plus_and_minus_one(task: str, shape: tuple[int, ...]) -> None:
    found = cosines(case(task, shape))
    assert set(found.round(decimals=9).tolist()) == {-1.0, 1.0}


@pytest.mark.parametrize(
    ("distribution", "mean"), [("gaussian", 0), ("positive", 2 / np.pi), ("offset", 0.9), ("digits", 0.7)]
)
def test_each_distribution_has_the_cosines_that_it_promises(distribution: str, mean: float) -> None:
    assert cosines(case(shape=(2000, 64), inputs=distribution)).mean().item() == pytest.approx(mean, abs=0.02)


def test_the_digits_are_pairs_of_different_images_in_grey_values_from_0_to_1_none_all_zero() -> None:
    x, y = make_inputs(case(shape=(1797, 64), inputs="digits"))
    assert len({row.tobytes() for row in x.numpy()}) == 1797
    assert torch.equal(y, x.roll(-1, 0))
    assert (x.min().item(), x.max().item()) == (0, 1)
    assert x.any(1).all()


def test_more_digits_than_images_start_again() -> None:
    x, _ = make_inputs(case("feature_maps", (1800, 1, 8, 8), inputs="digits"))
    assert torch.equal(x[1797:], x[:3])


@pytest.mark.parametrize(
    ("task", "shape"), [("paired", (9, 63)), ("feature_maps", (9, 64, 1, 1)), ("pairwise", (2, 3, 8))]
)
def test_digits_of_another_shape_are_refused(task: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"64 pixels.*not possible; use \(N, 64\).*\(N, 1, 8, 8\).*\(N, M, 64\)"):
        make_inputs(case(task, shape, inputs="digits"))


def test_unknown_inputs_are_answered_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"unknown inputs 'gausian'; did you mean 'gaussian'.*known: prescribed, "):
        make_inputs(case(inputs="gausian"))
