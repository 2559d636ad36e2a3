"""The textbook form: x·y / (‖x‖ ‖y‖)."""

import torch

from implementations.registry import implementation


@implementation(roundings=5.5, dot="cascade", norm="lanes")
def dot_over_norms(x, y, dim=-1):
    """Divide the dot product by the product of the norms, without normalised copies.

    No eps: a zero row gives NaN. In float16 a dot product or a product of norms above 65504 overflows.
    """
    return (x * y).sum(dim) / (torch.norm(x, p=2, dim=dim) * torch.norm(y, p=2, dim=dim))
