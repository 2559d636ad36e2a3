"""Numbers at the ends of a dtype's range and beyond: huge, tiny, zero, subnormal, infinite, NaN."""

import math
from collections.abc import Iterator

import numpy as np
import torch

from suites.families.family import Question, family
from suites.families.rows import ROWS, WIDTH, at_angles, even, question


def _rows(generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Elements near 1, at angles from 0.1 to 3."""
    x, y = at_angles(generator, even(0.1, 3))
    return x * math.sqrt(WIDTH), y * math.sqrt(WIDTH)


@family("The same at every scale: 16 powers of two from one end of the dtype to the other.", "pytorch/pytorch#193006")
def exponents(dtype: torch.dtype, generator: torch.Generator) -> Iterator[Question]:
    """Rows times powers of two. No element overflows and few are subnormal, but their squares do both."""
    limits = torch.finfo(dtype)
    least, most = math.frexp(limits.tiny)[1] + 7, math.frexp(limits.max)[1] - 3
    powers = [2.0 ** round(least + (most - least) * n / 15) for n in range(16)]
    scale = torch.tensor(powers, dtype=torch.float64).repeat(ROWS // 16)[:, None]
    x, y = _rows(generator)
    yield question(dtype, x * scale, y * scale)


@family("The cosine: norms from 1e-12 to 1e-8 are not 0, but an eps of 1e-8 shrinks it.", "pytorch/pytorch#151110")
def eps_gap(dtype: torch.dtype, generator: torch.Generator) -> Iterator[Question]:
    """Unit rows times 1e-12 to 1e-8."""
    norms = 10 ** even(-12, -8)
    x, y = at_angles(generator, even(0.1, 3))
    yield question(dtype, x * norms, y * norms)


@family("The cosine: ‖x‖‖y‖ is ordinary, though ‖y‖ alone is below an eps of 1e-8.", "pytorch/pytorch#115786")
def mixed_scale(dtype: torch.dtype, generator: torch.Generator) -> Iterator[Question]:
    """Unit rows times 4.9e3 and 9.2e-9, the norms of the upstream report."""
    x, y = at_angles(generator, even(0.1, 3))
    yield question(dtype, x * 4.9e3, y * 9.2e-9)


@family(
    "No true value: 0 by most rules, else NaN. The rows around a zero row are right.",
    "pytorch/pytorch#32137",
    instead=(0.0,),
)
def zeros(dtype: torch.dtype, generator: torch.Generator) -> Iterator[Question]:
    """Rows of 0 and of -0 in x, in y and in both, among ordinary ones."""
    x, y = _rows(generator)
    x[[0, 2, 3]], x[4] = 0.0, -0.0
    y[[1, 2, 4]], y[3] = 0.0, -0.0
    yield question(dtype, x, y)


def _small(dtype: torch.dtype, generator: torch.Generator) -> Iterator[Question]:
    """First rows whose elements are all subnormal, then rows whose squares are; y is ordinary."""
    if not torch.finfo(torch.float64).tiny / 2:
        raise RuntimeError(
            "subnormal numbers are already flushed to zero; make the questions and their truth before that"
        )
    least = torch.finfo(dtype).smallest_normal
    for scale in (least, math.sqrt(least)):
        x, y = _rows(generator)
        yield question(dtype, x * scale / 8, y)


@family("The cosine: subnormal elements or squares are rounded more coarsely, but not lost.")
def subnormals(dtype: torch.dtype, generator: torch.Generator) -> Iterator[Question]:
    """Rows scaled so that all elements are subnormal, then so that their squares are; y is ordinary."""
    yield from _small(dtype, generator)


@family("No true value where elements are flushed to zero; the cosine where only their squares are.", flushed=True)
def subnormals_flushed(dtype: torch.dtype, generator: torch.Generator) -> Iterator[Question]:
    """The same kinds of rows, while the processor flushes subnormal numbers to zero."""
    elements, squares = _small(dtype, generator)
    yield Question(elements.x, elements.y, truth=np.full(ROWS, np.nan))
    yield squares


@family("NaN for a row with NaN or infinity: no clamp may hide it. The rows around it are right.", instead=())
def non_finite(dtype: torch.dtype, generator: torch.Generator) -> Iterator[Question]:
    """Rows with NaN, infinity or both in x, in y or in both, among ordinary ones."""
    x, y = _rows(generator)
    x[0, 3] = x[1, 3] = y[1, 5] = y[2, 3] = math.nan
    x[3, 3] = x[4, 3] = y[4, 3] = x[5, 3] = y[5, 5] = math.inf
    x[6, 3], y[7], x[8, 3], y[8, 3] = -math.inf, math.inf, math.nan, math.inf
    yield question(dtype, x, y)
