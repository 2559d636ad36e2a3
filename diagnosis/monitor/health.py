"""Since when a figure has left its own healthy range: a change point, not a threshold that fits all models."""

import math
import statistics
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from diagnosis.monitor.look import Look
from diagnosis.verdict import ALWAYS


@dataclass(frozen=True)
class Figure:
    """One that falls as embeddings collapse, and when it has fallen too far.

    It has below a `drop`-th of its healthy level, if that is below `most` too, and below `least` wherever it was.
    `cause` is what it speaks for where nothing else is known.
    """

    name: str
    cause: str
    value: Callable[[Look], float]
    drop: float
    most: float
    least: float = 0.0


RANK = Figure("participation ratio", "rank_collapse", lambda look: look.participation_ratio, 2, 1.001)
"""Two classes that have been learnt leave 1.01 dimensions and are no collapse, so that `most` is what is left by it."""

FIGURES = (
    Figure("usable rows", "nan_or_zero_rows", lambda look: look.usable_rows, 1.1, 1.0),
    # A deep network begins with 0.99 and trains all the same: it has to fall from where it was. 1e-5 is one point.
    Figure("1 - mean cosine", "training_collapse", lambda look: 1 - look.mean_cosine, 5, 1 - ALWAYS, 1e-5),
    RANK,
)
OUTLYING = 3  # standard deviations from the median, as the median absolute deviation has them
APART = 0.25  # of the logarithm: a few looks are nearer to each other than those to come


class Health:
    """The healthy level of a figure, the best median over `window` steps so far, and the looks below its limit."""

    def __init__(self, figure: Figure, window: int) -> None:
        self.figure, self._window = figure, window
        self._level = 0.0
        self._healthy: deque[Look] = deque()
        self.fallen: list[Look] = []
        """The last looks, all of them below the limit."""

    @property
    def limit(self) -> float:
        """Below it the figure has fallen."""
        return max(min(self._level / self.figure.drop, self.figure.most), self.figure.least)

    def add(self, look: Look) -> None:
        """Take a look into account; one where the figure is NaN tells nothing of it."""
        value = self.figure.value(look)
        if math.isnan(value):
            return
        if value < self.limit:
            self.fallen.append(look)
            return
        self._healthy += [*self.fallen, look]
        self.fallen.clear()
        while look.step - self._healthy[0].step > self._window:
            self._healthy.popleft()
        if value > self._level:
            self._level = max(self._level, self.before())

    def accept(self) -> None:
        """What it has fallen to is healthy."""
        self._level = self.figure.value(self.fallen[-1])
        self._healthy.clear()
        self.fallen.clear()

    def before(self) -> float:
        """The median over the window before it fell; NaN where it never was higher."""
        return statistics.median(map(self.figure.value, self._healthy)) if self._healthy else math.nan

    def began(self) -> int:
        """The step of the first look from which on the figure is outside the range of the window before it fell."""
        if not self._healthy:
            return self.fallen[0].step
        values = np.log([self.figure.value(one) for one in self._healthy])
        reach = max(OUTLYING * stats.median_abs_deviation(values, scale="normal"), APART)
        inside = values >= np.median(values) - reach
        last = int(np.flatnonzero(inside)[-1])
        return [*self._healthy, *self.fallen][last + 1].step
