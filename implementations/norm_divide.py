"""Divide by the norm, multiply, sum."""

import torch

from implementations.registry import implementation


@implementation(roundings=5.5, dot="cascade", norm="lanes")
def norm_divide(x, y, dim=-1):
    """Divide each operand by its norm, multiply, sum. No eps: a zero row gives NaN."""
    x = x / torch.norm(x, p=2, dim=dim, keepdim=True)
    y = y / torch.norm(y, p=2, dim=dim, keepdim=True)
    return (x * y).sum(dim)
