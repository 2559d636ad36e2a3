"""Do families of layouts, shapes, relations and gradients match their names?"""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from implementations.registry import DTYPES
from suites.failure import Failure
from suites.families.rows import ROWS, WIDTH
from tests.questions import angles, asked, cosine, each_dtype, wide


@each_dtype
def test_layouts_match_their_names(dtype: str) -> None:
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


def test_gradients_are_taken_at_all_norms_and_angles() -> None:
    x, y = (t[3:] for t in wide("gradients"))
    found = angles(x, y)
    assert (found.min().item(), math.pi - found.max().item()) == pytest.approx((1e-3, 1e-3), rel=1e-6)
    assert (x.norm(dim=1).min().item(), x.norm(dim=1).max().item()) == pytest.approx((1e-30, 1e30))
    assert y.norm(dim=1).log10().round().unique().numel() == 16
