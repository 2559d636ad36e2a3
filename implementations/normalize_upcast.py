"""Mixed precision by hand: 16-bit storage, fp32 arithmetic."""

import torch.nn.functional as F

from implementations.registry import implementation


@implementation(dtypes=("float16", "bfloat16"), work="float32", roundings=5.5, dot="cascade", norm="lanes")
def normalize_upcast(x, y, dim=-1):
    """Normalise, multiply, sum fp32 copies of 16-bit inputs. The result is fp32.

    Each norm is clamped at 1e-12, which fp32 can hold: a zero row gives 0 in both dtypes.
    A bfloat16 row with a norm above 1.8e19, whose squares overflow fp32, gives 0.
    """
    x, y = x.float(), y.float()
    return (F.normalize(x, dim=dim) * F.normalize(y, dim=dim)).sum(dim)
