"""Whether two results of one contestant are the same."""

import torch


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
