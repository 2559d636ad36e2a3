"""Medians, how sure they are, and ratios of samples that were taken side by side. Torch-free."""

import functools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
VERDICT_CONFIDENCE = 0.99
"""A verdict asks for more than the interval that is shown: a table has many, and a false one costs a merge."""

FEW, CLEARLY = 8, 1.5  # of fewer than 8 values no interval of the median has 99 % confidence
FEWEST_BLOCKS = 16
SURELY = 2.6  # standard errors
Samples = NDArray[np.float64]
Mask = NDArray[np.bool_]


def medians(samples: Sequence[Samples], confidence: float = CONFIDENCE) -> Samples:
    """The median of each sample with its confidence interval; `[len(samples), 3]`, NaN where a sample is empty.

    The interval runs between two order statistics, so that it assumes nothing about the
    distribution. Source: W. J. Conover, Practical Nonparametric Statistics, 3rd edition, section 3.2.
    """
    summary = np.full((len(samples), 3), np.nan)
    sizes = np.fromiter(map(len, samples), dtype=int, count=len(samples))
    for size in np.unique(sizes[sizes > 0]):
        rows = np.flatnonzero(sizes == size)
        ordered = np.sort([samples[row] for row in rows.tolist()], axis=1)
        low, high = interval_ranks(int(size), confidence)
        summary[rows] = np.column_stack([np.median(ordered, axis=1), ordered[:, low], ordered[:, high]])
    return summary


@functools.cache
def interval_ranks(size: int, confidence: float = CONFIDENCE) -> tuple[int, int]:
    """Which two of `size` sorted values, counted from 0, enclose the median with at least that confidence.

    Where there are too few for that (below 6 for 95 %) it is the smallest and the largest.
    """
    from scipy.stats import binom  # slower to import than all the rest together

    low = max(0, int(binom.ppf((1 - confidence) / 2, size, 0.5)) - 1)
    return low, size - 1 - low


def summaries(ratios: Sequence[Samples], of_processes: Mask, confidence: float = CONFIDENCE) -> Samples:
    """The ratio that each set of them tells, with its confidence interval; `[len(ratios), 3]`.

    Where `of_processes`, `[len(ratios)]`, is False a set holds the pairs of rounds of one process: their
    median. Where it is True it holds a median for each of several processes: their geometric mean, with
    Student's t interval of the logarithms, which covers how processes differ; NaN for fewer than two.
    """
    table = medians(ratios, confidence)
    for row in np.flatnonzero(of_processes).tolist():
        table[row] = _mean(ratios[row], confidence)
    return table


def verdicts(ratios: Sequence[Samples], noise_floor: Samples, of_processes: Mask) -> list[str]:
    """ "faster", "slower" or "no difference seen" for each set of `summaries`; "" where it tells nothing.

    A difference is seen where the 99 % interval excludes 1 and the ratio is further from 1 than
    `noise_floor`, `[len(ratios)]`, which is as far as two identical contestants were seen apart. Fewer than
    8 pairs of rounds have no such interval: there each single one has to be beyond a factor of 1.5.
    """
    middle, low, high = summaries(ratios, of_processes, VERDICT_CONFIDENCE).T
    few = np.array([len(ratio) < FEW for ratio in ratios], dtype=bool) & ~of_processes
    margin = np.where(few, CLEARLY, 1.0)
    seen = ((high < 1 / margin) | (low > margin)) & (np.maximum(middle, 1 / middle) > 1 + np.nan_to_num(noise_floor))
    words = np.where(seen, np.where(middle < 1, "faster", "slower"), "no difference seen")
    return [str(word) for word in np.where(np.isnan(middle), "", words)]


def noise_floors(controls: Samples) -> Samples:
    """How far from 1 the ratio of the baseline to itself may be: the end of its interval; `[n, 3]` to `[n]`.

    As a slowdown: 0.04 for an interval that reaches 1.04, or 1 / 1.04.
    """
    _, low, high = controls.T
    return np.asarray(np.maximum(1 / low, high) - 1)


def paired_ratios(samples: Samples, stride: int, base: Samples, base_stride: int) -> Samples:
    """`samples / base` for each pair of rounds that both took part in, as the geometric mean of the two.

    The second round of a pair runs in the mirrored order of the first, so that a drift within the
    rounds and the advantage of coming first cancel. Samples 2j and 2j + 1 belong to the pair j * stride.
    """
    step = math.lcm(stride, base_stride)
    ours, theirs = _pairs(samples)[:: step // stride], _pairs(base)[:: step // base_stride]
    pairs = min(len(ours), len(theirs))
    return np.asarray(np.sqrt(np.prod(ours[:pairs] / theirs[:pairs], axis=1)))


def blocked(ratios: Sequence[Samples]) -> list[Samples]:
    """Ratios of which one tells of the next, as geometric means of blocks that don't; others as they are.

    Neighbours become one for as long as they correlate and 16 are left, so that an interval takes them for
    as many values as they are worth. Source: H. Flyvbjerg and H. G. Petersen, Error estimates on averages of
    correlated data, J. Chem. Phys. 91 (1989) 461.
    """
    blocks = list(ratios)
    sizes = np.fromiter(map(len, blocks), dtype=int, count=len(blocks))
    for size in np.unique(sizes[sizes >= 2 * FEWEST_BLOCKS]).tolist():
        rows = np.flatnonzero(sizes == size)
        values = np.array([blocks[row] for row in rows.tolist()])
        while len(rows) and values.shape[1] >= 2 * FEWEST_BLOCKS:
            correlated = lag_one(values) > SURELY / values.shape[1] ** 0.5
            rows, values = rows[correlated], values[correlated, : values.shape[1] // 2 * 2]
            values = np.sqrt(values[:, ::2] * values[:, 1::2])
            for row, block in zip(rows.tolist(), values, strict=True):
                blocks[row] = block
    return blocks


def lag_one(values: Samples) -> Samples:
    """How each row's values correlate with the next ones, by their ranks; `[n, size]` to `[n]`, NaN if all equal."""
    from scipy.stats import rankdata  # slower to import than all the rest together

    ranks = rankdata(values, axis=1)  # one outlier decides nothing
    before, after = (part - part.mean(axis=1, keepdims=True) for part in (ranks[:, :-1], ranks[:, 1:]))
    with np.errstate(invalid="ignore"):
        return np.asarray((before * after).sum(axis=1) / np.sqrt((before**2).sum(axis=1) * (after**2).sum(axis=1)))


def _mean(ratios: Samples, confidence: float) -> Samples:
    from scipy import stats  # slower to import than all the rest together

    if len(ratios) < 2:
        return np.full(3, np.nan)
    logs = np.log(ratios)
    half = stats.t.ppf((1 + confidence) / 2, len(logs) - 1) * stats.sem(logs)
    return np.asarray(np.exp(logs.mean() + np.array([0, -half, half])))


def _pairs(samples: Samples) -> Samples:
    return samples[: len(samples) // 2 * 2].reshape(-1, 2)


def effective_rank(singular_values: NDArray[np.float64]) -> float:
    """exp of the entropy of the singular values as shares of their sum. Source: RankMe, arXiv 2210.02885."""
    from scipy.stats import entropy  # a second to import, and few need it

    return float(np.exp(entropy(singular_values)))
