"""Medians, how sure they are, and ratios of samples that were taken side by side."""

import functools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
Samples = NDArray[np.float64]


def medians(samples: Sequence[Samples]) -> Samples:
    """The median of each sample with its confidence interval; `[len(samples), 3]`, NaN where a sample is empty.

    The interval runs between two order statistics, so that it assumes nothing about the
    distribution. Source: W. J. Conover, Practical Nonparametric Statistics, 3rd edition, section 3.2.
    """
    summary = np.full((len(samples), 3), np.nan)
    sizes = np.fromiter(map(len, samples), dtype=int, count=len(samples))
    for size in np.unique(sizes[sizes > 0]):
        rows = np.flatnonzero(sizes == size)
        ordered = np.sort([samples[row] for row in rows.tolist()], axis=1)
        low, high = interval_ranks(int(size))
        summary[rows] = np.column_stack([np.median(ordered, axis=1), ordered[:, low], ordered[:, high]])
    return summary


@functools.cache
def interval_ranks(size: int) -> tuple[int, int]:
    """Which two of `size` sorted values, counted from 0, enclose the median with at least 95 % confidence.

    Below 6 values no two do; it is the smallest and the largest then.
    """
    from scipy.stats import binom  # slower to import than all the rest together

    low = max(0, int(binom.ppf((1 - CONFIDENCE) / 2, size, 0.5)) - 1)
    return low, size - 1 - low


def paired_ratios(samples: Samples, stride: int, base: Samples, base_stride: int) -> Samples:
    """`samples / base` in every round that both took part in: sample j belongs to round j * stride."""
    step = math.lcm(stride, base_stride)
    ours, theirs = samples[:: step // stride], base[:: step // base_stride]
    rounds = min(len(ours), len(theirs))
    return ours[:rounds] / theirs[:rounds]
