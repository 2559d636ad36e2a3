"""Sums in which nearly everything cancels: the rest shows in how many bits, and in which order, they were added.

An error bound cannot show all of it. |Δcos| ≤ k u + h u_sum holds however much cancels, because it is relative to
‖x‖‖y‖, which is at least Σ|x_i y_i|. So cancellation alone makes no ordinary order of adding in float32 wrong, nor
partial sums that are rounded to 16 bits at most k times. Therefore `ill_conditioned` has hundreds of terms that a sum
in too few bits loses, and `split_k` has an expected value of its own.
"""

import math
from collections.abc import Iterator

import numpy as np
import torch

from suites.families.family import Question, family
from suites.families.rows import ROWS, WIDTH, Pair, difference, even, question, rounded, signs, uniform

_LEAST = -12  # exponent in the middle of the range of float16


@family(
    "Far smaller than the terms of its sum. One right digit needs a condition number below 1/(n u); terms between huge "
    "ones that cancel count."
)
def ill_conditioned(dtype: torch.dtype, generator: torch.Generator) -> Iterator[Question]:
    """Condition numbers 2 Σ|x_i y_i| / |Σ x_i y_i| from 10^2 to 10^16; then ones between a huge term and its opposite.

    float16 stops at 10^9, because squares must fit. float64 gets numbers of 24 bits, whose products are exact here.
    """
    room = math.log2(torch.finfo(dtype).max) / 2 - 5 - _LEAST
    half_bits = even(math.log2(1e2) / 2, min(math.log2(1e16) / 2, room))
    x, y = _gen_dot(generator, half_bits, torch.float32 if dtype == torch.float64 else dtype)
    order = torch.randperm(WIDTH, generator=generator)
    yield question(dtype, x[:, order], y[:, order])
    yield question(dtype, *_between_huge_ones(dtype, generator))


def _between_huge_ones(dtype: torch.dtype, generator: torch.Generator) -> Pair:
    """Products H, 510 ones and -H, in this order, for H from 4 to 2^26, in float64 to 2^54.

    A running sum in p bits loses all ones from H = 2^p on, an error of 510 / (2 H + 510): 0.5 in bfloat16, 0.11 in
    float16, 255 u in float32. Adding one by one explains the latter, a cascade does not. Factors are scaled to keep
    squares in range.
    """
    power = even(2, 54 if dtype == torch.float64 else 26).round()
    x, y = torch.ones(2, ROWS, WIDTH, dtype=torch.float64)
    x[:, :1] = x[:, -1:] = 2 ** (power / 2).ceil()
    y[:, :1] = 2 ** (power / 2).floor()
    y[:, -1:] = -y[:, :1]
    both = signs(generator, ROWS, WIDTH) / 64
    return x * both, y * both


def _gen_dot(generator: torch.Generator, half_bits: torch.Tensor, dtype: torch.dtype) -> Pair:
    """x and y whose dot products have the condition numbers 4^half_bits, `[ROWS, WIDTH]` in float64.

    Algorithm 6.1 (GenDot) of T. Ogita, S. M. Rump, S. Oishi, Accurate sum and dot product, SIAM J. Sci. Comput. 26
    (2005): random exponents, then ever smaller ones, where each y_i cancels the sum so far.
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
    """a + b rounded, and the rounding error; together exactly a + b (D. E. Knuth)."""
    total = a + b
    second = total - a
    return total, (a - (total - second)) + (b - second)


@family(
    "0, the difference between two orders of adding: float32 sums are exact, halves rounded to 16 bits are not.",
    "modular/modular#7165",
)
def split_k(dtype: torch.dtype, generator: torch.Generator) -> Iterator[Question]:
    """Few and long rows, whose sum a matrix product splits: halves near ±2016, then the same terms alternating.

    Elements are 0, 1/8 or 1, and norms are 64: neither normalising nor a sum in 18 bits rounds. A product is a multiple
    of 2^-18 of ‖x‖‖y‖; half of that is allowed.
    """
    half = torch.tensor([1.0] * 2016 + [1 / 8] * 2048 + [0.0] * 3104, dtype=torch.float64)
    a = half[torch.rand(8, len(half), generator=generator).argsort(1)] * signs(generator, 8, len(half))
    first, second = torch.where(a.abs() == 1, 1.0, signs(generator, 2, 8, len(half)))
    x, y = (rounded(dtype, torch.cat(halves, 1)) for halves in ((a, a), (first * a, -second * a)))
    alternating = torch.arange(2 * len(half)).view(2, -1).T.flatten()
    ask = difference((x, y), (x[:, alternating], y[:, alternating]))
    yield Question(x, y, truth=np.zeros(8), ask=ask, slack=2, allowed=2.0**-19)
