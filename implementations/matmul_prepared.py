"""One matrix product with a corpus that was normalised beforehand: all pairs, or the nearest rows."""

import torch
import torch.nn.functional as F

from implementations.registry import implementation


def unit(y):
    """Rows of norm 1 in the dtype of y, rounded from fp32 or wider, with the norm clamped at 1e-12."""
    wide = torch.promote_types(y.dtype, torch.float32)
    return F.normalize(y.to(wide), dim=-1).to(torch.result_type(y, 1.0))  # fp32 for integers


@implementation("pairwise", prepare=unit, roundings=5.5, norm="lanes")
def matmul_prepared(x, corpus):
    """Normalise the queries, then take one matrix product with the corpus, which was normalised beforehand.

    A zero row gives 0, in float16 too, because norms are fp32. No gradient for the corpus.
    """
    return unit(x) @ corpus.T


@implementation("top_k", prepare=unit, roundings=5.5, norm="lanes")
def prepared_top_k(x, corpus, k):
    """`matmul_prepared`, then `topk`. A zero row gives 0, in float16 too."""
    return (unit(x) @ corpus.T).topk(k)
