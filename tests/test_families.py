"""Do the inputs that hurt hold what their names say, and the same bytes on every call?"""

import functools
import math
import re
from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from implementations.registry import DTYPES
from suites import case
from suites.families import FAMILIES, questions
from suites.families.arithmetic import mode_used
from suites.families.rows import ROWS, WIDTH, rounded
from suites.inputs import InputError
from suites.measure.failure import Failure

UNREPORTED = {
    *("prescribed", "negated", "near", "planar", "orthogonal", "ill_conditioned", "subnormals", "subnormals_flushed"),
    *("non_finite", "outlier_dimension", "positive", "size_one_and_empty", "layouts", "metamorphic"),
}
IMPOSSIBLE = {
    ("eps_gap", "float16"): "become zeros",
    ("mixed_scale", "float16"): "become zeros",
    ("tf32_canary", "float16"): "no bits to drop",
    ("tf32_canary", "bfloat16"): "no bits to drop",
}
POSSIBLE = [(name, dtype) for name in case.FAMILIES for dtype in DTYPES if (name, dtype) not in IMPOSSIBLE]
each_possible = pytest.mark.parametrize(("name", "dtype"), POSSIBLE)
each_dtype = pytest.mark.parametrize("dtype", DTYPES)

asked = functools.cache(questions)  # not changed by any test


def cosine(x: torch.Tensor, y: torch.Tensor, dim: int | tuple[int, ...] = -1, eps: float = 0) -> torch.Tensor:
    """Right in float64, at ordinary magnitudes."""
    x, y = torch.broadcast_tensors(x.double(), y.double())
    norms = (t.square().sum(dim).sqrt().clamp(min=eps) for t in (x, y))
    return (x * y).sum(dim) / next(norms) / next(norms)


def wide(name: str, dtype: str = "float64", number: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    found = asked(name, dtype)[number]
    return found.x.double(), found.y.double()


def bits(t: torch.Tensor) -> torch.Tensor:
    return t.contiguous().view(torch.uint8) if t.ndim else t


# What they have in common


def test_all_thirty_are_there_in_the_reference_s_order_and_say_what_is_right() -> None:
    assert tuple(FAMILIES) == case.FAMILIES
    assert len(FAMILIES) == 30
    for name, family in FAMILIES.items():
        assert family.name == name
        assert re.fullmatch(r"\S.{10,160}\.", family.expected), name
        assert bool(re.fullmatch(r"[\w-]+/[\w-]+#\d+", family.issue)) == (name not in UNREPORTED), name
    assert [name for name, family in FAMILIES.items() if family.flushed] == ["subnormals_flushed"]
    assert [name for name, family in FAMILIES.items() if family.instead == ()] == ["non_finite"]


@pytest.mark.parametrize("name", case.FAMILIES)
def test_the_same_bytes_on_every_call_whatever_the_global_random_numbers(name: str) -> None:
    torch.manual_seed(len(name))
    state = torch.get_rng_state()
    first, second = asked(name, "float32"), questions(name, "float32")
    assert torch.equal(torch.get_rng_state(), state)
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        assert torch.equal(bits(one.x), bits(other.x))
        assert torch.equal(bits(one.y), bits(other.y))
        assert one.x.stride() == other.x.stride()
        np.testing.assert_array_equal(one.truth, other.truth)


@each_possible
def test_numbers_are_finite_and_no_row_is_zero_by_accident(name: str, dtype: str) -> None:
    for question in asked(name, dtype):
        assert getattr(torch, dtype) in (question.x.dtype, question.y.dtype)
        for t in (question.x, question.y):
            assert t.device.type == "cpu"
            assert not t.requires_grad
            assert name == "non_finite" or t.isfinite().all()
            assert name in ("zeros", "gradients", "size_one_and_empty") or (t != 0).any(-1).all()


@pytest.mark.parametrize(("name", "dtype"), IMPOSSIBLE)
def test_a_family_that_cannot_exist_says_why(name: str, dtype: str) -> None:
    with pytest.raises(InputError, match=rf"'{name}' cannot exist in {dtype}: .*{IMPOSSIBLE[name, dtype]}.*leave"):
        questions(name, dtype)


def test_what_rounding_destroys_is_refused_with_the_value_and_the_limit() -> None:
    with pytest.raises(InputError, match=r"holds -7e\+04, and the largest number is 6\.55e\+04"):
        rounded(torch.float16, torch.tensor([[1.0, -7e4]]).double())
    with pytest.raises(InputError, match=r"rows of 1e-08 at most become zeros, since the least number is 5\.96e-08"):
        rounded(torch.float16, torch.tensor([[1.0, 1.0], [0.0, 1e-8]]).double())
    kept = rounded(torch.float16, torch.tensor([[math.inf, math.nan], [0.0, 0.0], [1.0, 1e-9]]).double())
    assert kept[0].isfinite().logical_not().all()
    assert kept[2].tolist() == [1, 0]


def test_what_is_misspelt_is_named_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"unknown family 'tie'; did you mean 'ties'\? known: prescribed, self"):
        questions("tie", "float32")
    with pytest.raises(InputError, match=r"unknown dtype 'float'.* known: float64, float32"):
        questions("ties", "float")


@pytest.mark.parametrize(
    "name",
    ["prescribed", "self", "negated", "near", "planar", "orthogonal", "zeros", "outlier_dimension", "positive", "ties"],
)
@pytest.mark.parametrize("dtype", DTYPES[1:])
def test_all_dtypes_get_the_same_numbers_rounded_once(name: str, dtype: str) -> None:
    for exact, low in zip(asked(name, "float64"), asked(name, dtype), strict=True):
        assert torch.equal(low.x, exact.x.to(low.x.dtype))
        assert torch.equal(low.y, exact.y.to(low.y.dtype))


@each_dtype
def test_rows_are_pairs_of_matrices_of_few_forms(dtype: str) -> None:
    forms = set()
    for name, family in FAMILIES.items():
        for question in asked(name, dtype) if family.rows and (name, dtype) not in IMPOSSIBLE else ():
            assert question.x.shape == question.y.shape
            assert question.x.ndim == 2
            assert (question.dim, question.ask, question.slack) == (-1, None, 1)
            assert question.truth is None or np.isnan(question.truth).all()  # angles are asked too
            forms |= {(t.shape, t.stride(), t.dtype) for t in (question.x, question.y)}
    assert len(forms) <= 4


def halve_in_place(x: torch.Tensor, y: torch.Tensor, dim: int = -1, eps: float = 0) -> torch.Tensor:
    with torch.no_grad():
        x.div_(2), y.div_(2)
    return cosine(x, y, dim)


@pytest.mark.parametrize("name", ["eps_extremes", "metamorphic", "gradients"])
def test_each_ask_is_with_fresh_inputs(name: str) -> None:
    for question in asked(name, "float32"):
        assert question.ask
        before = question.x.clone(), question.y.clone()
        first, second = question.ask(halve_in_place), question.ask(halve_in_place)
        torch.testing.assert_close(first, second, rtol=0, atol=0, equal_nan=True)
        assert torch.equal(question.x, before[0])
        assert torch.equal(question.y, before[1])


# Angles


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


def angles(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    x, y = x / x.norm(dim=1, keepdim=True), y / y.norm(dim=1, keepdim=True)
    return 2 * torch.atan2((x - y).norm(dim=1), (x + y).norm(dim=1))


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


# Sums


@pytest.mark.parametrize(("dtype", "most"), [("float64", 16), ("float32", 16), ("bfloat16", 16), ("float16", 9)])
def test_dot_products_are_as_ill_conditioned_as_they_claim(dtype: str, most: int) -> None:
    x, y = wide("ill_conditioned", dtype)
    for row, wanted in ((0, 2), (ROWS // 2, (2 + most) / 2), (ROWS - 1, most)):
        products = [Fraction(a) * Fraction(b) for a, b in zip(x[row].tolist(), y[row].tolist(), strict=True)]
        condition = 2 * sum(map(abs, products)) / abs(sum(products))
        assert wanted - 0.5 < math.log10(condition) < wanted + 4
    assert (x.square().sum(1) < torch.finfo(getattr(torch, dtype)).max).all()


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


def test_split_sums_cancel_and_spoil_what_is_rounded_between() -> None:
    x, y = wide("split_k", "bfloat16")
    halves = (x * y).reshape(8, 2, -1).sum(2)
    dot = halves.sum(1)
    assert (dot / halves[:, 0]).abs().max() < 0.15
    spoilt = halves.bfloat16().double().sum(1)
    assert ((spoilt - dot) / dot).abs().max() > 0.05


def test_ties_are_1536_cosines_of_which_16_bits_leave_few() -> None:
    for dtype in DTYPES:
        found = torch.cat([cosine(*wide("ties", dtype, number)) for number in range(6)])
        assert found.unique().numel() == 6 * ROWS == 1536
        assert found.min() == pytest.approx(0.55, abs=3e-4)
        assert found.max() == pytest.approx(0.65, abs=3e-4)
        assert found.bfloat16().unique().numel() < 30


# Magnitudes


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
    assert torch.equal(powers, powers[:16].repeat(16))  # each scale at angles of all sizes


def test_small_norms_are_those_that_an_eps_bites() -> None:
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
        with pytest.raises(RuntimeError, match="flushed to zero already; make the questions"):
            questions("subnormals_flushed", dtype)
    finally:
        torch.set_flush_denormal(False)


@each_dtype
def test_each_row_that_is_not_finite_has_no_cosine_and_the_others_have(dtype: str) -> None:
    found = asked("non_finite", dtype)[0]
    broken = ~(found.x.isfinite().all(1) & found.y.isfinite().all(1))
    assert broken.nonzero().flatten().tolist() == list(range(9))
    assert torch.equal(cosine(found.x, found.y).isnan(), broken)


# Forms


@each_dtype
def test_layouts_are_what_they_are_called(dtype: str) -> None:
    transposed, strided, expanded, misaligned, overlapping, short, odd = (q.x for q in asked("layouts", dtype)[:-2])
    assert transposed.stride() == (1, ROWS)
    assert strided.stride() == (2 * WIDTH, 2)
    assert expanded.stride() == (0, 1)
    assert misaligned.is_contiguous()
    assert misaligned.data_ptr() % 16 == misaligned.element_size()
    assert overlapping.stride() == (1, 1)
    assert [t.shape for t in (transposed, strided, expanded, misaligned, overlapping)] == [(ROWS, WIDTH)] * 5
    assert (short.shape[1], odd.shape[1]) == (31, 1025)
    for question in asked("layouts", dtype)[-2:]:
        assert question.x.is_contiguous(memory_format=torch.channels_last)
        assert question.y.is_contiguous(memory_format=torch.channels_last)
        assert not question.x.is_contiguous()
    assert [q.dim for q in asked("layouts", dtype)] == [-1] * 7 + [1, (1, 2, 3)]
    assert all(0.4 < cosine(q.x, q.y, q.dim).mean() < 0.9 for q in asked("layouts", dtype))


def test_aliases_share_memory() -> None:
    for dtype in DTYPES:
        same, later = asked("aliasing", dtype)
        assert same.x.data_ptr() == same.y.data_ptr()
        assert later.y.data_ptr() - later.x.data_ptr() == WIDTH * later.x.element_size()
        assert torch.equal(later.x[1:], later.y[:-1])
        assert 0.6 < cosine(later.x, later.y)[0] < 0.8 < cosine(later.x, later.y)[-1]


def test_shapes_that_broadcast_are_answered_by_torch_s_builtin() -> None:
    found = [F.cosine_similarity(q.x, q.y, dim=q.dim) for q in asked("broadcast", "float64")]  # type: ignore[arg-type]
    assert [tuple(t.shape) for t in found] == [(2,), (3, 4), (5,), (5,), ()]
    torch.testing.assert_close(found[0], torch.ones(2).double())
    for answer, q in zip(found, asked("broadcast", "float64"), strict=True):
        torch.testing.assert_close(answer, cosine(q.x, q.y, q.dim))


@each_dtype
def test_sizes_one_and_none_have_their_truth(dtype: str) -> None:
    ones, no_rows, nothing = asked("size_one_and_empty", dtype)
    np.testing.assert_allclose(cosine(ones.x, ones.y).numpy(), ones.truth)
    assert no_rows.truth is not None
    assert cosine(no_rows.x, no_rows.y).shape == no_rows.truth.shape == (0,)
    assert nothing.truth is not None
    assert cosine(nothing.x, nothing.y).isnan().all()
    assert np.isnan(nothing.truth).all()


@each_dtype
def test_mixed_dtypes_are_two_floats_and_a_float_with_integers(dtype: str) -> None:
    floats, integers = asked("mixed_dtypes", dtype)
    assert floats.y.dtype == (torch.float64 if dtype == "float32" else torch.float32)
    assert integers.y.dtype == torch.int8
    assert all(cosine(q.x, q.y).min() > 0.3 for q in (floats, integers))


@each_dtype
def test_an_extreme_eps_counts_as_documented(dtype: str) -> None:
    found = asked("eps_extremes", dtype)
    for q, truth in zip(found, (cosine(found[0].x, found[0].y), *(q.truth for q in found[1:])), strict=True):
        assert q.ask
        np.testing.assert_allclose(q.ask(cosine), truth, rtol=0, atol=1e-15)
    for q in found[1:]:
        assert q.ask
        ignored = q.ask(lambda x, y, dim, eps: cosine(x, y, dim)).numpy()
        assert np.abs(ignored - q.truth).min() > 0.1


# Relations


BREAKS: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "swapped": lambda x, y: (x * y).sum(1) / x.square().sum(1),
    "permuted": lambda x, y: cosine(x * torch.arange(x.shape[1]), y),
    "sign-flipped": lambda x, y: cosine(x + 1, y + 1),
    "rotated": lambda x, y: (x * y).sum(1) / x.abs().sum(1),
    "duplicated": lambda x, y: cosine(x, y) / x.shape[1],
    "scaled": lambda x, y: (x * y).sum(1) / (x.norm(dim=1) * y.norm(dim=1) + 1),
    "padded": lambda x, y: cosine(x - x.mean(1, keepdim=True) - 1, y - 1),
}


@each_dtype
def test_relations_hold_for_an_exact_cosine_and_no_relation_for_one_that_breaks_it(dtype: str) -> None:
    found = asked("metamorphic", dtype)
    for question, (relation, broken) in zip(found, BREAKS.items(), strict=True):
        assert question.ask
        assert question.ask(cosine).abs().max() < 2e-15
        assert question.slack == 2
        differences = question.ask(lambda x, y, broken=broken: broken(x.double(), y.double()))  # type: ignore[misc]
        assert differences.abs().median() > 1e-5, relation


@each_dtype
def test_a_right_gradient_is_found_right_and_a_wrong_one_wrong(dtype: str) -> None:
    (question,) = asked("gradients", dtype)
    assert question.ask
    assert question.truth is not None
    unit = torch.finfo(getattr(torch, dtype)).eps
    errors = question.ask(cosine)
    defined = ~np.isnan(question.truth)
    assert errors.shape == question.truth.shape == (2 * ROWS,)
    assert defined.sum() == 2 * (ROWS - 3)
    assert errors[defined].max() < (8 if dtype == "float64" else 1) * unit
    assert question.ask(lambda x, y: cosine(x, y).clamp(-0.5, 0.5))[defined].max() > 0.1
    assert question.ask(lambda x, y: cosine(x, y.detach()) + 0 * y.double().sum(1))[defined].max() > 0.9
    assert not question.x.requires_grad
    with pytest.raises(Failure, match="its result carries no gradient"):
        question.ask(lambda x, y: cosine(x.detach(), y.detach()))


def test_gradients_are_asked_at_all_norms_and_angles() -> None:
    x, y = (t[3:] for t in wide("gradients"))
    found = angles(x, y)
    assert (found.min().item(), math.pi - found.max().item()) == pytest.approx((1e-3, 1e-3), rel=1e-6)
    assert (x.norm(dim=1).min().item(), x.norm(dim=1).max().item()) == pytest.approx((1e-30, 1e30))
    assert y.norm(dim=1).log10().round().unique().numel() == 16


# The canary


def kept(t: torch.Tensor, significant: int, rounding: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
    mantissa, exponent = torch.frexp(t)
    return torch.ldexp(rounding(mantissa * 2**significant), exponent - significant)


@pytest.mark.parametrize("rounding", [torch.round, torch.trunc])
@pytest.mark.parametrize("normalise_first", [True, False])
@pytest.mark.parametrize(
    ("significant", "mode"), [(24, "float32"), (11, "TF32"), (8, "bf16"), (4, "coarser than bf16")]
)
def test_the_arithmetic_of_a_matrix_product_is_told_from_its_answers(
    significant: int, mode: str, normalise_first: bool, rounding: Callable[[torch.Tensor], torch.Tensor]
) -> None:
    def similarity(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        norms = [t.norm(dim=1, keepdim=True) for t in (x, y)]
        if normalise_first:
            x, y = x / norms[0], y / norms[1]
        product = kept(x, significant, rounding) @ kept(y, significant, rounding).T
        return product if normalise_first else product / norms[0] / norms[1].T

    assert mode_used(similarity) == mode


@pytest.fixture
def bf16_allowed() -> Iterator[None]:
    matmul = torch.backends.mkldnn.matmul
    before = matmul.fp32_precision
    matmul.fp32_precision = "bf16"
    yield
    matmul.fp32_precision = before


def normalised(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return F.normalize(x) @ F.normalize(y).T


def test_real_matrix_products_are_told_too() -> None:
    assert mode_used(normalised) == "float32"
    assert mode_used(lambda x, y: normalised(x.bfloat16(), y.bfloat16())) == "bf16"
    assert mode_used(lambda x, y: normalised(x.half(), y.half())) == "TF32"
    assert mode_used(lambda x, y: normalised(x.double(), y.double())) == "float32"


@pytest.mark.usefixtures("bf16_allowed")
def test_whether_the_processor_took_the_leave_to_round_is_told() -> None:
    x, y = torch.randn(2, ROWS, WIDTH, generator=torch.Generator().manual_seed(0))
    off = (x @ y.T - (x.double() @ y.double().T)).abs().max()  # what this processor makes of it
    assert mode_used(normalised) == ("bf16" if off > 1e-2 else "float32")


def test_the_canary_sings_as_stated_and_falls_silent_in_tf32() -> None:
    for dtype in ("float64", "float32"):
        x, y = wide("tf32_canary", dtype)
        torch.testing.assert_close(cosine(x, y), torch.full((ROWS,), 2.0**-14).double(), rtol=1e-6, atol=0)
        torch.testing.assert_close(x.norm(dim=1), torch.full((ROWS,), 32.0).double(), rtol=1e-8, atol=0)
        assert (kept(x, 11, torch.round) * y).sum(1).count_nonzero() == 0
