"""Random tensors, and comparing them."""

from collections.abc import Iterable

import torch


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    """Standard normal numbers in float32, the same on every call."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def same(a: Iterable[torch.Tensor], b: Iterable[torch.Tensor]) -> bool:
    """Whether two sequences hold equal tensors."""
    return all(torch.equal(p, q) for p, q in zip(a, b, strict=True))
