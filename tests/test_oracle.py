"""Is the oracle right? It is compared with 200-bit arithmetic, and with laws of cosines and gradients."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from mpmath import mp  # type: ignore[import-untyped]  # comes with torch

from suites.inputs import make_inputs
from suites.records.case import Case
from suites.truth import oracle

ALLOWED = {"float64": 1e-18, "float32": 1e-15, "float16": 1e-15, "bfloat16": 1e-15}  # relative to ‖x‖‖y‖
DTYPES = [
    pytest.param(
        "float64",
        marks=pytest.mark.skipif(
            np.finfo(np.longdouble).nmant < 63, reason="long double is no wider than double on this machine"
        ),
    ),
    "float32",
    "float16",
    "bfloat16",
]
SHAPES = {"paired": (5, 150), "feature_maps": (4, 5, 3, 7), "pairwise": (3, 4, 150)}


def case(task: str, dtype: str, shape: tuple[int, ...] = (), **axes: str) -> Case:
    return Case(task=task, shape=shape or SHAPES[task], dtype=dtype, device="cpu", **axes)


def exact(case: Case, x: torch.Tensor, y: torch.Tensor) -> list[mp.mpf]:
    a, b = ([[mp.mpf(v) for v in row] for row in t.flatten(1).double().tolist()] for t in (x, y))
    pairs = [(p, q) for p in a for q in b] if case.task == "pairwise" else zip(a, b, strict=True)
    return [mp.fdot(p, q) / mp.sqrt(mp.fdot(p, p) * mp.fdot(q, q)) for p, q in pairs]


def distance(case: Case, x: torch.Tensor, y: torch.Tensor) -> float:
    """The oracle's largest error."""
    with mp.workprec(200):
        truth = oracle.cosines(case, x, y)
        assert truth.shape == case.output_shape
        return float(max(abs(mp.convert(t) - e) for t, e in zip(truth.flatten(), exact(case, x, y), strict=True)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("task", SHAPES)
@pytest.mark.parametrize("inputs", ["prescribed", "gaussian", "offset"])
def test_cosines_are_those_of_200_bits(task: str, dtype: str, inputs: str) -> None:
    wanted = case(task, dtype, inputs=inputs)
    assert distance(wanted, *make_inputs(wanted)) < ALLOWED[dtype]


@pytest.mark.parametrize("dtype", DTYPES[:2])
@pytest.mark.parametrize(("task", "shape"), [("paired", (1, 20_000)), ("pairwise", (1, 1, 20_000))])
def test_long_rows_cost_no_accuracy(task: str, shape: tuple[int, ...], dtype: str) -> None:
    wanted = case(task, dtype, shape, inputs="positive")
    assert distance(wanted, *make_inputs(wanted)) < ALLOWED[dtype]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("task", ["paired", "pairwise"])
def test_nearly_parallel_equal_and_opposite_rows_cost_no_accuracy(task: str, dtype: str) -> None:
    wanted = case(task, dtype, (3, 150) if task == "paired" else (3, 3, 150))
    x, _ = make_inputs(wanted)
    y = x.clone()
    y[0, 0], y[1, 0] = torch.nextafter(x[0, 0], x.new_tensor(torch.inf)), -x[1, 0]
    assert distance(wanted, x, y) < ALLOWED[dtype]


SCALES = {
    "float64": (1e200, 1e307, 1e-200, 2.0**-1070),
    "float32": (1e20, 1e37, 1e-30, 2.0**-140),
    "float16": (2.0**13, 2.0**-18),
    "bfloat16": (1e20, 1e37, 1e-30, 2.0**-130),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("task", ["paired", "pairwise"])
def test_huge_tiny_and_subnormal_numbers_cost_no_accuracy(task: str, dtype: str) -> None:
    wanted = case(task, dtype)
    x, y = make_inputs(wanted)
    for scale in SCALES[dtype]:
        assert distance(wanted, x * scale, y * scale) < ALLOWED[dtype], scale
        assert distance(wanted, x * scale, y) < ALLOWED[dtype], scale


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("task", ["paired", "pairwise"])
def test_a_row_of_zeros_has_no_cosine_and_the_others_have(task: str, dtype: str) -> None:
    wanted = case(task, dtype)
    x, y = make_inputs(wanted)
    x[2] = 0
    undefined = np.isnan(oracle.cosines(wanted, x, y))
    assert undefined[2].all()
    assert not np.delete(undefined, 2, axis=0).any()


def autograd(case: Case, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    leaves = [t.double().flatten(1).requires_grad_() for t in (x, y)]
    a, b = (t / t.norm(dim=1, keepdim=True) for t in leaves)
    dx, dy = torch.autograd.grad((a @ b.T if case.task == "pairwise" else (a * b).sum(1)).sum(), leaves)
    return dx, dy


@pytest.mark.parametrize("task", SHAPES)
def test_gradients_are_those_of_autograd(task: str) -> None:
    wanted = case(task, "float32")
    x, y = make_inputs(wanted)
    for got, expected in zip(gradients(wanted, x, y), autograd(wanted, x, y), strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-14)


def gradients(case: Case, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return oracle.gradients(case, x, y, oracle.cosines(case, x, y))


@pytest.mark.parametrize("scale", [2.0, 2.0**-30, 1e200, 1e-200], ids=str)
@pytest.mark.parametrize("task", ["paired", "pairwise"])
def test_a_gradient_is_across_its_row_and_shrinks_as_the_row_grows(task: str, scale: float) -> None:
    wanted = case(task, "float64")
    x, y = make_inputs(wanted)
    dx, dy = gradients(wanted, x, y)
    assert (dx * x).sum(1).abs().max() < 1e-13
    scaled_x, scaled_y = gradients(wanted, x * scale, y)
    torch.testing.assert_close(scaled_x * scale, dx)
    torch.testing.assert_close(scaled_y, dy)


numbers = st.floats(-(2.0**20), 2.0**20, width=32).map(lambda v: v if abs(v) > 2.0**-20 else 0.0)
matrices = st.tuples(st.integers(1, 4), st.integers(1, 20)).flatmap(
    lambda shape: st.tuples(*[arrays(np.float32, shape, elements=numbers)] * 2)
)


def of(task: str, dtype: str, x: np.ndarray, y: np.ndarray) -> oracle.Truth:
    shape = (*x.shape[:1], *y.shape) if task == "pairwise" else x.shape
    return oracle.cosines(case(task, dtype, shape), *(torch.from_numpy(a.astype(dtype)) for a in (x, y)))


@given(matrices, st.sampled_from(("float64", "float32")))
@settings(deadline=None, max_examples=50)
def test_cosine_is_symmetric_and_at_most_one(pair: tuple[np.ndarray, np.ndarray], dtype: str) -> None:
    x, y = pair
    np.testing.assert_array_equal(of("paired", dtype, x, y), of("paired", dtype, y, x))
    all_pairs = of("pairwise", dtype, x, y)
    np.testing.assert_allclose(all_pairs, of("pairwise", dtype, y, x).T, rtol=0, atol=2 * ALLOWED[dtype])
    assert not (np.abs(all_pairs) - 1 > ALLOWED[dtype]).any()


@given(matrices, st.integers(-60, 60), st.sampled_from(("paired", "pairwise")), st.sampled_from(("float64", "float32")))
@settings(deadline=None, max_examples=50)
def test_a_power_of_two_changes_nothing(pair: tuple[np.ndarray, np.ndarray], power: int, task: str, dtype: str) -> None:
    x, y = pair
    np.testing.assert_array_equal(of(task, dtype, x * np.float32(2.0**power), y), of(task, dtype, x, y))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_chunks_change_nothing(dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = case("paired", dtype, (50, 64))
    whole = oracle.cosines(wanted, *make_inputs(wanted))
    monkeypatch.setattr(oracle, "CHUNK", 7 * 64)
    np.testing.assert_array_equal(oracle.cosines(wanted, *make_inputs(wanted)), whole)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_chunks_of_a_corpus_change_nothing_but_the_order_of_sums(dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = case("pairwise", dtype, (3, 50, 64))
    whole = oracle.cosines(wanted, *make_inputs(wanted))
    monkeypatch.setattr(oracle, "CHUNK", 7 * 64)
    chunked = oracle.cosines(wanted, *make_inputs(wanted))
    assert (chunked.shape, chunked.dtype) == (whole.shape, whole.dtype)
    np.testing.assert_allclose(chunked, whole, rtol=0, atol=2 * ALLOWED[dtype])
