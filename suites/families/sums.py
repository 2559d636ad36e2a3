"""Sums that lose what they should keep: by cancellation, by length, behind one huge term, or in too few bits."""

import math
from collections.abc import Iterator

import torch

from suites.families.family import Question, family
from suites.families.rows import ROWS, WIDTH, at_angles, even, normal, question, rounded, uniform

Pair = tuple[torch.Tensor, torch.Tensor]


@family("Small beside what was summed: a right digit at all takes a condition number below 1/(n u).")
def ill_conditioned(dtype: torch.dtype, generator: torch.Generator) -> Iterator[Question]:
    """Condition numbers 2 Σ|x_i y_i| / |Σ x_i y_i| from 10^2 to 10^16; to 10^9 in float16, whose squares must fit.

    float64 gets numbers of 24 bits, so that the products here are exact.
    """
    room = math.log2(torch.finfo(dtype).max) / 2 - 5 - _LEAST
    half_bits = even(math.log2(1e2) / 2, min(math.log2(1e16) / 2, room))
    x, y = _gen_dot(generator, half_bits, torch.float32 if dtype == torch.float64 else dtype)
    order = torch.randperm(WIDTH, generator=generator)
    yield question(dtype, x[:, order], y[:, order])


_LEAST = -12  # exponent: far from 0, so that float16 has room for as many above as below


def _gen_dot(generator: torch.Generator, half_bits: torch.Tensor, dtype: torch.dtype) -> Pair:
    """x and y whose dot products have the condition numbers 4^half_bits, `[ROWS, WIDTH]` in float64.

    Algorithm 6.1 (GenDot) of T. Ogita, S. M. Rump, S. Oishi, Accurate sum and dot product, SIAM J. Sci. Comput. 26
    (2005): random exponents, then ever smaller ones, where each y_i cancels what was summed so far.
    """
    half = WIDTH // 2
    ascent = (uniform(generator, ROWS, half) * half_bits).round()
    ascent[:, :1], ascent[:, -1] = half_bits.round() + 1, 0
    descent = (half_bits * torch.linspace(1, 0, half, dtype=torch.float64)).round()
    powers = 2 ** (torch.cat([ascent, descent], 1) + _LEAST)
    x, y = (2 * uniform(generator, 2, ROWS, WIDTH) - 1) * powers
    x[:, half:] = (1 - uniform(generator, ROWS, half) / 2) * powers[:, half:]  # no small divisors: y_i stays in range
    x, y = x.to(dtype).double(), y.to(dtype).double()
    dot, lost = torch.zeros(2, ROWS, dtype=torch.float64)
    for i in range(WIDTH):
        if i >= half:
            y[:, i] = ((y[:, i] * 2.0**_LEAST - dot - lost) / x[:, i]).to(dtype).double()
        dot, error = _two_sum(dot, x[:, i] * y[:, i])
        lost = lost + error
    return x, y


def _two_sum(a: torch.Tensor, b: torch.Tensor) -> Pair:
    """a + b rounded, and what the rounding lost: exactly a + b together (D. E. Knuth)."""
    total = a + b
    second = total - a
    return total, (a - (total - second)) + (b - second)


@family(
    "Exactly 1: equal rows of 2^16 and, in float32, 2^24 elements; one running sum drifts.", "pytorch/pytorch#68326"
)
def long_rows(dtype: torch.dtype, generator: torch.Generator) -> Iterator[Question]:
    row = rounded(dtype, normal(generator, 1, 2**16))
    for x in (row, row.abs(), torch.full_like(row, 0.1), torch.ones_like(row)):
        yield Question(x, x.clone())
    if dtype == torch.float32:
        # In pieces: the whole row in float64 is twice as large as the row.
        pieces = [rounded(dtype, normal(generator, 1, 2**20)) for _ in range(2**4)]
        for x in (torch.cat(pieces, 1), torch.full((1, 2**24), 0.1, dtype=dtype)):
            yield Question(x, x.clone())


@family(
    "The cosine: the ones behind a huge first element count; adding one by one loses all of them.", "flame/blis#932"
)
def one_huge(dtype: torch.dtype, generator: torch.Generator) -> Iterator[Question]:
    """Its square is 2^p of the accumulator's p bits: what is added next is rounded away."""
    x, y = torch.ones(2, 1, 2**16, dtype=torch.float64)
    x[0, 0] = 2.0**27 if dtype == torch.float64 else 2.0**12
    y[0, 0] = -x[0, 0]
    yield question(dtype, x, y)


@family("The cosine: one dimension of 10^2 to 10^4 holds nearly all of the norm; its square overflows float16.")
def outlier_dimension(dtype: torch.dtype, generator: torch.Generator) -> Iterator[Question]:
    x, y = normal(generator, 2, ROWS, WIDTH)
    x[:, 7:8] = y[:, 7:8] = 10 ** even(2, 4)
    yield question(dtype, x, y)


@family("The small rest of two halves that cancel: rounding each to 16 bits spoils it.", "modular/modular#7165")
def split_k(dtype: torch.dtype, generator: torch.Generator) -> Iterator[Question]:
    """So few and so long rows that a matrix product splits the sum: the halves of x·y are ±‖a‖², their sum δ‖a‖²."""
    a, noise = normal(generator, 2, 8, 14336 // 2)
    rest = torch.linspace(0.01, 0.1, 8, dtype=torch.float64)[:, None]
    yield question(dtype, torch.cat([a, a], 1), torch.cat([a + noise, rest * a - (a + noise)], 1))


@family("Far above 0 between strangers: 1/π for rows of max(0, normal), 3/4 for uniform ones.")
def positive(dtype: torch.dtype, generator: torch.Generator) -> Iterator[Question]:
    rectified, flat = normal(generator, 2, ROWS // 2, WIDTH).relu(), uniform(generator, 2, ROWS // 2, WIDTH)
    yield question(dtype, *torch.cat([rectified, flat], 1))


@family("1536 cosines in [0.55, 0.65], all different: 16-bit answers tie.", "UKPLab/sentence-transformers#3894")
def ties(dtype: torch.dtype, generator: torch.Generator) -> Iterator[Question]:
    cosines = torch.linspace(0.55, 0.65, 6 * ROWS, dtype=torch.float64)
    for part in cosines[torch.randperm(len(cosines), generator=generator)].split(ROWS):
        yield question(dtype, *at_angles(generator, part.acos()[:, None]))
