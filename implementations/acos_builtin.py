"""The usual way to an angle."""

import torch.nn.functional as F

from implementations.registry import implementation


@implementation("angle", baseline=True, angle_by="acos", roundings=6, dot="cascade", norm="lanes")
def acos_builtin(x, y, dim=-1):
    """The arc cosine of `F.cosine_similarity`, in radians. A tuple of dims is flattened into one first.

    The angle is NaN where the similarity is rounded to above 1, and 0 where it is rounded to 1. A zero row gives π/2,
    and NaN in float16, where the eps of 1e-8 is 0.
    """
    if not isinstance(dim, int):
        last = tuple(range(-len(dim), 0))
        x, y, dim = (*(t.movedim(dim, last).flatten(-len(dim)) for t in (x, y)), -1)
    return F.cosine_similarity(x, y, dim=dim).acos()
