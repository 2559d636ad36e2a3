"""The eps rule of an implementation, inferred from its answers."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from implementations import Implementation
from suites.errors.black_box import BlackBox, decades
from suites.failure import Failure

WIDEST = ("float64", "float32", "bfloat16", "float16")
_NO_SQUARE = {"float16": 2.0**-7}  # the square of a smaller norm is subnormal
_NO_FLOAT32_SQUARE = 2.0**-63  # the same in float32, in which an implementation may compute


@dataclass(frozen=True)
class Eps:
    """The rule that keeps small norms from dividing by zero, and the norm where it begins; 0 without a rule."""

    rule: str
    norm: float


@cache  # the same for every dtype of a contract
def eps_of(entry: Implementation, device: str, dtypes: tuple[str, ...] = WIDEST) -> Eps:
    """The eps rule, inferred from how answers shrink with the norm, in the first of `dtypes` that gives answers.

    "maximum" is max(‖x‖, eps) or √max(‖x‖², eps²), which give the same answers. "added" is ‖x‖ + eps, and "added to
    squares" √(‖x‖² + eps²). Each applies "per norm" or to the product of both norms, "of the product". Rules with a
    jump are "0 below" and "not divided below" a norm, which is known to a power of ten. "none": no norm shrinks whose
    square is normal. "": a norm of 1 shrinks, or there is no answer.
    """
    for dtype in (d for d in dtypes if d in entry.dtypes and (device, d) != ("mps", "float64")):
        try:
            return _inferred(BlackBox(entry, dtype, device))
        except Failure:
            continue
    return Eps("", 0.0)


def _inferred(box: BlackBox) -> Eps:
    norms = decades(box.dtype)
    norms = norms[norms <= 1][::-1]
    kept = box.kept(norms, 1.0)
    shrunk = np.flatnonzero(~(kept > 0.75))
    if not shrunk.size:
        return Eps("none", 0.0)
    if shrunk[0] == 0:
        return Eps("", 0.0)
    first, above = shrunk[0], float(norms[shrunk[0] - 1])
    far = slice(first + 2, first + 5)  # from here on every rule divides by its eps alone
    floors = norms[far] / np.where(kept[far] > 0, kept[far], np.nan)
    steady = len(floors) == 3 and np.ptp(floors) <= 0.1 * floors[-1]
    if steady and floors[-1] <= 30 * above:
        return Eps(_rule(box, floors[-1]), float(f"{floors[-1]:.{2 if box.dtype == 'bfloat16' else 3}g}"))
    if above > _NO_SQUARE.get(box.dtype, _NO_FLOAT32_SQUARE):
        if steady:
            return Eps("not divided below", above)
        if not kept[first : first + 3].any():
            return Eps("0 below", above)
    return Eps("none", 0.0)


def _rule(box: BlackBox, floor: float) -> str:
    """The norm `floor` keeps a share of 1, 1/√2 or 1/2. A tenth of it, with a norm of 100, has the same product."""
    at_floor, beside_large = box.kept([floor, floor / 10], [1.0, 100.0])
    how = "maximum" if at_floor > 0.85 else "added to squares" if at_floor > 0.6 else "added"
    return f"{'of the product' if beside_large > 0.5 else 'per norm'}, {how}"
