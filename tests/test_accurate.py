"""Do `accurate` and `angle` keep their promises on the hard inputs?"""

import ast
import inspect
import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from mpmath import mp  # type: ignore[import-untyped]  # comes with torch

import implementations
from suites.measure import memory
from suites.records.case import Case
from suites.trials import exactness
from suites.trials.kinds import KINDS
from suites.truth import oracle

U = 2.0**-24
INF, NAN = math.inf, math.nan
Similarity = Callable[..., torch.Tensor]
accurate, angle, acos_builtin = (implementations.get(name).fn for name in ("accurate", "angle", "acos_builtin"))
BOTH = pytest.mark.parametrize("fn", [accurate, angle])
DTYPES = [torch.float64, torch.float32, torch.float16, torch.bfloat16]


pytestmark = pytest.mark.usefixtures("one_thread")


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def normal(*shape: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=generator(seed), dtype=torch.float64).to(dtype)


def at_angle(theta: float, norm: float = 1.0, rows: int = 200, length: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    """float32 rows at about this angle; x has this norm."""
    x, away = normal(rows, length), normal(rows, length, seed=1)
    x /= x.norm(dim=1, keepdim=True)
    away -= (away * x).sum(1, keepdim=True) * x
    away /= away.norm(dim=1, keepdim=True)
    return (norm * x).float(), (math.cos(theta) * x + math.sin(theta) * away).float()


def exact(x: npt.NDArray[np.floating], y: npt.NDArray[np.floating]) -> mp.mpf:
    a, b = ([mp.mpf(float(value)) for value in row] for row in (x, y))
    return mp.fdot(a, b) / mp.sqrt(mp.fdot(a, a) * mp.fdot(b, b))


@pytest.mark.parametrize("kind", KINDS)
def test_half_an_ulp_and_every_promise_on_20_000_pairs_of_each_kind(kind: str) -> None:
    found = exactness.exactness(accurate, kind, number=0)
    assert found.pairs > 20_000
    assert found.ulp <= 0.501
    assert found.error_u <= 0.51
    kept = {"nans": 0, "above_one": 0, "self_not_one": 0, "asymmetric": 0, "scale_variant": 0}
    assert vars(found) | kept == vars(found)
    assert found.scaled > 0.2 * found.pairs


def test_these_kinds_are_more_than_100_000_pairs() -> None:
    assert exactness.PAIRS * len(KINDS) > 100_000


def pairs_of(dtype: type[np.floating]) -> st.SearchStrategy[list[npt.NDArray[np.floating]]]:
    numbers = st.floats(width=64 if dtype is np.float64 else 32, allow_nan=False, allow_infinity=False)
    return st.integers(1, 6).flatmap(lambda n: st.lists(arrays(dtype, n, elements=numbers), min_size=2, max_size=2))


@pytest.mark.parametrize(("dtype", "allowed"), [(np.float32, 0.501 * U), (np.float64, 8 * 2.0**-53)])
def test_any_two_rows_of_finite_numbers(dtype: type[np.floating], allowed: float) -> None:
    @settings(max_examples=150, deadline=None, derandomize=True)
    @given(pairs_of(dtype))
    def check(pair: list[npt.NDArray[np.floating]]) -> None:
        x, y = map(torch.from_numpy, pair)
        c = float(accurate(x, y))
        assert c == float(accurate(y, x))
        if not (x.any() and y.any()):
            assert c == 0
            return
        assert abs(c) <= 1
        assert float(accurate(x, x)) == float(-accurate(y, -y)) == 1
        with mp.workprec(4400):  # from 2^-1074 to 2^1024, squared
            assert abs(c - exact(*pair)) <= allowed

    check()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_16_bit_inputs_are_rounded_once_to_fp32_and_get_no_ties(dtype: torch.dtype) -> None:
    c = torch.linspace(0.55, 0.65, 1500, dtype=torch.float64)[:, None]
    x = normal(1500, 512)
    y = (c * x + (1 - c * c).sqrt() * normal(1500, 512, seed=1)).to(dtype)
    result = accurate(x.to(dtype), y)
    truth = oracle.true_answers("paired", x.to(dtype), y, dim=-1)
    assert result.dtype == torch.float32
    assert np.abs(result.double().numpy() - truth).max() <= 2e-7
    assert len(result.unique()) == len(np.unique(truth.astype(np.float32))) > 1490


@pytest.mark.parametrize(
    ("dtype", "scales"),
    [
        (torch.float64, (5e-324, 1e-320, 1e-200, 1e154, 1e308)),
        (torch.float32, (2.0**-149, 1e-40, 1e20, 3e38)),
        (torch.bfloat16, (1e-40, 1e20, 3e38)),
        (torch.float16, (2.0**-24, 1e-6, 6e4)),
    ],
)
def test_the_whole_range_of_a_dtype(dtype: torch.dtype, scales: tuple[float, ...]) -> None:
    signs = torch.tensor([[1, 1, -1, 1], [1, -1, 1, 1]], dtype=torch.float64)
    for x, y in ((scale * signs).to(dtype) for scale in scales for _ in "x"):
        assert float(accurate(x, x)) == 1
        assert float(accurate(x, -x)) == -1
        assert float(accurate(x, y)) == 0
        for other in scales:
            assert float(accurate(x, (other * signs[0]).to(dtype))) == 1
            assert float(angle(x, (other * signs[0]).to(dtype))) < 1e-7


@pytest.mark.parametrize("value", [1e300, 1e-300])
def test_float64_is_scale_invariant_bit_for_bit(value: float) -> None:
    x, y = normal(500, 33), normal(500, 33, seed=1)
    power = 2.0 ** round(math.log2(value))
    assert torch.equal(accurate(power * x, y / 2), accurate(x, y))
    assert (accurate(x, x.clone()) == 1).all()


@pytest.mark.parametrize("length", [2**16 + 1, 2**21])
def test_long_rows(length: int) -> None:
    constant = torch.full((1, length), 0.1)
    assert float(accurate(constant, 3 * constant)) == 1
    x = normal(1, length).float()
    y = x + 0.3 * normal(1, length, seed=1).float()
    truth = oracle.true_answers("paired", x, y, dim=-1)
    assert abs(float(accurate(x, y)) - truth[0]) <= 0.501 * U


@pytest.mark.parametrize(("fn", "copies"), [(accurate, 3), (angle, 6)])
def test_rows_of_2_24_pairs_fit_in_2_gib(fn: Similarity, copies: int) -> None:
    x = torch.ones(1, 2**16)
    used = memory.measure(lambda: fn(x, x), "cpu")
    assert used is not None
    assert used.peak_bytes is not None
    assert used.peak_bytes <= (copies + 0.1) * 8 * 2**16 <= 2**31 / 2**8


# Gradients


@pytest.mark.parametrize("norm", [1e-30, 1.0, 1e30])
@pytest.mark.parametrize("theta", [1e-3, 0.03, 1.0, 3.0, math.pi - 1e-3])
def test_gradients_are_right_in_8_u(theta: float, norm: float) -> None:
    x, y = (t.requires_grad_() for t in at_angle(theta, norm))
    case = Case(task="paired", shape=tuple(x.shape), dtype="float32", device="cpu")
    true = oracle.gradients(case, x, y, oracle.true_answers("paired", x, y, dim=-1))
    sine = torch.from_numpy(np.sin(oracle.angles(x, y)))[:, None]
    for fn, scale in ((accurate, torch.ones_like(sine)), (angle, -1 / sine)):
        found = torch.autograd.grad(fn(x, y).sum(), (x, y))
        for got, wanted in zip(found, (scale * t for t in true), strict=True):
            off = (got.double() - wanted).norm(dim=1) / wanted.norm(dim=1)
            assert float(off.max()) <= 8 * U


@BOTH
def test_gradients_of_float64_match_differences(fn: Similarity) -> None:
    x, y = (t.requires_grad_() for t in (normal(3, 4), normal(3, 4, seed=1)))
    assert torch.autograd.gradcheck(fn, (x, y))
    assert torch.autograd.gradcheck(lambda x, y: fn(x, y, 0), (x, y))


def test_a_rounding_above_1_does_not_stop_the_gradient() -> None:
    """At an angle of 1e-9 the cosine is 1 in float64, and the gradient is 1e-9: clamping could make it 0."""
    x, away = normal(1000, 8), normal(1000, 8, seed=1)
    away -= (away * x).sum(1, keepdim=True) / x.square().sum(1, keepdim=True) * x
    y = x + 1e-9 * away
    x.requires_grad_()
    (gradient,) = torch.autograd.grad(accurate(x, y).sum(), x)
    wanted = 1e-9 * away / x.detach().square().sum(1, keepdim=True)
    assert float(((gradient - wanted).norm(dim=1) / wanted.norm(dim=1)).max()) < 1e-4


@BOTH
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16])
def test_zero_rows_follow_a_rule_and_have_no_gradient(fn: Similarity, dtype: torch.dtype) -> None:
    x = torch.tensor([[0, 0, 0], [1, 2, 3], [0, 0, 0], [1, 2, 3]], dtype=dtype, requires_grad=True)
    y = torch.tensor([[1, 2, 4], [0, 0, 0], [0, 0, 0], [1, 2, 4]], dtype=dtype, requires_grad=True)
    result = fn(x, y)
    rule = {accurate: 0.0, angle: math.pi / 2}[fn]
    assert result[:3].tolist() == pytest.approx([rule] * 3, rel=1e-7, abs=0)
    for gradient in torch.autograd.grad(result.sum(), (x, y)):
        assert (gradient[:3] == 0).all()
        assert gradient[3].isfinite().all()
        assert (gradient[3] != 0).any()


@BOTH
def test_gradients_of_parallel_rows_are_finite(fn: Similarity) -> None:
    x = normal(100, 16, dtype=torch.float32).requires_grad_()
    for y in (x.detach().clone(), -x.detach(), 3 * x.detach(), -0.1 * x.detach()):
        (gradient,) = torch.autograd.grad(fn(x, y).sum(), x)
        assert gradient.isfinite().all()
        if fn is accurate:
            assert float(gradient.abs().max()) < U


# Accepted inputs


@BOTH
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("partner", [[1.0, 2.0], [0.0, 0.0], [INF, 1.0], [-INF, NAN]], ids=str)
@pytest.mark.parametrize("row", [[NAN, 1.0], [INF, 1.0], [-INF, INF], [NAN, 0.0]], ids=str)
def test_nan_and_infinity_give_nan(fn: Similarity, row: list[float], partner: list[float], dtype: torch.dtype) -> None:
    x, y = torch.tensor([row, [1.0, 1.0]], dtype=dtype), torch.tensor([partner, [2.0, 3.0]], dtype=dtype)
    for a, b in ((x, y), (y, x)):
        assert fn(a, b).isnan().tolist() == [True, False]


@BOTH
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize(
    ("x_shape", "y_shape", "dim"),
    [
        ((2, 3), (1, 1), -1),
        ((2, 1), (2, 3), 1),
        ((5, 1, 4), (1, 3, 4), -1),
        ((4,), (5, 4), -1),
        ((5, 4), (4,), 1),
        ((2, 4, 5), (4, 5), (0, 2)),
        ((2, 3, 4, 5), (2, 3, 4, 5), (1, 2, 3)),
        ((2, 3, 4), (2, 3, 4), (-3, 1)),
        ((3, 1), (3, 1), -1),
        ((), (), -1),
    ],
    ids=str,
)
def test_they_broadcast_over_any_dims(
    fn: Similarity,
    x_shape: tuple[int, ...],
    y_shape: tuple[int, ...],
    dim: int | tuple[int, ...],
    dtype: torch.dtype,
) -> None:
    x, y = normal(*x_shape, dtype=dtype), normal(*y_shape, dtype=dtype, seed=1)
    a, b = torch.broadcast_tensors(x.double(), y.double())
    cosine = ((a * b).sum(dim) / ((a * a).sum(dim) * (b * b).sum(dim)).sqrt()).clamp(-1, 1)
    expected = cosine if fn is accurate else cosine.acos()
    result = fn(x, y, dim)
    assert (result.shape, result.dtype) == (expected.shape, dtype)
    assert torch.allclose(result.double(), expected, rtol=0, atol=2e-7)


def test_all_pairs_by_broadcasting_keep_no_copies_of_the_operands() -> None:
    x, y = torch.ones(16, 1, 64), torch.ones(1, 16, 64)
    used = memory.measure(lambda: accurate(x, y), "cpu")
    assert used is not None
    assert used.peak_bytes is not None
    assert used.peak_bytes <= 1.5 * 8 * 16 * 16 * 64


@BOTH
def test_empty_inputs(fn: Similarity) -> None:
    rule = {accurate: 0.0, angle: math.pi / 2}[fn]
    for dtype in DTYPES:
        assert fn(torch.ones(3, 0, dtype=dtype), torch.ones(3, 0, dtype=dtype)).tolist() == pytest.approx([rule] * 3)
        assert fn(torch.ones(0, 3, dtype=dtype), torch.ones(0, 3, dtype=dtype)).shape == (0,)


@BOTH
@pytest.mark.parametrize(
    ("x", "y", "out"),
    [
        (torch.int64, torch.int64, torch.float32),
        (torch.int8, torch.float64, torch.float64),
        (torch.bool, torch.bfloat16, torch.float32),
        (torch.float16, torch.bfloat16, torch.float32),
        (torch.float16, torch.float64, torch.float64),
        (torch.uint8, torch.float32, torch.float32),
    ],
    ids=str,
)
def test_dtypes_mix(fn: Similarity, x: torch.dtype, y: torch.dtype, out: torch.dtype) -> None:
    result = fn(torch.tensor([[100, 0, 200]]).to(x), torch.tensor([[1, 1, 1]]).to(y))
    row = torch.tensor([100, 0, 200]).to(x).double()
    cosine = float(row.sum() / row.norm() / 3**0.5)
    assert result.dtype == out
    assert result.item() == pytest.approx(cosine if fn is accurate else math.acos(cosine), abs=1e-7)


@BOTH
def test_complex_numbers_are_refused(fn: Similarity) -> None:
    with pytest.raises(TypeError, match=r"takes real numbers, not torch\.complex64 and torch\.float32; pass real and"):
        fn(torch.ones(1, 2, dtype=torch.complex64), torch.ones(1, 2))


@BOTH
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_the_layout_changes_no_bit(fn: Similarity, dtype: torch.dtype) -> None:
    x, y = normal(4, 33, 7, 5, dtype=dtype), normal(4, 33, 7, 5, dtype=dtype, seed=1)
    layouts = [
        lambda t: t.contiguous(memory_format=torch.channels_last),
        lambda t: t.permute(3, 1, 0, 2).contiguous().permute(2, 1, 3, 0),
        lambda t: t.repeat_interleave(2, dim=3)[..., ::2],
    ]
    for dim in (1, (1, 2, 3)):
        expected = fn(x, y, dim)
        for layout in layouts:
            assert torch.equal(fn(layout(x), y, dim), expected)
            assert torch.equal(fn(y, layout(x), dim), fn(y, x, dim))
            assert torch.equal(fn(y, x, dim), expected)


@pytest.mark.parametrize("fn", [accurate, angle, acos_builtin])
def test_it_can_be_copied_and_needs_torch_alone(fn: Similarity) -> None:
    module = ast.parse(inspect.getsource(inspect.getmodule(fn)))  # type: ignore[arg-type]
    module.body = [line for line in module.body if "implementations" not in ast.unparse(line).partition("\n")[0]]
    for definition in module.body:
        if isinstance(definition, ast.FunctionDef):
            definition.decorator_list = []
    copied: dict[str, Similarity] = {}
    exec(compile(module, fn.__name__, "exec"), copied)
    x, y = normal(3, 5), normal(3, 5, seed=1)
    assert torch.equal(copied[fn.__name__](x, y), fn(x, y))


# Angles


@pytest.mark.parametrize("norm", [1e-30, 1.0, 1e30])
@pytest.mark.parametrize("theta", [1e-6, 1e-5, 1e-4, 3e-4, 1e-3, 1.0, math.pi / 2, 3.0, math.pi - 1e-5])
def test_an_angle_is_right_in_1e_6_of_itself(theta: float, norm: float) -> None:
    x, y = at_angle(theta, norm, length=256)
    with mp.workprec(200):
        a, b = (t.double().numpy() for t in (x, y))
        truth = np.array([float(mp.acos(exact(*pair))) for pair in zip(a[:5], b[:5], strict=True)])
    assert truth == pytest.approx([theta] * 5, rel=0.01)
    assert angle(x, y)[:5].double().numpy() == pytest.approx(truth, rel=1e-6, abs=0)
    assert angle(x, y).double().numpy() == pytest.approx(oracle.angles(x, y), rel=1e-6, abs=0)


@pytest.mark.parametrize("theta", [1e-6, 1e-5, 1e-4, 3e-4])
def test_an_arc_cosine_is_less_accurate(theta: float) -> None:
    x, y = at_angle(theta, length=256)
    off = np.abs(acos_builtin(x, y).double().numpy() / oracle.angles(x, y) - 1)
    assert np.nan_to_num(off, nan=INF).max() > 0.6


def test_an_angle_is_symmetric_and_0_with_itself() -> None:
    x, y = normal(500, 33, dtype=torch.float32), normal(500, 33, dtype=torch.float32, seed=1)
    assert (angle(x, x) == 0).all()
    assert torch.equal(angle(x, y), angle(y, x))
    assert torch.equal(angle(x * 2.0**60, y * 2.0**-70), angle(x, y))
    assert angle(x, -x).double().numpy() == pytest.approx([math.pi] * 500)


def test_the_baseline_of_angles_takes_any_dims() -> None:
    x, y = normal(2, 3, 4, dtype=torch.float32), normal(2, 3, 4, dtype=torch.float32, seed=1)
    assert torch.allclose(acos_builtin(x, y, (0, 2)), angle(x, y, (0, 2)), atol=1e-5)
    assert implementations.get("acos_builtin").baseline
