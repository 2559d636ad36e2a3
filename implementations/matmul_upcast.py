"""All pairs, mixed precision by hand: 16-bit storage, fp32 arithmetic."""

import torch.nn.functional as F

from implementations.registry import implementation


@implementation("pairwise", dtypes=("float16", "bfloat16"), work="float32", roundings=5.5, norm="lanes")
def matmul_upcast(x, y):
    """Normalise fp32 copies of 16-bit rows, then take one fp32 matrix product. The result is fp32.

    Each norm is clamped at 1e-12, which fp32 can hold: a zero row gives 0 in both dtypes.
    A bfloat16 row with a norm above 1.8e19, whose squares overflow fp32, gives 0.
    """
    return F.normalize(x.float(), dim=-1) @ F.normalize(y.float(), dim=-1).T
