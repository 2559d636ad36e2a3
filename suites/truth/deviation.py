"""The numbers that say how far answers are from the truth."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from suites.records.case import ROUNDOFFS
from suites.records.finding import Deviation
from suites.truth.oracle import Truth

_MOST = 1e100
"""An error from which on errors are one to us, and their squares still numbers."""


class Comparison(NamedTuple):
    """The answers to one question: values and truth of one shape, NaN where there is no true value.

    `dtype` is that of the answers, and `bound` what each may be off.
    """

    values: Truth
    truth: Truth
    dtype: str
    bound: Truth | float


def deviation(answers: Sequence[Comparison], *, cosines: bool = True) -> Deviation:
    """Sum up the answers to all questions of a family; `cosines` says whether that is what they are.

    Errors are taken where the truth and the answer are both numbers: NaN never matches NaN, and an answer that is none
    is counted instead. In the unit in the last place of values in (1/2, 1], an error is a multiple of the unit
    roundoff of their dtype; nearer to 0 that unit tells nothing (`ulp_max`).
    """
    values = np.concatenate([a.values.ravel() for a in answers])
    truth = np.concatenate([a.truth.ravel() for a in answers])
    bounds, units = (
        np.concatenate([np.broadcast_to(each, a.truth.shape).ravel() for a, each in zip(answers, those, strict=True)])
        for those in ([a.bound for a in answers], [ROUNDOFFS[a.dtype] for a in answers])
    )
    judged = np.isfinite(truth) & np.isfinite(values)
    errors = np.minimum(np.abs(values[judged] - truth[judged]), _MOST).astype(np.float64)
    shares = errors / bounds[judged]
    worst = int(shares.argmax()) if shares.size else -1
    large = cosines & (np.abs(truth[judged]) > 0.5)
    return Deviation(
        pairs=int(np.isfinite(truth).sum()),
        output_dtype=max((a.dtype for a in answers), key=ROUNDOFFS.__getitem__),
        error_max=float(errors.max(initial=0)),
        error_rms=float(np.sqrt(np.mean(errors**2))) if errors.size else 0.0,
        error_p999=float(np.quantile(errors, 0.999)) if errors.size else 0.0,
        ulp_max=float((errors / units[judged])[large].max()) if large.any() else None,
        lost=int((np.isfinite(truth) & ~np.isfinite(values)).sum()),
        nans=int(np.isnan(values).sum()),
        infs=int(np.isinf(values).sum()),
        above_one=int((np.abs(values) > 1).sum()) if cosines else None,
        exactly_one=int((values == 1).sum()) if cosines else None,
        distinct=len(np.unique(values[judged])),
        kendall=_kendall(values[judged], truth[judged]),
        bound=float(bounds[judged][worst]) if shares.size else 0.0,
        bound_share=float(shares[worst]) if shares.size else 0.0,
    )


def _kendall(values: npt.NDArray[np.float64], truth: npt.NDArray[np.float64]) -> float | None:
    """Kendall's tau-b of the answers against the truth; None where either has one value only."""
    truth = truth.astype(np.float64).round(12)  # equal truths differ by the roundings of the oracle
    if len(np.unique(truth)) < 2 or len(np.unique(values)) < 2:
        return None
    return float(stats.kendalltau(values.astype(np.float64), truth).statistic)
