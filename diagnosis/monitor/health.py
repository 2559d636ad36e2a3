"""When a metric leaves its own healthy range: a change point, not a threshold for all models."""

import math
import statistics
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy import stats

from diagnosis.monitor.metrics import Metrics
from diagnosis.verdict import ALWAYS


@dataclass(frozen=True)
class Metric:
    """A metric that falls when embeddings collapse, and how far it has to fall.

    Attributes:
        name: what the warning calls it.
        cause: the cause to name where the diagnosis finds none.
        value: reads it from `Metrics`.
        drop: it has to fall below its healthy level divided by this,
        most: and below this.
        least: any value below this counts as fallen.
        deeper: without the noise of training mode it has to fall this many times further.
        certain: no diagnosis of the rows has to confirm the fall.
        counts: whether a fall counts, given the growth of rows and weights.
        outgrown: whether it fell only because new directions outgrew the old ones, which are still there.
    """

    name: str
    cause: str
    value: Callable[[Metrics], float]
    drop: float
    most: float
    least: float = 0.0
    deeper: float = 1.0
    certain: bool = False
    counts: Callable[["Growth"], bool] = lambda growth: True
    outgrown: Callable[["Growth"], bool] = lambda growth: False


class Growth(NamedTuple):
    """Median norm of the rows in the healthy window and now, and the factor by which the weights grew."""

    before: float
    now: float
    weights: Callable[[], float]
    """Called only if needed: it takes longer than the rest."""


RANK = Metric(
    "participation ratio",
    "rank_collapse",
    lambda metrics: metrics.participation_ratio,
    drop=2,
    most=1.001,
    outgrown=lambda growth: growth.now > 10 * growth.before,  # the head started small
)
"""Two learnt classes leave 1.01 dimensions and are no collapse; `most` lies below that."""

EXPLODED = replace(
    RANK,
    name="participation ratio of exploded rows",
    cause="training_collapse",
    most=math.inf,
    certain=True,
    counts=lambda growth: growth.now > 1000 * max(1.0, growth.before),
)
"""A learning rate that is too high leaves as few dimensions as two classes do, but rows 2,000 times as long or more.

In healthy trainings on digits they grow up to 26 times, at rates up to 0.03. Rows shorter than 1 count as 1: from near
zero, any factor is healthy.
"""

OVERSHOT = replace(
    EXPLODED, name="participation ratio with exploded weights", most=1.5, counts=lambda growth: growth.weights() > 5
)
"""The same where outputs are normalised or bounded. The weights grow 8 times or more, in healthy trainings up to 3.1.

A linear layer survives that with 2.5 dimensions or more, and batch normalisation with 1.9: hence `most`.
"""

METRICS = (
    Metric("usable rows", "nan_or_zero_rows", lambda metrics: metrics.usable_rows, 1.1, 1.0),
    # A deep network starts at 0.99 and trains all the same: it has to fall from its own level. 1e-5 is one point.
    # What noise hides is small for a while in healthy trainings too: with dropout 0.5 a seventh of the level.
    Metric("1 - mean cosine", "training_collapse", lambda metrics: 1 - metrics.mean_cosine, 5, 1 - ALWAYS, 1e-5, 3),
    RANK,
    EXPLODED,
    OVERSHOT,
)
OUTLYING = 3  # standard deviations from the median, estimated from the median absolute deviation
APART = 0.25  # of the logarithm: a few samples lie closer together than later ones will


class Health:
    """The healthy level of a metric: its best median over `window` steps so far; and the samples below its limit."""

    def __init__(self, metric: Metric, window: int) -> None:
        self.metric, self._window = metric, window
        self._level, self._length = 0.0, math.nan  # the best median, and the norm of its rows
        self._healthy: deque[Metrics] = deque()
        self.fallen: list[Metrics] = []
        """The latest samples, if all of them are below the limit."""

    def limit(self, *, noiseless: bool = False) -> float:
        """The value below which the metric has fallen."""
        limit = min(self._level / self.metric.drop, self.metric.most)
        return max(limit / self.metric.deeper if noiseless else limit, self.metric.least)

    def add(self, sample: Metrics, weights: Callable[[], float] = lambda: 1.0, *, noiseless: bool = False) -> None:
        """Add a sample; one where the metric is NaN is skipped.

        `weights` gives the factor by which weights grew; `noiseless` samples lack the noise of training mode.
        """
        value = self.metric.value(sample)
        if math.isnan(value):
            return
        if value < self.limit(noiseless=noiseless) and self.metric.counts(self._growth(sample, weights)):
            self.fallen.append(sample)
            return
        self._healthy += [*self.fallen, sample]
        self.fallen.clear()
        while sample.step - self._healthy[0].step > self._window:
            self._healthy.popleft()
        if value > self._level and self.before() > self._level:
            self._level, self._length = self.before(), self._norm()

    def accept(self) -> None:
        """Take the fallen value as the new healthy level."""
        self._level = self.metric.value(self.fallen[-1])
        self._healthy.clear()
        self.fallen.clear()

    def before(self) -> float:
        """The median over the window before the fall; NaN without a healthy sample."""
        return statistics.median(map(self.metric.value, self._healthy)) if self._healthy else math.nan

    def began(self) -> int:
        """The first step from which on the metric is outside the range of the window before the fall."""
        if not self._healthy:
            return self.fallen[0].step
        values = np.log([self.metric.value(one) for one in self._healthy])
        reach = max(OUTLYING * stats.median_abs_deviation(values, scale="normal"), APART)
        inside = values >= np.median(values) - reach
        last = int(np.flatnonzero(inside)[-1])
        return [*self._healthy, *self.fallen][last + 1].step

    @property
    def outgrown(self) -> bool:
        """Whether nothing was lost: see `Metric.outgrown`."""
        return self.metric.outgrown(Growth(self._length, self.fallen[-1].median_norm, lambda: 1.0))

    def _norm(self) -> float:
        """The median norm over the window before the fall."""
        return statistics.median(one.median_norm for one in self._healthy) if self._healthy else math.nan

    def _growth(self, sample: Metrics, weights: Callable[[], float]) -> Growth:
        return Growth(self._norm(), sample.median_norm, weights)
