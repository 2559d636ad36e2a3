"""The error bound of an implementation, computed from its stated arithmetic."""

import math

import numpy as np
import numpy.typing as npt

from implementations import Implementation
from suites.records.case import ROUNDOFFS
from suites.truth.oracle import Truth

_VECTOR_BYTES = 16  # of the narrowest vectors that torch uses (NEON, SSE); wider vectors have shorter chains
_UNROLLED = 32  # accumulators of torch's cascade sum: 4 vectors of 8


def bound(entry: Implementation, length: int, dtype: str, output_dtype: str) -> float:
    """The largest absolute error that the stated arithmetic explains while nothing over- or underflows.

    |Δcos| ≤ u_out / 2 + Δ with Δ = k u_work + (4 + h_dot + h_norm) u_sum. The terms are the result's own rounding, k
    roundings of intermediate results, and the sums. A sum has its longest chain of additions and 2 roundings of
    elements; the sums are the dot product and the two norms, each of which counts half. This is the first order of γ_n
    (Higham, Accuracy and Stability of Numerical Algorithms, §3.1, §4.2); Σ|x_i y_i| ≤ ‖x‖‖y‖ makes it absolute. The
    bound is never above 1/2: a result without information about the truth is wrong in any dtype. For angles it is the
    largest of `bounds`.

    Args:
        entry: states k (`roundings`), the dtype of intermediate results (`work`), and its ways of summing.
        length: how many products one cosine sums.
        dtype: of the inputs.
        output_dtype: of the result.
    """
    if entry.task == "angle":
        return float(bounds(entry, length, dtype, output_dtype, np.array(math.pi)))
    return min(0.5, _before(entry, length, dtype) + ROUNDOFFS[output_dtype] / 2)


def bounds(entry: Implementation, length: int, dtype: str, output_dtype: str, truth: Truth) -> npt.NDArray[np.float64]:
    """`bound` for each of these true answers, in their shape. The bound of an angle depends on the angle.

    An angle θ by "atan2" has an error of at most Δ: an error of the unit rows turns them by no more, and an error ε of
    the norms of their sum and difference moves the angle by ε sin θ. An arc cosine may be as far from θ as
    acos(cos θ ± Δ), which near 0 and π is √(2Δ). Both add 2 u_sum θ for the function (1 ULP) and u_out θ for the last
    rounding.
    """
    if entry.task != "angle":
        return np.full(truth.shape, bound(entry, length, dtype, output_dtype))
    angle, before = truth.astype(np.float64), _before(entry, length, dtype)
    last = (2 * ROUNDOFFS[_sum_dtype(entry, dtype)] + ROUNDOFFS[output_dtype]) * angle
    if entry.angle_by == "atan2":
        return before + last
    reach = [np.abs(np.arccos(np.clip(np.cos(angle) + off, -1, 1)) - angle) for off in (-before, before)]
    return np.maximum(*reach) + last


def additions(way: str, length: int, dtype: str) -> int:
    """The longest chain of additions for one element when `length` elements are summed in this way.

    "one by one" is an upper limit for any order. "lanes": one vector of partial sums runs over the row, as in torch's
    CPU norm. "cascade": partial sums of partial sums in four levels, as in torch's sum (ATen/native/cpu/SumKernel.cpp);
    a GPU's tree is shorter.
    """
    if way == "lanes":
        lanes = _VECTOR_BYTES // {"float64": 8, "float32": 4}.get(dtype, _VECTOR_BYTES)  # 16-bit norms add one by one
        return math.ceil(length / lanes) + lanes
    if way == "cascade":
        rows = math.ceil(length / _UNROLLED)
        level = max(16, 1 << math.ceil(math.log2(rows) / 4))
        return min(length, min(rows, 4 * level) + 16)
    return length


def _before(entry: Implementation, length: int, dtype: str) -> float:
    """Δ: the error of a result before its own rounding."""
    work = _work_dtype(entry, dtype)
    chains = 4 + sum(additions(way, length, work) for way in (entry.dot, entry.norm))
    return min(0.5, entry.roundings * ROUNDOFFS[work] + chains * ROUNDOFFS[_sum_dtype(entry, dtype)])


def _work_dtype(entry: Implementation, dtype: str) -> str:
    return entry.work if ROUNDOFFS.get(entry.work, 1) < ROUNDOFFS[dtype] else dtype


def _sum_dtype(entry: Implementation, dtype: str) -> str:
    """Sums and functions of 16-bit numbers are computed in float32."""
    work = _work_dtype(entry, dtype)
    return work if ROUNDOFFS[work] < ROUNDOFFS["float32"] else "float32"
