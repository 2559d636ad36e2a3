"""What the families ask, and a similarity that is right in float64."""

import dataclasses
import functools
from collections.abc import Callable

import pytest
import torch

from implementations import Implementation, registry
from implementations.registry import DTYPES
from suites.families import questions

each_dtype = pytest.mark.parametrize("dtype", DTYPES)

asked = functools.cache(questions)  # not changed by any test


def cosine(x: torch.Tensor, y: torch.Tensor, dim: int | tuple[int, ...] = -1, eps: float = 0) -> torch.Tensor:
    """Right in float64, at ordinary magnitudes."""
    x, y = torch.broadcast_tensors(x.double(), y.double())
    norms = (t.square().sum(dim).sqrt().clamp(min=eps) for t in (x, y))
    return (x * y).sum(dim) / next(norms) / next(norms)


def angles(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """In radians, right however small."""
    x, y = x / x.norm(dim=1, keepdim=True), y / y.norm(dim=1, keepdim=True)
    return 2 * torch.atan2((x - y).norm(dim=1), (x + y).norm(dim=1))


def wide(name: str, dtype: str = "float64", number: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """The rows of one question, in float64."""
    found = asked(name, dtype)[number]
    return found.x.double(), found.y.double()


def made_up(fn: Callable[..., object], **fields: object) -> Implementation:
    """An implementation of the task "paired" by the function `fn`."""
    return dataclasses.replace(registry.get("normalize"), fn=fn, name="made_up", **fields)  # type: ignore[arg-type]
