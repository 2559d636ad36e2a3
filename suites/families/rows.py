"""Building blocks of the families: float64 rows from a seed, rounded once to the dtype."""

from collections.abc import Callable

import torch

from suites.families.family import Question, SimilarityCall
from suites.inputs import InputError

Pair = tuple[torch.Tensor, torch.Tensor]

ROWS, WIDTH = 256, 512
"""The shape of ordinary questions, the same for all: compiled implementations take seconds for each new shape."""


def normal(generator: torch.Generator, *shape: int) -> torch.Tensor:
    """N(0, 1) in float64."""
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def uniform(generator: torch.Generator, *shape: int) -> torch.Tensor:
    """Uniform over [0, 1) in float64."""
    return torch.rand(shape, generator=generator, dtype=torch.float64)


def signs(generator: torch.Generator, *shape: int) -> torch.Tensor:
    """1 and -1 in float64."""
    return 2.0 * torch.randint(0, 2, shape, generator=generator).double() - 1


def even(start: float, end: float) -> torch.Tensor:
    """`ROWS` evenly spaced numbers from `start` to `end`, `[ROWS, 1]` in float64."""
    return torch.linspace(start, end, ROWS, dtype=torch.float64)[:, None]


def at_angles(generator: torch.Generator, angles: torch.Tensor) -> Pair:
    """Unit rows x and y, `[N, WIDTH]` in float64, at these angles, `[N, 1]` in radians, each pair in a random plane."""
    x, other = normal(generator, len(angles), WIDTH), normal(generator, len(angles), WIDTH)
    x = x / x.norm(dim=1, keepdim=True)
    across = other - (x * other).sum(1, keepdim=True) * x
    return x, angles.cos() * x + angles.sin() * across / across.norm(dim=1, keepdim=True)


def question(dtype: torch.dtype, x: torch.Tensor, y: torch.Tensor) -> Question:
    """The question for the cosines of these rows, rounded to the dtype."""
    return Question(rounded(dtype, x), rounded(dtype, y))


def difference(before: Pair, after: Pair) -> Callable[[SimilarityCall], torch.Tensor]:
    """How much a change of the rows changes the answers: those before minus those after, in float64."""

    def ask(similarity: SimilarityCall) -> torch.Tensor:
        first, second = (similarity(x.clone(), y.clone()).double() for x, y in (before, after))
        return first - second

    return ask


def rounded(dtype: torch.dtype, rows: torch.Tensor) -> torch.Tensor:
    """A copy in the dtype, in its own memory.

    Raises:
        InputError: a finite number became infinite, or a row became all zeros.
    """
    found = rows.to(dtype, copy=True)
    limits = torch.finfo(dtype)
    if (beyond := rows.isfinite() & found.isinf()).any():
        raise InputError(f"it holds {rows[beyond][0].item():.3g}, and the largest number is {limits.max:.3g}")
    if (lost := (rows != 0).any(-1) & (found == 0).all(-1)).any():
        largest, least = rows[lost].abs().max().item(), limits.tiny * limits.eps
        raise InputError(f"rows of {largest:.3g} at most become zeros, since the least number is {least:.3g}")
    return found
