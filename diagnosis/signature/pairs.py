"""Figures of pairs of rows, from all rows if they are few and else from a sample."""

import math
from collections.abc import Mapping

import numpy as np
import torch
from scipy import stats

from diagnosis.signature.rows import directions, generator, usable
from diagnosis.signature.sums import singular
from suites import statistics

MOST = 1024  # rows of a sample
GROUPS = 16  # parts of a sample, whose differences give the intervals


def spread(table: torch.Tensor, centred: torch.Tensor) -> dict[str, float]:
    """The spread of the cosines of pairs of rows, `[M, K]`, as they are and `centred`."""
    raw, freed = off_diagonal(directions(table)), off_diagonal(directions(centred))
    low, high = np.quantile(raw.numpy(), [0.05, 0.95]) if len(raw) else (math.nan, math.nan)
    return {
        "std_cosine": float(raw.std(correction=0)) if len(raw) else math.nan,
        "low_cosine": float(low),
        "high_cosine": float(high),
        "centred_mean_cosine": float(freed.mean()),
        "centred_std_cosine": float(freed.std(correction=0)) if len(freed) else math.nan,
        "centred_size": float(freed.abs().mean()),
    }


def intervals(table: torch.Tensor, centred: torch.Tensor, whole: Mapping[str, float]) -> dict[str, tuple[float, float]]:
    """The 95 % interval of each figure of a sample, from the differences of its `GROUPS` groups (Student's t)."""
    order = torch.randperm(len(table), generator=generator()).chunk(GROUPS)
    groups = [spread(table[group], centred[group]) for group in order]
    found = {}
    for name, value in whole.items():
        reach = float(stats.t.ppf(0.975, GROUPS - 1) * stats.sem([group[name] for group in groups]))
        found[name] = (value - reach, value + reach)
    return found


def ties(table: torch.Tensor) -> float:
    """Share of the cosines of neighbouring rows that equal another one, after rounding to the table's dtype."""
    units = directions(table)
    cosines = (units[:-1] * units[1:]).sum(1).to(table.dtype)
    return 1 - len(cosines.unique()) / len(cosines) if len(cosines) else math.nan


def off_diagonal(units: torch.Tensor) -> torch.Tensor:
    """The cosines of all pairs of different rows, each twice, `[M - 1, M]`."""
    count = len(units)
    return (units @ units.T).flatten()[:-1].view(count - 1, count + 1)[:, 1:] if count > 1 else units.new_zeros(0)


def effective_rank(singular: torch.Tensor) -> float:
    """`suites.statistics.effective_rank` of a tensor; NaN if all singular values are 0."""
    return statistics.effective_rank(singular.numpy()) if singular.sum() > 0 else math.nan


def singular_values(table: torch.Tensor) -> torch.Tensor:
    """The singular values of the usable rows of `[M, K]`, up to a common factor against overflow."""
    wide = table[usable(table)].double()
    if not len(wide):
        return torch.zeros(1)
    wide = wide / wide.abs().max()
    return singular(wide.T @ wide if len(wide) > wide.shape[1] else wide @ wide.T)
