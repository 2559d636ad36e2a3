"""The nearest rows, through one matrix product."""

import torch.nn.functional as F

from implementations.registry import implementation


@implementation("top_k", roundings=5.5, norm="lanes")
def matmul_top_k(x, y, k):
    """Normalise the rows, take one matrix product, then `topk`.

    Each norm is clamped at 1e-12: a zero row gives 0, and NaN in float16, which `topk` puts first.
    """
    return (F.normalize(x, dim=-1) @ F.normalize(y, dim=-1).T).topk(k)
