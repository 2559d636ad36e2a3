"""Normalise, multiply, sum."""

import torch.nn.functional as F

from implementations.registry import implementation


@implementation(roundings=5.5, dot="cascade", norm="lanes")
def normalize(x, y, dim=-1, eps=1e-12):
    """`F.normalize` on both operands, multiply, sum.

    Each norm is clamped at 1e-12, the default of `eps`: a zero row gives 0, and NaN in float16, where 1e-12 is 0.
    """
    return (F.normalize(x, dim=dim, eps=eps) * F.normalize(y, dim=dim, eps=eps)).sum(dim)
