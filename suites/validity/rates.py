"""From answers to rates: false alarms, power, bias and coverage, each with its binomial interval."""

import pandas as pd
from scipy.stats import binomtest

COLUMNS = (
    "calls", "machine", "slowdown", "method", "trials", "seen", "seen_low", "seen_high",
    "error_median", "coverage", "coverage_low", "coverage_high", "seconds_median",
)  # fmt: skip


def rates(answers: pd.DataFrame) -> pd.DataFrame:
    """One row for each cell (calls, machine, slowdown) and method.

    `seen` is the share of trials in which a difference was claimed in the right direction, or in any
    where the functions are identical: false alarms at a slowdown of 0, power above it.
    `error_median` is the median of |estimated ratio / true ratio - 1|; `coverage` the share of intervals that
    hold the true ratio, missing for methods that give none.
    """
    rows = []
    for key, cell in answers.groupby(["calls", "machine", "slowdown", "method"], sort=False):
        true = 1 + cell["slowdown"]
        seen = cell["differs"] & ((cell["slowdown"] == 0) | (cell["ratio"] > 1))
        inside = (cell["low"] <= true) & (true <= cell["high"])
        covered = _rate(inside) if cell["low"].notna().all() else (float("nan"),) * 3
        error = (cell["ratio"] / true - 1).abs().median()
        rows.append((*key, len(cell), *_rate(seen), error, *covered, cell["seconds"].median()))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _rate(hits: pd.Series) -> tuple[float, float, float]:
    """A share with its 95 % interval by Clopper and Pearson."""
    result = binomtest(int(hits.sum()), len(hits))
    interval = result.proportion_ci(0.95)
    return float(result.statistic), float(interval.low), float(interval.high)
