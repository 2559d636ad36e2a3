"""Normalise, multiply, sum, compiled for one shape or for all shapes of a rank."""

import functools

import torch
import torch.nn.functional as F

from implementations.registry import implementation

compiled = functools.cache(torch.compile)  # at the first call: importing the compiler takes seconds


def normalize(x, y, dim):
    return (F.normalize(x, dim=dim) * F.normalize(y, dim=dim)).sum(dim)


@implementation(roundings=5.5, dot="lanes", norm="lanes")
def compiled_normalize(x, y, dim=-1):
    """Normalise, multiply, sum in two passes over the inputs. Each new shape is compiled, which takes seconds.

    After eight shapes torch runs it uncompiled (`torch._dynamo.config.recompile_limit`).
    Each norm is clamped at 1e-12: a zero row gives 0, in float16 too, because the fused arithmetic is fp32.
    """
    return compiled(normalize, dynamic=False)(x, y, dim)


@implementation(roundings=5.5, dot="lanes", norm="lanes")
def compiled_normalize_dynamic(x, y, dim=-1):
    """`compiled_normalize`, compiled once for all shapes of a rank."""
    return compiled(normalize, dynamic=True)(x, y, dim)
