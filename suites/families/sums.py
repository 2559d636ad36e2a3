"""Sums that lose terms: by their length, after one huge term, or in too few bits."""

from collections.abc import Iterator

import torch

from suites.families.family import Question, family
from suites.families.rows import ROWS, WIDTH, at_angles, even, normal, question, rounded, uniform


@family(
    "Exactly 1: equal rows of 2^16 and, in float32, 2^24 elements. A single running sum drifts.",
    "pytorch/pytorch#68326",
)
def long_rows(dtype: torch.dtype, generator: torch.Generator) -> Iterator[Question]:
    """Rows of normal numbers, of their absolute values, of 0.1 and of 1, each with a copy of itself."""
    row = rounded(dtype, normal(generator, 1, 2**16))
    for x in (row, row.abs(), torch.full_like(row, 0.1), torch.ones_like(row)):
        yield Question(x, x.clone())
    if dtype == torch.float32:
        # In pieces: in float64 the whole row would take twice the memory.
        pieces = [rounded(dtype, normal(generator, 1, 2**20)) for _ in range(2**4)]
        for x in (torch.cat(pieces, 1), torch.full((1, 2**24), 0.1, dtype=dtype)):
            yield Question(x, x.clone())


@family(
    "The cosine: the ones after a huge first element count, but adding one by one loses all of them.", "flame/blis#932"
)
def one_huge(dtype: torch.dtype, generator: torch.Generator) -> Iterator[Question]:
    """A huge element, then ones. Its square is 2^p for an accumulator of p bits: each 1 added next is rounded away."""
    x, y = torch.ones(2, 1, 2**16, dtype=torch.float64)
    x[0, 0] = 2.0**27 if dtype == torch.float64 else 2.0**12
    y[0, 0] = -x[0, 0]
    yield question(dtype, x, y)


@family("The cosine: one dimension of 10^2 to 10^4 holds nearly all of the norm, and its square overflows float16.")
def outlier_dimension(dtype: torch.dtype, generator: torch.Generator) -> Iterator[Question]:
    """Normal rows with one element of 10^2 to 10^4."""
    x, y = normal(generator, 2, ROWS, WIDTH)
    x[:, 7:8] = y[:, 7:8] = 10 ** even(2, 4)
    yield question(dtype, x, y)


@family("Far above 0 for unrelated rows: 1/π for rows of max(0, normal), 3/4 for uniform rows.")
def positive(dtype: torch.dtype, generator: torch.Generator) -> Iterator[Question]:
    """Normal rows cut off at 0; rows uniform over [0, 1)."""
    rectified, flat = normal(generator, 2, ROWS // 2, WIDTH).relu(), uniform(generator, 2, ROWS // 2, WIDTH)
    yield question(dtype, *torch.cat([rectified, flat], 1))


@family("1536 different cosines in [0.55, 0.65]: 16-bit answers tie.", "UKPLab/sentence-transformers#3894")
def ties(dtype: torch.dtype, generator: torch.Generator) -> Iterator[Question]:
    """Random directions, at the arc cosines of 1536 even steps, shuffled."""
    cosines = torch.linspace(0.55, 0.65, 6 * ROWS, dtype=torch.float64)
    for part in cosines[torch.randperm(len(cosines), generator=generator)].split(ROWS):
        yield question(dtype, *at_angles(generator, part.acos()[:, None]))
