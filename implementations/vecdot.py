"""Dot products without a product tensor."""

import torch

from implementations.registry import implementation


@implementation()
def vecdot(x, y, dim=-1):
    """Three `torch.linalg.vecdot`: x·y / sqrt(x·x · y·y), rooted apart so that the product stays in range."""
    if not isinstance(dim, int):
        last = tuple(range(-len(dim), 0))
        x, y, dim = (*(t.movedim(dim, last).flatten(-len(dim)) for t in (x, y)), -1)
    dot = torch.linalg.vecdot
    return dot(x, y, dim=dim) / (dot(x, x, dim=dim).sqrt() * dot(y, y, dim=dim).sqrt())


@implementation()
def einsum(x, y, dim=-1):
    """Three `torch.einsum` over the summed dims, which keep their place: no flattening, no copy."""
    axes = [d % x.ndim for d in ((dim,) if isinstance(dim, int) else dim)]
    every, kept = list(range(x.ndim)), [d for d in range(x.ndim) if d not in axes]

    def dot(a, b):
        return torch.einsum(a, every, b, every, kept)

    return dot(x, y) / (dot(x, x).sqrt() * dot(y, y).sqrt())
