"""How far from the truth an implementation may be: what it states of its arithmetic, made into a number."""

import math

from implementations import Implementation
from suites.case import ROUNDOFFS

_VECTOR_BYTES = 16  # of the narrowest vectors that torch is built for (NEON, SSE); wider ones sum in shorter chains
_UNROLLED = 32  # accumulators of torch's cascade sum: 4 vectors of 8


def bound(entry: Implementation, length: int, dtype: str, output_dtype: str) -> float:
    """The largest absolute error that the stated arithmetic explains while nothing over- or underflows.

    |Δcos| ≤ u_out / 2 + k u_work + (4 + h_dot + h_norm) u_sum: the result's own rounding, k roundings of results
    between operations, and the longest chain of additions, and 2 roundings of elements, in the dot product and in
    the two norms, each of which counts half. First order of γ_n (Higham, Accuracy and Stability of Numerical
    Algorithms, §3.1, §4.2); Σ|x_i y_i| ≤ ‖x‖‖y‖ makes it absolute. Never above 1/2: a result that tells nothing about
    the truth is wrong in any dtype. An angle is off by acos(1 - |Δcos|) at most, and then rounded itself.

    Args:
        entry: states k (`roundings`), the dtype of results between operations (`work`), and its ways of summing.
        length: how many products one cosine sums.
        dtype: of the inputs.
        output_dtype: of the result.
    """
    work = entry.work if ROUNDOFFS.get(entry.work, 1) < ROUNDOFFS[dtype] else dtype
    sums = work if ROUNDOFFS[work] < ROUNDOFFS["float32"] else "float32"  # 16-bit sums are taken in float32
    chains = 4 + sum(additions(way, length, work) for way in (entry.dot, entry.norm))
    before = entry.roundings * ROUNDOFFS[work] + chains * ROUNDOFFS[sums]
    if entry.task == "angle":
        return math.acos(1 - min(0.5, before)) + 2 * ROUNDOFFS[output_dtype]
    return min(0.5, before + ROUNDOFFS[output_dtype] / 2)


def additions(way: str, length: int, dtype: str) -> int:
    """The longest chain of additions that an element passes through when `length` of them are summed in this way.

    "one by one" is what any order stays below. "lanes": one vector of partial sums goes over the row, as in
    torch's CPU norm. "cascade": partial sums of partial sums in four levels, as in torch's sum
    (ATen/native/cpu/SumKernel.cpp); a GPU's tree is shorter.
    """
    if way == "lanes":
        lanes = _VECTOR_BYTES // {"float64": 8, "float32": 4}.get(dtype, _VECTOR_BYTES)  # 16-bit norms go one by one
        return math.ceil(length / lanes) + lanes
    if way == "cascade":
        rows = math.ceil(length / _UNROLLED)
        level = max(16, 1 << math.ceil(math.log2(rows) / 4))
        return min(length, min(rows, 4 * level) + 16)
    return length
