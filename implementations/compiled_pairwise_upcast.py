"""All pairs, or the nearest rows, compiled: 16-bit rows, fp32 sums, an fp32 result. Fast for few queries."""

import functools

import torch

from implementations.registry import implementation

compiled = functools.cache(torch.compile)  # at the first call: importing the compiler takes seconds


def all_pairs(x, y):
    x, y = x.float(), y.float()
    xx, yy = ((t * t).sum(-1).clamp_min(1e-24) for t in (x, y))
    return (x[:, None] * y[None]).sum(-1) / (xx.sqrt()[:, None] * yy.sqrt())


@implementation("pairwise", dtypes=("float16", "bfloat16"), work="float32", roundings=5.5, dot="lanes", norm="lanes")
def compiled_pairwise_upcast(x, y):
    """Sum fp32 products of 16-bit rows in one pass over the corpus, without copies. The result is fp32.

    It takes no matrix product: fast for one query, and slower than a product for many. Each new shape is compiled,
    which takes seconds. After eight shapes torch runs it uncompiled (`torch._dynamo.config.recompile_limit`).
    Each norm is clamped at 1e-12: a zero row gives 0.
    A bfloat16 row with a norm above 1.8e19, whose squares overflow fp32, gives NaN or 0.
    """
    return compiled(all_pairs, dynamic=False)(x, y)


@implementation("top_k", dtypes=("float16", "bfloat16"), work="float32", roundings=5.5, dot="lanes", norm="lanes")
def compiled_top_k_upcast(x, y, k):
    """`compiled_pairwise_upcast`, then `topk`. The values are fp32. A zero row gives 0.

    A bfloat16 row with a norm above 1.8e19, whose squares overflow fp32, gives NaN or 0.
    """
    return compiled(all_pairs, dynamic=False)(x, y).topk(k)
