"""Do all families keep their common promises, and give the same bytes on every call?"""

import math
import re

import numpy as np
import pytest
import torch
from markdown_it import MarkdownIt

from implementations.registry import DTYPES
from suites.families import FAMILIES, questions
from suites.families.__main__ import COLUMNS, main
from suites.families.rows import rounded
from suites.inputs import InputError
from suites.records import case
from tests.questions import asked, cosine, each_dtype

UNREPORTED = {
    *("prescribed", "negated", "near", "planar", "orthogonal", "ill_conditioned", "subnormals", "subnormals_flushed"),
    *("non_finite", "outlier_dimension", "positive", "size_one_and_empty", "layouts", "metamorphic"),
    *("batch_invariance", "place"),
}

IMPOSSIBLE = {
    ("eps_gap", "float16"): "become zeros",
    ("mixed_scale", "float16"): "become zeros",
    ("tf32_canary", "float16"): "no bits to drop",
    ("tf32_canary", "bfloat16"): "no bits to drop",
}

POSSIBLE = [(name, dtype) for name in case.FAMILY_NAMES for dtype in DTYPES if (name, dtype) not in IMPOSSIBLE]

each_possible = pytest.mark.parametrize(("name", "dtype"), POSSIBLE)


def bits(t: torch.Tensor) -> torch.Tensor:
    return t.contiguous().view(torch.uint8) if t.ndim else t


def test_all_are_there_in_the_reference_s_order_and_say_what_is_right() -> None:
    assert tuple(FAMILIES) == case.FAMILY_NAMES
    assert len(FAMILIES) == 32
    for name, family in FAMILIES.items():
        assert family.name == name
        assert re.fullmatch(r"\S.{10,160}\.", family.expected), name
        assert re.fullmatch(r"\S.{10,160}\.", family.made), name
        assert bool(re.fullmatch(r"[\w-]+/[\w-]+#\d+", family.issue)) == (name not in UNREPORTED), name
    assert [name for name, family in FAMILIES.items() if family.flushed] == ["subnormals_flushed"]
    assert [name for name, family in FAMILIES.items() if family.instead == ()] == ["non_finite"]


@pytest.mark.parametrize("name", case.FAMILY_NAMES)
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
    with pytest.raises(InputError, match=r"unknown family 'tie'; did you mean 'ties'\? known: ties, "):
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
            assert question.dim == -1
            if question.ask:  # a difference: 0 for angles too
                assert (question.slack, np.unique(question.truth)) == (2, [0])
            else:
                assert question.slack == 1
                assert question.truth is None or np.isnan(question.truth).all()  # so that angles fit too
            forms |= {(t.shape, t.stride(), t.dtype) for t in (question.x, question.y)}
    assert len(forms) <= 4


def halve_in_place(x: torch.Tensor, y: torch.Tensor, dim: int = -1, eps: float = 0) -> torch.Tensor:
    with torch.no_grad():
        x.div_(2), y.div_(2)
    return cosine(x, y, dim)


@pytest.mark.parametrize("name", ["eps_extremes", "metamorphic", "gradients", "split_k", "batch_invariance", "place"])
def test_each_question_has_fresh_inputs(name: str) -> None:
    for question in asked(name, "float32"):
        assert question.ask
        before = question.x.clone(), question.y.clone()
        first, second = question.ask(halve_in_place), question.ask(halve_in_place)
        torch.testing.assert_close(first, second, rtol=0, atol=0, equal_nan=True)
        assert torch.equal(question.x, before[0])
        assert torch.equal(question.y, before[1])


def test_the_table_has_a_line_for_each_family_and_no_cell_is_split(capsys: pytest.CaptureFixture[str]) -> None:
    main([])
    html = MarkdownIt("commonmark").enable("table").render(capsys.readouterr().out)
    rows = [re.findall(r"<t[hd]>(.*?)</t[hd]>", row) for row in re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL)]
    assert [len(row) for row in rows] == [len(COLUMNS)] * (1 + len(FAMILIES))
    told = {row[0]: row for row in rows}
    assert "<code>ill_conditioned</code>" in told
    assert "2 Σ|x_i y_i| / |Σ x_i y_i|" in told["<code>ill_conditioned</code>"][1]
    assert told["<code>self</code>"] == [
        "<code>self</code>",
        "Normal rows, with copies of themselves.",
        "Exactly 1: the rows are equal.",
        '<a href="https://github.com/pytorch/pytorch/issues/78064">pytorch/pytorch#78064</a>',
    ]
    assert [name for name, family in FAMILIES.items() if told[f"<code>{name}</code>"][3] == ""] == [
        name for name in FAMILIES if name in UNREPORTED
    ]
