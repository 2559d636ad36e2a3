"""NumKong: hand-written SIMD kernels, one pass over the inputs, outside torch."""

import math

import numkong as nk
import numpy as np
import torch

from implementations.registry import implementation


@implementation(dtypes=("float32", "float64"), devices="cpu", torch_memory=False, work="float64")
def numkong(x, y, dim=-1):
    """One minus `numkong.angular` of the rows of two matrices, with wide accumulation. No gradient.

    A zero row gives 0, and two zero rows give 1.
    """
    dims = tuple(d % x.ndim for d in ((dim,) if isinstance(dim, int) else dim))
    kept, last = [n for d, n in enumerate(x.shape) if d not in dims], tuple(range(-len(dims), 0))
    width = math.prod(x.shape[d] for d in dims)
    rows = (t.detach().movedim(dims, last).reshape(-1, width).contiguous().numpy() for t in (x, y))
    distance = np.asarray(nk.angular(*rows), dtype=np.float64)
    return torch.from_numpy(1 - distance).to(x.dtype).reshape(kept)
