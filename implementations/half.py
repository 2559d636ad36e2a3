"""Policies for 16-bit inputs: where the arithmetic happens decides speed and error."""

import torch
import torch.nn.functional as F

from implementations.registry import implementation

HALF = ("float16", "bfloat16")


@implementation(dtypes=HALF)
def half(x, y, dim=-1):
    """Store and compute in 16 bit: every intermediate is rounded to 16 bit."""
    dot = (x * y).sum(dim)
    return dot / ((x * x).sum(dim).sqrt() * (y * y).sum(dim).sqrt())


@implementation(dtypes=HALF)
def half_upcast(x, y, dim=-1):
    """Store in 16 bit, compute and return in fp32."""
    x, y = x.float(), y.float()
    return (F.normalize(x, dim=dim) * F.normalize(y, dim=dim)).sum(dim)


@implementation(dtypes=HALF)
def half_autocast(x, y, dim=-1):
    """Under autocast, which promotes norms and sums to fp32 and leaves the rest in 16 bit."""
    with torch.autocast(x.device.type, dtype=x.dtype):
        return (F.normalize(x, dim=dim) * F.normalize(y, dim=dim)).sum(dim)


@implementation("pairwise", dtypes=HALF)
def matmul_upcast(x, y):
    """All pairs: store in 16 bit, compute and return in fp32."""
    return F.normalize(x.float(), dim=-1) @ F.normalize(y.float(), dim=-1).T


@implementation("pairwise", dtypes=HALF)
def matmul_autocast(x, y):
    """All pairs under autocast: fp32 norms, a 16-bit matrix product."""
    with torch.autocast(x.device.type, dtype=x.dtype):
        return F.normalize(x, dim=-1) @ F.normalize(y, dim=-1).T
