"""Medians with confidence intervals, and ratios of samples from the same rounds. Torch-free."""

import functools
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

CONFIDENCE = 0.95
VERDICT_CONFIDENCE = 0.99
"""Verdicts need more confidence than the intervals shown: a table has many, and a false one costs a merge."""

FEW, CLEARLY = 8, 1.5  # with fewer than 8 values no interval of the median has 99 % confidence
FEWEST_BLOCKS = 16
SURELY = 2.6  # standard errors
Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


def medians(samples: Sequence[Array], confidence: float = CONFIDENCE) -> Array:
    """The median of each sample with its confidence interval; `[len(samples), 3]`, NaN where a sample is empty.

    The interval lies between two order statistics, and assumes nothing about the distribution. Source: W. J. Conover,
    Practical Nonparametric Statistics, 3rd edition, section 3.2.
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
    """The indices of the two of `size` sorted values that enclose the median with at least that confidence.

    With too few values (below 6 for 95 %) these are the first and the last.
    """
    from scipy.stats import binom  # slower to import than all the rest together

    low = max(0, int(binom.ppf((1 - confidence) / 2, size, 0.5)) - 1)
    return low, size - 1 - low


def summaries(ratios: Sequence[Array], of_processes: Mask, confidence: float = CONFIDENCE) -> Array:
    """One ratio for each set of ratios, with its confidence interval; `[len(ratios), 3]`.

    Where `of_processes`, `[len(ratios)]`, is False, a set holds one ratio for each pair of rounds of one process; the
    result is their median. Where it is True, a set holds the median of each process; the result is their geometric
    mean, with Student's t interval of the logarithms, which covers how processes differ; NaN for fewer than two.

    Fewer than 6 pairs have no interval of 95 % confidence, fewer than 8 none of 99 %: it is then from the smallest over
    1.5 to 1.5 times the largest. Ratios that are all 1, those of a contestant to itself, stay so.
    """
    table = medians(ratios, confidence)
    few = np.array(
        [2 * 0.5 ** len(ratio) > 1 - confidence and bool(np.any(ratio != 1)) for ratio in ratios], dtype=bool
    )
    table[few] *= (1.0, 1 / CLEARLY, CLEARLY)
    for row in np.flatnonzero(of_processes).tolist():
        table[row] = _mean(ratios[row], confidence)
    return table


def verdicts(ratios: Sequence[Array], noise_floor: Array, of_processes: Mask) -> list[str]:
    """ "faster", "slower" or "no difference seen" for each set of `summaries`; "" without a ratio.

    A difference is seen if the 99 % interval excludes 1 and the ratio is further from 1 than `noise_floor`,
    `[len(ratios)]`, the largest difference between two identical contestants. Fewer than 8 pairs of rounds have no such
    interval: each of them has to be beyond a factor of 1.5.
    """
    middle, low, high = summaries(ratios, of_processes, VERDICT_CONFIDENCE).T
    seen = ((high < 1) | (low > 1)) & (np.maximum(middle, 1 / middle) > 1 + np.nan_to_num(noise_floor))
    words = np.where(seen, np.where(middle < 1, "faster", "slower"), "no difference seen")
    return [str(word) for word in np.where(np.isnan(middle), "", words)]


def noise_floors(controls: Array) -> Array:
    """How far from 1 the ratio of the baseline to itself may be, by the end of its interval; `[n, 3]` to `[n]`.

    It is a slowdown: 0.04 for an interval that reaches 1.04, or 1 / 1.04.
    """
    _, low, high = controls.T
    return np.asarray(np.maximum(1 / low, high) - 1)


def paired_ratios(samples: Array, stride: int, base: Array, base_stride: int) -> Array:
    """The ratio `samples / base` of each pair of rounds with both: the geometric mean over its two rounds.

    The second round of a pair runs in the mirrored order of the first. So a drift within the rounds and the advantage
    of coming first cancel. Samples 2j and 2j + 1 belong to the pair j * stride.
    """
    step = math.lcm(stride, base_stride)
    ours, theirs = _pairs(samples)[:: step // stride], _pairs(base)[:: step // base_stride]
    pairs = min(len(ours), len(theirs))
    return np.asarray(np.sqrt(np.prod(ours[:pairs] / theirs[:pairs], axis=1)))


def blocked(ratios: Sequence[Array]) -> list[Array]:
    """Autocorrelated ratios as geometric means of blocks; others unchanged.

    Neighbours are averaged until they no longer correlate, or 16 are left. An interval then counts as many values as
    are independent. Source: H. Flyvbjerg and H. G. Petersen, Error estimates on averages of correlated data, J. Chem.
    Phys. 91 (1989) 461.
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


def lag_one(values: Array) -> Array:
    """The rank correlation of each row's values with the next ones; `[n, size]` to `[n]`, NaN if all are equal."""
    from scipy.stats import rankdata  # slower to import than all the rest together

    ranks = rankdata(values, axis=1)  # one outlier decides nothing
    before, after = (part - part.mean(axis=1, keepdims=True) for part in (ranks[:, :-1], ranks[:, 1:]))
    with np.errstate(invalid="ignore"):
        return np.asarray((before * after).sum(axis=1) / np.sqrt((before**2).sum(axis=1) * (after**2).sum(axis=1)))


def _mean(ratios: Array, confidence: float) -> Array:
    from scipy import stats  # slower to import than all the rest together

    if len(ratios) < 2:
        return np.full(3, np.nan)
    logs = np.log(ratios)
    half = stats.t.ppf((1 + confidence) / 2, len(logs) - 1) * stats.sem(logs)
    return np.asarray(np.exp(logs.mean() + np.array([0, -half, half])))


def _pairs(samples: Array) -> Array:
    return samples[: len(samples) // 2 * 2].reshape(-1, 2)


def effective_rank(singular_values: Array) -> float:
    """exp of the entropy of the singular values as shares of their sum. Source: RankMe, arXiv 2210.02885."""
    from scipy.stats import entropy  # a second to import, and few need it

    return float(np.exp(entropy(singular_values)))
