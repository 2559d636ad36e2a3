"""Random pairs, one function for each distribution."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch

from suites.inputs import blocks
from suites.inputs.blocks import Blocks, Stream, spans
from suites.records.case import Case

Array = npt.NDArray[np.float64]


def prescribed(case: Case, stream: Stream) -> Blocks:
    """Pairs whose cosines are spread evenly over [-1, 1]: all possible angles.

    Row y_j has the prescribed angle to x_(j mod N), and is 1/2 to 2 times as long.
    """
    total, m = _most_rows(case), case.operand_shapes[1][0]
    rng = stream("y")
    cosines = np.resize(rng.permutation(_evenly_spread(m, case.length)), total)
    scales = np.exp2(rng.uniform(-1, 1, total))
    for rows, x in _normal_again_and_again(case, stream):
        # Any direction will do, and uniform numbers are four times as fast as normal ones.
        y = _turned(x, rng.random(x.shape) - 0.5, cosines[rows]) * scales[rows, None]
        yield torch.from_numpy(x), torch.from_numpy(y)


def gaussian(case: Case, stream: Stream) -> Blocks:
    """Independent standard normal numbers, as in most benchmarks: in high dimensions all cosines are near 0."""
    draws = stream("x"), stream("y")
    for rows in spans(0, _most_rows(case), case.length):
        x, y = (torch.from_numpy(rng.standard_normal((rows.stop - rows.start, case.length))) for rng in draws)
        yield x, y


def positive(case: Case, stream: Stream) -> Blocks:
    """Absolute values of normal numbers, like activations after a ReLU: the mean cosine is 2/pi."""
    for x, y in gaussian(case, stream):
        yield x.abs_(), y.abs_()


def offset(case: Case, stream: Stream) -> Blocks:
    """Normal numbers plus 3, like anisotropic embeddings with a common mean: the cosines are near 0.9."""
    for x, y in gaussian(case, stream):
        yield x.add_(3), y.add_(3)


def _most_rows(case: Case) -> int:
    return max(shape[0] for shape in case.operand_shapes)


def _normal_again_and_again(case: Case, stream: Stream) -> Iterator[tuple[slice, Array]]:
    """Row j mod N of x, for each row j of the larger operand. A small x is kept, a large one is drawn again."""
    total, n, length = _most_rows(case), case.operand_shapes[0][0], case.length
    if n * length <= blocks.BLOCK:
        x = stream("x").standard_normal((n, length))
        for rows in spans(0, total, length):
            yield rows, x[np.arange(rows.start, rows.stop) % n]
        return
    for lap in range(0, total, n):
        rng = stream("x")
        for rows in spans(lap, min(lap + n, total), length):
            yield rows, rng.standard_normal((rows.stop - rows.start, length))


def _evenly_spread(count: int, length: int) -> Array:
    cosines = np.linspace(-1, 1, count)
    return cosines if length > 1 else np.where(cosines < 0, -1.0, 1.0)  # single numbers have no other angles


def _turned(x: Array, away: Array, cosines: Array) -> Array:
    """Rows as long as those of x, with these `cosines` to them, in the planes of x and `away` (a Gram-Schmidt step)."""
    squared = np.vecdot(x, x)
    away -= (np.vecdot(away, x) / squared)[:, None] * x
    lengths = np.maximum(np.sqrt(np.vecdot(away, away)), np.finfo(float).tiny)  # 0 where a row is one number
    away *= (np.sqrt((1 - cosines**2) * squared) / lengths)[:, None]
    away += cosines[:, None] * x
    return away
