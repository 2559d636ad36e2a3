"""Whether two results of one contestant, or two tensors, are the same."""

import math

import torch

_WORDS = {8: torch.int64, 4: torch.int32, 2: torch.int16, 1: torch.uint8}


def same_results(got: tuple[object, ...], first: tuple[object, ...], compared: int) -> bool:
    """Whether two results have as many parts, and equal ones among the first `compared`."""
    return len(got) == len(first) and all(map(_equal, got[:compared], first[:compared]))


def _equal(a: object, b: object) -> bool:
    """Whether both are plain tensors and equal: a lazy subclass would compute only when it is compared."""
    if not (type(a) is type(b) is torch.Tensor and (a.shape, a.dtype, a.device) == (b.shape, b.dtype, b.device)):
        return False
    return torch.equal(a, b) or torch.allclose(a, b, rtol=0, atol=0, equal_nan=True)  # slower, for rows of zeros


def share_memory(a: object, b: object) -> bool:
    """Whether two results are tensors in one place."""
    return isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor) and a.data_ptr() == b.data_ptr()


def same_bits(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether two tensors hold the same bits, compared as words where layouts agree: 5 times as fast for 16 bits."""
    if a.shape != b.shape:
        return False
    if a.stride() == b.stride():
        a, b = (t.detach().as_strided((t.numel(),), (1,)) for t in (a, b))
        aligned = math.gcd(8, *(t.element_size() * n for t in (a, b) for n in (t.numel(), t.storage_offset())))
        a, b = a.view(_WORDS[aligned]), b.view(_WORDS[aligned])
    return torch.equal(a, b)
