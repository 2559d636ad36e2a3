"""fp32 similarities of 16-bit rows, with a corpus that was normalised beforehand: all pairs, or the nearest rows."""

import torch.nn.functional as F

from implementations.registry import implementation


def unit(y):
    """fp32 rows of norm 1, with the norm clamped at 1e-12. They take twice the memory of 16-bit rows."""
    return F.normalize(y.float(), dim=-1)


@implementation("pairwise", dtypes=("float16", "bfloat16"), prepare=unit, work="float32", roundings=5.5, norm="lanes")
def matmul_prepared_upcast(x, corpus):
    """Normalise fp32 copies of 16-bit queries, then take one fp32 product with the corpus, normalised in fp32.

    The result is fp32. A zero row gives 0. No gradient for the corpus.
    A bfloat16 row with a norm above 1.8e19, whose squares overflow fp32, gives 0.
    """
    return unit(x) @ corpus.T


@implementation("top_k", dtypes=("float16", "bfloat16"), prepare=unit, work="float32", roundings=5.5, norm="lanes")
def prepared_top_k_upcast(x, corpus, k):
    """`matmul_prepared_upcast`, then `topk`. The values are fp32. A zero row gives 0.

    A bfloat16 row with a norm above 1.8e19, whose squares overflow fp32, gives 0.
    """
    return (unit(x) @ corpus.T).topk(k)
