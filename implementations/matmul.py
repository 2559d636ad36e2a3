"""All pairs through one matrix product."""

import torch.nn.functional as F

from implementations.registry import implementation


@implementation("pairwise")
def matmul(x, y):
    """Normalise the rows, then one matrix product."""
    return F.normalize(x, dim=-1) @ F.normalize(y, dim=-1).T


@implementation("pairwise")
def matmul_then_scale(x, y):
    """One matrix product of the raw rows, then divide by both norms: no normalised copies."""
    return (x @ y.T).div_(x.norm(dim=-1)[:, None]).div_(y.norm(dim=-1))
