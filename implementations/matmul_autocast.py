"""All pairs, mixed precision by torch.autocast."""

import torch
import torch.nn.functional as F

from implementations.registry import implementation


@implementation("pairwise", dtypes=("float16", "bfloat16"), roundings=5.5, norm="lanes")
def matmul_autocast(x, y):
    """Normalise 16-bit rows under autocast, then take one 16-bit matrix product.

    On CUDA, autocast computes norms in fp32. On the CPU it does not, and everything stays in 16 bits: a zero row gives
    0, and NaN in float16, where the eps of 1e-12 is 0.
    """
    with torch.autocast(x.device.type, dtype=x.dtype):
        return F.normalize(x, dim=-1) @ F.normalize(y, dim=-1).T
