"""Do the smallest visible angle and the number of answers near 1 match the arithmetic?"""

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from implementations import registry
from reports.sections import resolution
from suites.errors.resolution import resolution_of
from suites.records.finding import Resolution
from suites.records.record import Status
from tests.questions import made_up

pytestmark = pytest.mark.usefixtures("one_thread")


def theory(dtype: str) -> tuple[float, int]:
    best = resolution.theory(dtype)
    assert best
    return best.smallest_angle, best.distinct


def seen(fn: Callable[..., object], dtype: str = "float32", **fields: object) -> tuple[float, int]:
    found = resolution_of(made_up(fn, **fields), dtype, "cpu")
    assert found.status is Status.OK, found.reason
    assert found.smallest_angle is not None
    assert found.distinct is not None
    return found.smallest_angle, found.distinct


def exact(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> torch.Tensor:
    """The cosine in float64; exactly 1 for equal rows."""
    x, y = x.double(), y.double()
    return (x * y).sum(-1) / ((x * x).sum(-1) * (y * y).sum(-1)).sqrt()


def rounded(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> torch.Tensor:
    return exact(x, y).to(x.dtype)


def shipped(name: str, dtype: str) -> Resolution:
    return resolution_of(registry.get(name), dtype, "cpu")


@pytest.mark.parametrize(
    ("dtype", "degrees", "distinct"), [("float32", 0.014, 1.7e6), ("float16", 1.27, 205), ("bfloat16", 3.58, 26)]
)
def test_theory_follows_from_the_number_of_bits(dtype: str, degrees: float, distinct: float) -> None:
    angle, count = theory(dtype)
    assert math.degrees(angle) == pytest.approx(degrees, rel=0.01)
    assert count == pytest.approx(distinct, rel=0.02)
    if dtype != "float32":
        near = torch.linspace(0.9, 1, 1 << 12).to(getattr(torch, dtype)).double()
        assert count == near[near >= 0.9].unique().numel()


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
def test_an_exact_cosine_rounded_once_sees_what_theory_says(dtype: str) -> None:
    angle, distinct = theory(dtype)
    seen_angle, seen_distinct = seen(rounded, dtype)
    # The grid has eighths of an octave. float64 has no wider dtype for an exact answer.
    assert 0.9 * angle <= seen_angle <= (4 if dtype == "float64" else 1.2) * angle
    if dtype in ("float16", "bfloat16"):
        assert distinct <= seen_distinct <= distinct + 1  # rows are rounded too, so 0.9 may shrink a little
    else:
        assert seen_distinct > 16_000


@given(bits=st.integers(6, 22))
@settings(max_examples=4, deadline=None, derandomize=True)
def test_answers_in_steps_are_as_coarse_as_their_steps(bits: int) -> None:
    steps = 2**bits
    angle, distinct = seen(lambda x, y, dim: ((exact(x, y) * steps).round() / steps).float())
    assert angle == pytest.approx(2 ** (-bits / 2), rel=0.2)
    if bits <= 13:
        assert distinct == pytest.approx(steps - math.ceil(0.9 * steps) + 1, abs=1)


def test_noise_on_parallel_rows_is_not_resolution() -> None:
    noise = torch.Generator().manual_seed(0)

    def shaky(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> torch.Tensor:
        return (exact(x, y) + 1e-3 * (torch.rand(len(x), generator=noise) - 0.5)).float()

    assert seen(shaky)[0] == pytest.approx(math.sqrt(1e-3), rel=0.2)  # 1 - θ²/2 below 1 - 1e-3 / 2, half of the time
    assert seen(shaky)[1] > 16_000  # distinct by chance only


def test_products_in_tf32_see_less() -> None:
    def tf32(t: torch.Tensor) -> torch.Tensor:
        return ((t / t.norm(dim=-1, keepdim=True)).view(torch.int32) + 0x1000 & ~0x1FFF).view(torch.float32)

    coarse = seen(lambda x, y, dim: (tf32(x) * tf32(y)).sum(dim))[0]
    assert coarse > 4 * (shipped("normalize", "float32").smallest_angle or math.inf)


def test_the_shipped_ones_lie_where_their_arithmetic_puts_them() -> None:
    for dtype in ("float32", "bfloat16"):
        least, builtin = theory(dtype)[0], shipped("builtin", dtype).smallest_angle
        assert builtin is not None
        assert least < builtin < 8 * least
    upcast = shipped("normalize_upcast", "bfloat16")
    assert upcast.smallest_angle is not None
    assert upcast.smallest_angle < 0.1 * theory("bfloat16")[0]
    assert upcast.pairs is not None
    assert upcast.distinct is not None
    assert upcast.distinct > 0.9 * upcast.pairs


def test_all_pairs_see_what_pairs_see() -> None:
    pairs = seen(lambda x, y: rounded(x[:, None], y[None]), "bfloat16", task="pairwise")
    assert pairs == seen(rounded, "bfloat16")


def kahan(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> torch.Tensor:
    a, b = (t.double() / t.double().norm(dim=-1, keepdim=True) for t in (x, y))
    return (2 * torch.atan2((a - b).norm(dim=-1), (a + b).norm(dim=-1))).float()


def test_angles_are_resolved_from_0_upwards() -> None:
    assert seen(kahan, task="angle")[0] < 1e-7
    arc_cosine = seen(lambda x, y, dim: torch.acos(rounded(x, y)), task="angle")[0]
    assert arc_cosine == pytest.approx(theory("float32")[0], rel=0.2)


def test_nan_is_not_resolution() -> None:
    """The arc cosine of a number above 1, as rounding gives for equal rows, is NaN."""
    above = seen(lambda x, y, dim: torch.acos(rounded(x, y) + 2**-20), task="angle")[0]
    assert above == pytest.approx(2 ** (-19 / 2), rel=0.2)


def test_answers_of_1_to_all_near_rows_have_no_resolution() -> None:
    found = resolution_of(
        made_up(lambda x, y, dim: torch.where(exact(x, y) > 0.5, 1, exact(x, y)).float()), "float32", "cpu"
    )
    assert (found.status, found.smallest_angle) == (Status.WRONG, None)
    assert "off by up to" in found.reason


@pytest.mark.parametrize(
    ("fn", "fields", "status"),
    [
        (lambda x, y, dim: 1 / 0, {}, Status.ERROR),
        (rounded, {"dtypes": ("float16",)}, Status.UNSUPPORTED),
        (lambda x, y, dim: exact(x, y), {}, Status.WRONG),
    ],
)
def test_a_failure_has_a_reason_and_no_numbers(
    fn: Callable[..., object], fields: dict[str, object], status: Status
) -> None:
    found = resolution_of(made_up(fn, **fields), "float32", "cpu")
    assert found.status is status
    assert found.reason
    assert (found.smallest_angle, found.distinct, found.pairs) == (None, None, None)
