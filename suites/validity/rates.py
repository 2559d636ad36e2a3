"""Error rates of the methods: false alarms, power, bias and coverage, with binomial intervals."""

import pandas as pd
from scipy.stats import binomtest

COLUMNS = (
    "calls", "machine", "slowdown", "method", "trials", "seen", "seen_low", "seen_high",
    "error_median", "coverage", "coverage_low", "coverage_high", "seconds_median",
)  # fmt: skip


def rates(outcomes: pd.DataFrame) -> pd.DataFrame:
    """One row for each cell (calls, machine, slowdown) and method.

    `seen` is the share of pairs called different: false alarms at a slowdown of 0; above it power, which counts only
    slowdowns. `error_median` is the median of |estimated ratio / true ratio - 1|. `coverage` is the share of intervals
    that contain the true ratio, NaN for methods without intervals.
    """
    rows = []
    for key, cell in outcomes.groupby(["calls", "machine", "slowdown", "method"], sort=False):
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
