"""Pairs at known angles: all around the circle, equal, opposite, nearly either, and orthogonal."""

import math
from collections.abc import Iterator

import scipy.linalg
import torch

from suites.families.family import Question, family
from suites.families.rows import ROWS, WIDTH, at_angles, even, normal, question, rounded, uniform


@family("The cosine, spread evenly over [-1, 1]: the cosines of normal rows are all near 0, and test nothing.")
def prescribed(dtype: torch.dtype, generator: torch.Generator) -> Iterator[Question]:
    """Random directions at the angle arccos c, for 256 even steps of c; y is half to twice as long as x."""
    x, y = at_angles(generator, even(-1, 1).acos())
    x *= math.sqrt(WIDTH)
    yield question(dtype, x, y * math.sqrt(WIDTH) * 4 ** (uniform(generator, ROWS, 1) - 0.5))


@family("Exactly 1: the rows are equal.", "pytorch/pytorch#78064")
def self(dtype: torch.dtype, generator: torch.Generator) -> Iterator[Question]:
    """Normal rows, with copies of themselves."""
    x = normal(generator, ROWS, WIDTH)
    yield question(dtype, x, x)


@family("1: exactly for powers of two, and within the rounding of y = kx for k = 3, 0.1, 7.", "pytorch/pytorch#29442")
def scaled(dtype: torch.dtype, generator: torch.Generator) -> Iterator[Question]:
    """Normal rows, with k times themselves: k is 3, 0.1, 7 and 2^±20, or 2^±5 in float16."""
    power = 20 if torch.finfo(dtype).max > 2.0**40 else 5
    factors = torch.tensor([3, 0.1, 7, 2.0**power, 2.0**-power], dtype=torch.float64)
    x = rounded(dtype, normal(generator, ROWS, WIDTH)).double()
    yield question(dtype, x, factors[torch.arange(ROWS) % len(factors), None] * x)


@family("Exactly -1: the rows are opposite.")
def negated(dtype: torch.dtype, generator: torch.Generator) -> Iterator[Question]:
    """Normal rows, with their opposites."""
    x = normal(generator, ROWS, WIDTH)
    yield question(dtype, x, -x)


@family("1 - δ²/2 for y = x + δ·noise, δ from 0.1 to 1e-7. With p bits, angles below 2^(-p/2) look like 0.")
def near(dtype: torch.dtype, generator: torch.Generator) -> Iterator[Question]:
    """Normal rows, with themselves plus ever less of other normal rows."""
    x = normal(generator, ROWS, WIDTH)
    yield question(dtype, x, x + 10 ** even(-1, -7) * normal(generator, ROWS, WIDTH))


@family("The cosine of θ, π - θ, π/2 - θ and π/2 + θ, for θ from 1 to 1e-8.")
def planar(dtype: torch.dtype, generator: torch.Generator) -> Iterator[Question]:
    """Unit rows at known angles, each pair in a random plane."""
    small = 10 ** even(0, -8)[:: ROWS // 64]
    angles = torch.cat([small, math.pi - small, math.pi / 2 - small, math.pi / 2 + small])
    yield question(dtype, *at_angles(generator, angles))


@family("Exactly 0: the products ±1 of Hadamard's rows cancel. At 0 no ULP is defined.")
def orthogonal(dtype: torch.dtype, generator: torch.Generator) -> Iterator[Question]:
    """Rows of Hadamard's matrix of ±1; each column is multiplied by a power of two in x and divided by it in y."""
    rows = torch.from_numpy(scipy.linalg.hadamard(WIDTH)).double()
    scale = 2.0 ** torch.randint(-3, 4, (WIDTH,), generator=generator).double()
    yield question(dtype, rows[:ROWS] * scale, rows[ROWS:] / scale)
