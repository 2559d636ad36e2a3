"""Summarises how far answers are from the truth."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from suites.records.case import ROUNDOFFS
from suites.records.finding import Deviation
from suites.truth.oracle import Truth

_MOST = 1e100
"""Larger errors count as this one, whose square is still finite."""


class Evaluation(NamedTuple):
    """The answers to one question and the true values, in one shape; NaN where no true value exists.

    `dtype` is the dtype of the answers, `bound` the largest error allowed for each.
    """

    values: Truth
    truth: Truth
    dtype: str
    bound: Truth | float


def deviation(answers: Sequence[Evaluation], *, cosines: bool = True) -> Deviation:
    """Summarise the answers to all questions of a family; `cosines` says whether the answers are cosines.

    Errors are taken where truth and answer are both finite. Other answers are counted: NaN never matches NaN. `ulp_max`
    counts values in (1/2, 1], whose unit in the last place is the unit roundoff of their dtype.
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
    """Kendall's tau-b of the answers against the truth; None if either has a single value."""
    truth = truth.astype(np.float64).round(12)  # equal truths may differ by the oracle's rounding
    if len(np.unique(truth)) < 2 or len(np.unique(values)) < 2:
        return None
    return float(stats.kendalltau(values.astype(np.float64), truth).statistic)
