"""Do the answers of a matrix product reveal its arithmetic?"""

from collections.abc import Callable, Iterator

import pytest
import torch
import torch.nn.functional as F

from suites.families.arithmetic import mode_used
from suites.families.rows import ROWS, WIDTH
from tests.questions import cosine, wide


def kept(t: torch.Tensor, significant: int, rounding: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
    mantissa, exponent = torch.frexp(t)
    return torch.ldexp(rounding(mantissa * 2**significant), exponent - significant)


@pytest.mark.parametrize("rounding", [torch.round, torch.trunc])
@pytest.mark.parametrize("normalise_first", [True, False])
@pytest.mark.parametrize(
    ("significant", "mode"), [(24, "float32"), (11, "TF32"), (8, "bf16"), (4, "coarser than bf16")]
)
def test_answers_reveal_the_arithmetic_of_a_matrix_product(
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


def test_answers_of_torchs_matrix_products_reveal_their_arithmetic() -> None:
    assert mode_used(normalised) == "float32"
    assert mode_used(lambda x, y: normalised(x.bfloat16(), y.bfloat16())) == "bf16"
    assert mode_used(lambda x, y: normalised(x.half(), y.half())) == "TF32"
    assert mode_used(lambda x, y: normalised(x.double(), y.double())) == "float32"


@pytest.mark.usefixtures("bf16_allowed")
def test_answers_reveal_whether_the_processor_uses_allowed_rounding() -> None:
    x, y = torch.randn(2, ROWS, WIDTH, generator=torch.Generator().manual_seed(0))
    off = (x @ y.T - (x.double() @ y.double().T)).abs().max()  # this processor's rounding
    assert mode_used(normalised) == ("bf16" if off > 1e-2 else "float32")


def test_the_canary_sings_as_stated_and_falls_silent_in_tf32() -> None:
    for dtype in ("float64", "float32"):
        x, y = wide("tf32_canary", dtype)
        torch.testing.assert_close(cosine(x, y), torch.full((ROWS,), 2.0**-14).double(), rtol=1e-6, atol=0)
        torch.testing.assert_close(x.norm(dim=1), torch.full((ROWS,), 32.0).double(), rtol=1e-8, atol=0)
        assert (kept(x, 11, torch.round) * y).sum(1).count_nonzero() == 0
