"""The all-pairs form that is often written by mistake."""

import torch.nn.functional as F

from implementations.registry import implementation


@implementation("pairwise", baseline=True, roundings=5.5, dot="cascade", norm="lanes")
def broadcast(x, y):
    """`F.cosine_similarity` over broadcast rows: it allocates N·M·D elements, several times.

    Each norm is clamped at 1e-8: a zero row gives 0, and NaN in float16, where 1e-8 is 0.
    """
    return F.cosine_similarity(x[:, None], y[None], dim=-1)
