"""Divide by the norm, without an eps: a zero row gives NaN."""

import torch

from implementations.registry import implementation


@implementation()
def norm_divide(x, y, dim=-1):
    """Divide each operand by its norm, multiply, sum."""
    x = x / torch.norm(x, p=2, dim=dim, keepdim=True)
    y = y / torch.norm(y, p=2, dim=dim, keepdim=True)
    return (x * y).sum(dim)


@implementation()
def dot_over_norms(x, y, dim=-1):
    """Divide the dot product by the product of the norms: no normalised copies."""
    return (x * y).sum(dim) / (torch.norm(x, p=2, dim=dim) * torch.norm(y, p=2, dim=dim))
