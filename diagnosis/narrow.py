"""Few directions: a collapsed rank, and what resembles it and is healthy, tight clusters."""

import math

import numpy as np
import torch

from diagnosis.rows import about, directions, sample_rows, sides, usable
from diagnosis.spread import off_diagonal
from diagnosis.subject import Subject

SHARES = np.arange(0.03, 0.99, 0.005)  # below 3 % of the pairs distances on a line differ by more than the gap
GAP = 1.5
MOST = 512  # rows that are looked at: their distances are 130,816


def narrowness(subject: Subject) -> float:
    """The mean |cosine| of the directions of each side about their mean: 1 on a line, sqrt(2 / (pi k)) in k dims.

    It is of directions, so that norms that differ, along the mean, do not count. 0.0 where there are none.
    """
    sizes = []
    for table in sample_rows(sides(subject), MOST):
        units = directions(table)
        away = about(units, units.mean(0))
        rounding = away.norm(dim=1) < torch.finfo(table.dtype).eps
        cosines = off_diagonal(directions(away[~rounding]))
        if cosines.numel():
            sizes.append(float(cosines.abs().mean()))
    return max(sizes, default=0.0)


def few_dimensions(columns: int, rows: int) -> float:
    """The narrowness from which on it is out of order: three dims or fewer, where there is room for more."""
    room = min(columns, rows - 1)
    return 0.47 if room > 6 else min(1.2 * math.sqrt(2 / (math.pi * max(room, 1))), 0.999)


def clustered(subject: Subject) -> bool:
    """Whether the distances of a side's rows leave a gap: no pair lies between near and far."""
    return any(_gap(table[usable(table)].double()) for table in sample_rows(sides(subject), MOST))


def _gap(table: torch.Tensor) -> bool:
    if len(table) < 4:
        return False
    steps = np.quantile(torch.pdist(table).numpy(), SHARES)
    near, far = steps[:-1], steps[1:]
    return bool((far[near > 0] / near[near > 0] > GAP).any() or (steps[0] == 0 < steps[-1]))
