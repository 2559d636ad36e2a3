"""Dot products without a product tensor."""

import torch

from implementations.registry import implementation


@implementation(roundings=5.5, dot="cascade", norm="cascade")
def vecdot(x, y, dim=-1):
    """Three `torch.linalg.vecdot` calls: x·y / (√(x·x) √(y·y)). Two roots keep the product in range.

    No eps: a zero row gives NaN. In float16 a dot product above 65504 overflows. A tuple of dims is flattened into
    one, which copies both operands in channels_last.
    """
    if not isinstance(dim, int):
        last = tuple(range(-len(dim), 0))
        x, y, dim = (*(t.movedim(dim, last).flatten(-len(dim)) for t in (x, y)), -1)
    dot = torch.linalg.vecdot
    return dot(x, y, dim=dim) / (dot(x, x, dim=dim).sqrt() * dot(y, y, dim=dim).sqrt())
