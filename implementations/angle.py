"""The angle without a cosine: below 2^-12 an fp32 cosine is rounded to 1, and its arc cosine is 0."""

import math

import torch

from implementations.registry import implementation


@implementation(
    "angle", devices=("cpu", "cuda"), angle_by="atan2", work="float64", roundings=8, dot="lanes", norm="cascade"
)
def angle(x, y, dim=-1):
    """2 atan2(‖x̂ - ŷ‖, ‖x̂ + ŷ‖) in float64, rounded once: to float32, or to float64 where an input is.

    In radians. A zero row gives π/2, because its similarity is 0. There is no gradient there, nor at 0 and π, where the
    angle has a kink. NaN and infinity give NaN. Source: W. Kahan, How Futile are Mindless Assessments of Roundoff in
    Floating-Point Computation?, 2006, §12.
    """
    dtype = torch.promote_types(torch.promote_types(x.dtype, y.dtype), torch.float32)
    if dtype.is_complex:
        raise TypeError(
            f"angle takes real numbers, not {x.dtype} and {y.dtype}; pass real and imaginary parts side by side"
        )
    x, y = (_unit(t, dim) for t in torch.broadcast_tensors(x, y))
    norm = torch.linalg.vector_norm  # its gradient at 0 is 0
    apart, together = norm(x - y, dim=dim), norm(x + y, dim=dim)
    zero = norm(x, dim=dim) * norm(y, dim=dim) == 0
    theta = 2 * torch.atan2(apart, together.masked_fill(zero, 1))
    return theta.masked_fill(zero, math.pi / 2).to(dtype)


def _unit(t, dim):
    """Unit rows in float64; rows of zeros stay zeros."""
    t = t.double().contiguous()
    if t.numel():
        largest = t.detach().abs().amax(dim, keepdim=True)  # no square leaves the range
        t = t / largest.masked_fill(largest == 0, 1)
    squared = t.square().sum(dim, keepdim=True)
    return t / squared.masked_fill(squared == 0, 1).sqrt()
