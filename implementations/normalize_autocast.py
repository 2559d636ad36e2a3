"""Mixed precision by torch.autocast."""

import torch
import torch.nn.functional as F

from implementations.registry import implementation


@implementation(dtypes=("float16", "bfloat16"), roundings=5.5, dot="cascade", norm="lanes")
def normalize_autocast(x, y, dim=-1):
    """Normalise, multiply, sum 16-bit inputs under autocast.

    On CUDA, autocast computes norms and sums in fp32, and the result is fp32. On the CPU it does not, and everything
    stays in 16 bits: a zero row gives 0, and NaN in float16, where the eps of 1e-12 is 0.
    """
    with torch.autocast(x.device.type, dtype=x.dtype):
        return (F.normalize(x, dim=dim) * F.normalize(y, dim=dim)).sum(dim)
