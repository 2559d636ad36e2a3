"""The textbook form, compiled: 16-bit rows, fp32 sums, an fp32 result."""

import functools

import torch

from implementations.registry import implementation

compiled = functools.cache(torch.compile)  # at the first call: importing the compiler takes seconds


def dot_over_norms(x, y, dim):
    x, y = x.float(), y.float()
    xx, yy = ((t * t).sum(dim).clamp_min(1e-24) for t in (x, y))
    return (x * y).sum(dim) / (xx.sqrt() * yy.sqrt())


@implementation(dtypes=("float16", "bfloat16"), work="float32", roundings=5.5, dot="lanes", norm="lanes")
def compiled_dot_upcast(x, y, dim=-1):
    """Dot product over norms: three fp32 sums in one pass over 16-bit rows, without copies. The result is fp32.

    Each new shape is compiled, which takes seconds. After eight shapes torch runs it uncompiled
    (`torch._dynamo.config.recompile_limit`). Each norm is clamped at 1e-12: a zero row gives 0.
    A bfloat16 row with a norm above 1.8e19, whose squares overflow fp32, gives NaN or 0.
    """
    return compiled(dot_over_norms, dynamic=False)(x, y, dim)
