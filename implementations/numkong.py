"""NumKong: hand-written SIMD kernels, one pass over the inputs, outside torch."""

import numkong as nk
import numpy as np
import torch

from implementations.registry import implementation


@implementation(dtypes=("float32", "float64"), devices="cpu", torch_memory=False)
def numkong(x, y, dim=-1):
    """`numkong.angular`, one minus: rows of a matrix, no gradient; wide accumulation."""
    dims = tuple(d % x.ndim for d in ((dim,) if isinstance(dim, int) else dim))
    kept = [n for d, n in enumerate(x.shape) if d not in dims]
    last = tuple(range(-len(dims), 0))
    rows = (t.detach().movedim(dims, last).flatten(-len(dims)).reshape(-1, _width(x, dims)).numpy() for t in (x, y))
    distance = np.asarray(nk.angular(*rows), dtype=np.float64).reshape(kept)
    return torch.from_numpy(1 - distance).to(x.dtype)


def _width(x, dims):
    return int(np.prod([x.shape[d] for d in dims]))
