"""Accurate by construction: sums in float64, one rounding, never beyond ±1."""

import torch

from implementations.registry import implementation


@implementation(devices=("cpu", "cuda"), work="float64", roundings=2.5, dot="cascade", norm="cascade")
def accurate(x, y, dim=-1):
    """x·y / √(x·x y·y) in float64, rounded once: to float32, or to float64 where an input is.

    Accurate over the whole range of every dtype, and exactly 1 for x with x: √ undoes the square. A zero row gives 0
    and no gradient; NaN and infinity give NaN. Products of two 32-bit numbers are exact, so the error is half an ULP.
    float64 has no wider type and keeps the rounding of its own sums. Takes any mix of dtypes, integers included.
    """
    dtype = torch.promote_types(torch.promote_types(x.dtype, y.dtype), torch.float32)
    if dtype.is_complex:
        raise TypeError(
            f"accurate takes real numbers, not {x.dtype} and {y.dtype}; pass real and imaginary parts side by side"
        )
    rank = max(x.ndim, y.ndim)
    x, y = (_wide(t[(None,) * (rank - t.ndim)], dim) for t in (x, y))
    shape = torch.broadcast_shapes(x.shape, y.shape)
    dot, xx, yy = ((a * b).expand(shape).sum(dim) for a, b in ((x, y), (x, x), (y, y)))
    squared = xx * yy
    zero = squared == 0
    c = (dot / squared.masked_fill(zero, 1).sqrt()).masked_fill(zero, 0)
    return (c - (c - c.clamp(-1, 1)).detach()).to(dtype)  # a plain clamp would have no gradient at ±1


def _wide(t, dim):
    """A contiguous float64 copy. Rows of float64 are scaled by a power of two, so their squares stay in range."""
    wide = t.double().contiguous()
    if t.dtype != torch.float64 or not t.numel():
        return wide
    largest = wide.detach().abs().amax(dim, keepdim=True)
    scale = torch.frexp(largest).mantissa / largest  # exact; NaN for zeros, infinity and NaN
    return wide * scale.nan_to_num(1.0).clamp(2.0**-1000, 2.0**1000)
