"""Baselines: thresholds on the mean cosine and on IsoScore. They see a symptom but name no cause."""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
import torch.nn.functional as F
from torch import Tensor

from diagnosis.signature import sums
from diagnosis.subject import Subject

MOST_ROWS = 2048  # only the first rows are used


def mean_cosine(rows: Tensor) -> float:
    """The mean cosine of two different rows of `[N, D]`; NaN if a row is zero.

    Source: "anisotropy", Ethayarajh 2019, arXiv:1909.00512, over all pairs: the squared norm of the sum of N unit rows
    is N plus the sum of their cosines.
    """
    unit = rows / rows.norm(dim=1, keepdim=True)
    return sums.mean_cosine(unit.sum(0), len(unit))


def isoscore(rows: Tensor) -> float:
    """IsoScore of `[N, D]`: 1 for equal variance in all directions, 0 for a single direction, NaN for no variance.

    Source: Rudman, Gillman, Rayne, Eickhoff 2022, arXiv:2108.07344. The variances along the principal axes, as a vector
    of length √D, have the distance d from (1, …, 1); δ = d / √(2 (D − √D)) is the isotropy defect, the share
    φ = (D − δ² (D − √D))² / D² of the dimensions is used, and the score is (D φ − 1) / (D − 1).
    """
    columns = rows.shape[1]
    if columns == 1 or not rows.isfinite().all():
        return math.nan
    variances = torch.linalg.eigvalsh(rows.T.cov()).clamp_min(0)
    scaled = columns**0.5 * variances / variances.norm()
    defect = float((scaled - 1).norm()) / math.sqrt(2 * (columns - columns**0.5))
    share = (columns - defect**2 * (columns - columns**0.5)) ** 2 / columns**2
    return float((columns * share - 1) / (columns - 1))


def _rows(subject: Subject) -> Tensor:
    """All embeddings, of both sides of pairs, `[N, D]` in float64."""
    sides = [side for side in (subject.x, subject.y) if side is not None]
    return torch.cat([side.movedim(subject.dim, -1).flatten(0, -2)[:MOST_ROWS] for side in sides]).double()


def _of_pairs(subject: Subject) -> float:
    """The mean similarity of the pairs, by the user's own function if given; without pairs, of different rows."""
    if subject.y is None:
        return mean_cosine(_rows(subject))
    if subject.similarity is not None:
        return float(subject.similarity(subject.x, subject.y).double().mean())
    return float(F.cosine_similarity(subject.x.double(), subject.y.double(), dim=subject.dim).mean())


BASELINES: Mapping[str, Callable[[Subject], float]] = MappingProxyType(
    {
        "mean cosine of what is compared": _of_pairs,
        "mean cosine of different rows": lambda subject: mean_cosine(_rows(subject)),
        "1 - IsoScore": lambda subject: 1 - isoscore(_rows(subject)),
    }
)
"""Detectors: each returns a number that is higher for a sick subject; NaN counts as an alarm."""
