"""Real data without a download: the handwritten digits that ship with scikit-learn."""

import functools

import numpy as np
import numpy.typing as npt
import torch

from suites.inputs.blocks import Blocks, InputError, Stream, spans
from suites.records.case import Case

_SHAPE = {"paired": (64,), "feature_maps": (1, 8, 8), "pairwise": (64,), "top_k": (64,)}


def digits(case: Case, stream: Stream) -> Blocks:
    """Handwritten digits, 1797 images of 8x8 pixels, in random order, each with the next: real data, cosines near 0.7.

    Grey values 0..16 become 0..1; no image is all zero. More rows than images start again.

    Raises:
        InputError: the shape is other than `[N, 64]`, `[N, 1, 8, 8]`, or `[N, M, 64]` for all pairs.
    """
    require_shape(case)
    n, m = (shape[0] for shape in case.operand_shapes)
    images = _images()
    shuffled = stream("order").permutation(len(images))
    for rows in spans(0, max(n, m), case.length):
        order = np.arange(rows.start, rows.stop)
        x, y = (images[shuffled[(order + shift) % len(images)]] for shift in (0, 1))
        yield torch.from_numpy(x), torch.from_numpy(y)


def require_shape(case: Case) -> None:
    """Raise an `InputError` if the shape of the case is not that of the images."""
    if case.operand_shapes[0][1:] != _SHAPE[case.task]:
        raise InputError(
            f"the digits have 64 pixels: the shape {case.shape} of the task {case.task!r} is not possible; "
            "use (N, 64) for 'paired', (N, 1, 8, 8) for 'feature_maps', (N, M, 64) for 'pairwise' and 'top_k'"
        )


@functools.cache
def _images() -> npt.NDArray[np.float64]:
    from sklearn.datasets import load_digits  # type: ignore[import-untyped]  # two seconds to import

    images: npt.NDArray[np.float64] = load_digits().data / 16
    return images
