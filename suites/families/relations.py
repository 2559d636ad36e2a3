"""Laws of the cosine for any rows: symmetries, and its gradient."""

import math
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import scipy.linalg
import torch

from suites.failure import Failure
from suites.families.family import Question, SimilarityCall, family
from suites.families.rows import ROWS, WIDTH, Pair, at_angles, difference, even, question, rounded, signs, uniform
from suites.records.record import Status

Wide = npt.NDArray[np.longdouble]


@family(
    "0, the change of the cosine when x and y are swapped, columns permuted, flipped, rotated or repeated, rows "
    "multiplied by powers of two, zeros appended.",
    rows=False,
)
def metamorphic(dtype: torch.dtype, generator: torch.Generator) -> Iterator[Question]:
    """Rows and changed rows, as two calls; all changes are exact in the dtype."""
    x, y = at_angles(generator, even(0.1, 3))
    asked = question(dtype, x * math.sqrt(WIDTH), y * math.sqrt(WIDTH) * (1 + uniform(generator, ROWS, 1)))
    x, y = rows = (asked.x, asked.y)
    order = torch.randperm(WIDTH, generator=generator)
    flips = signs(generator, WIDTH).to(dtype)
    whole, rotated = _rotated(dtype, generator)
    changed: tuple[tuple[Pair, Pair], ...] = (
        (rows, (y, x)),
        (rows, (x[:, order], y[:, order])),
        (rows, (x * flips, y * flips)),
        (whole, rotated),
        (rows, (x.repeat(1, 2), y.repeat(1, 2))),
        (rows, (4 * x, 2 * y)),
        (rows, (torch.cat([x, torch.zeros_like(x)], 1), torch.cat([y, torch.zeros_like(y)], 1))),
    )
    for before, after in changed:
        yield Question(*before, truth=np.zeros(ROWS), ask=difference(before, after), slack=2)


def _rotated(dtype: torch.dtype, generator: torch.Generator) -> tuple[Pair, Pair]:
    """Small integers, and the same with each four columns rotated by a Hadamard matrix: exact in 8 bits."""
    x, other = torch.randint(-7, 8, (2, ROWS, WIDTH), generator=generator).double()
    y = torch.where(uniform(generator, ROWS, WIDTH) < even(0, 0.9), x, other)
    turn = torch.from_numpy(scipy.linalg.hadamard(4)) / 2.0

    def turned(t: torch.Tensor) -> torch.Tensor:
        return rounded(dtype, (t.reshape(ROWS, -1, 4) @ turn.double()).reshape(ROWS, WIDTH))

    return (rounded(dtype, x), rounded(dtype, y)), (turned(x), turned(y))


@family(
    "0, the distance ‖g - g_true‖·‖x‖ of each row, of x and then of y: angles from 1e-3 to π - 1e-3, norms from 1e-30 "
    "to 1e30. At zero rows, no true value.",
    "pytorch/pytorch#184575",
    rows=False,
)
def gradients(dtype: torch.dtype, generator: torch.Generator) -> Iterator[Question]:
    """16 norms of x with each of 16 angles; in float16 the norms stop where the gradient would be subnormal."""
    widest = min(30, math.log10(2.0**-8 / torch.finfo(dtype).tiny))
    norms = 10 ** torch.linspace(-widest, widest, 16, dtype=torch.float64)
    acute = 10 ** torch.linspace(-3, math.log10(math.pi / 2), 8, dtype=torch.float64)
    angles = torch.cat([acute, math.pi - acute])
    x, y = at_angles(generator, angles.repeat_interleave(16)[:, None])
    x, y = x * norms.repeat(16)[:, None], y * norms[torch.randint(0, 16, (ROWS,), generator=generator), None]
    x[[0, 2]], y[[1, 2]] = 0.0, 0.0
    asked = question(dtype, x, y)
    undefined = ((asked.x == 0).all(1) | (asked.y == 0).all(1)).repeat(2)
    truth = torch.zeros(2 * ROWS, dtype=torch.float64).masked_fill(undefined, torch.nan)
    yield Question(asked.x, asked.y, truth=truth.numpy(), ask=_gradient_errors(asked.x, asked.y), slack=8)


def _gradient_errors(x: torch.Tensor, y: torch.Tensor) -> Callable[[SimilarityCall], torch.Tensor]:
    def ask(similarity: SimilarityCall) -> torch.Tensor:
        with torch.enable_grad():
            leaves = [t.clone().requires_grad_() for t in (x, y)]
            cosines = similarity(*leaves)
            if not cosines.requires_grad:
                raise Failure(Status.UNSUPPORTED, "its result carries no gradient")
            found = torch.autograd.grad(cosines.sum(), leaves)
        return torch.cat([_distance(x, y, found[0]), _distance(y, x, found[1])])

    return ask


def _distance(x: torch.Tensor, y: torch.Tensor, found: torch.Tensor) -> torch.Tensor:
    """‖g - g_true‖·‖x‖ with g_true = (ŷ - c x̂) / ‖x‖, in long double: float64 is too coarse for float64 rows."""
    norm, unit = _unit(x)
    _, other = _unit(y)
    true = other - np.vecdot(unit, other)[:, None] * unit
    off = found.double().cpu().numpy() * norm - true
    return torch.from_numpy(np.sqrt(np.vecdot(off, off)).astype(np.float64))


def _unit(rows: torch.Tensor) -> tuple[Wide, Wide]:
    """Norms and unit rows; a row of zeros stays a row of zeros, with the norm 1."""
    wide = rows.double().numpy().astype(np.longdouble)
    norm = np.sqrt(np.vecdot(wide, wide))[:, None]
    norm[norm == 0] = 1
    return norm, wide / norm
