"""The textbook form, compiled for one shape or for all shapes of a rank."""

import functools

import torch

from implementations.registry import implementation

compiled = functools.cache(torch.compile)  # at the first call: importing the compiler takes seconds


def dot_over_norms(x, y, dim):
    return (x * y).sum(dim) / ((x * x).sum(dim).sqrt() * (y * y).sum(dim).sqrt())


@implementation(roundings=5.5, dot="lanes", norm="lanes")
def compiled_dot(x, y, dim=-1):
    """Dot product over norms: three sums in one pass. Each new shape is compiled, which takes seconds.

    After eight shapes torch runs it uncompiled (`torch._dynamo.config.recompile_limit`).
    No eps: a zero row gives NaN. In float16 a sum of squares above 65504 overflows.
    """
    return compiled(dot_over_norms, dynamic=False)(x, y, dim)


@implementation(roundings=5.5, dot="lanes", norm="lanes")
def compiled_dot_dynamic(x, y, dim=-1):
    """`compiled_dot`, compiled once for all shapes of a rank."""
    return compiled(dot_over_norms, dynamic=True)(x, y, dim)
