"""No mixed precision: 16-bit storage, 16-bit arithmetic."""

from implementations.registry import implementation


@implementation(dtypes=("float16", "bfloat16"), roundings=7.5, dot="cascade", norm="cascade")
def pure_16bit(x, y, dim=-1):
    """Dot product over norms, with every intermediate result rounded to 16 bits.

    No eps: a zero row gives NaN. In float16 a sum of squares above 65504 overflows, and one below 6e-8 is 0.
    """
    dot = (x * y).sum(dim)
    return dot / ((x * x).sum(dim).sqrt() * (y * y).sum(dim).sqrt())
