"""When samples amount to a collapse, and what caused it, by one run of `examine`."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

from diagnosis.examine import examine
from diagnosis.isolation import seeded
from diagnosis.monitor.health import METRICS, RANK, Health
from diagnosis.monitor.metrics import Metrics
from diagnosis.remedies import REMEDIES
from diagnosis.subject import Subject
from diagnosis.verdict import Diagnosis

LASTING = 5  # fallen samples in a row: one bad step is no collapse
ALSO = {"common_offset", "positive_only", "duplicate_rows", "rank_collapse"}
"""Causes that the vectors of any collapse show too. Where the diagnosis names no other, the metric's cause is named."""


class CollapseWarning(UserWarning):
    """The embeddings collapsed in training."""


@dataclass(frozen=True, kw_only=True)
class Collapse:
    """A collapse: metric `figure` fell from `before` to `after`.

    Attributes:
        began: the step from which on it stayed low.
        seen: the step that triggered the warning.
        cause: an identifier in `diagnosis.remedies.REMEDIES`.
        figure: name of the metric.
        before: its median over the healthy window.
        after: its value at step `seen`.
        diagnosis: of the rows of step `seen`.
    """

    began: int
    seen: int
    cause: str
    figure: str
    before: float
    after: float
    diagnosis: Diagnosis

    def __str__(self) -> str:
        return (
            f"the embeddings have collapsed: {self.cause}, since step {self.began}, seen at step {self.seen}; "
            f"{self.figure} fell from {self.before:.3g} to {self.after:.3g}; for the remedy see "
            "monitor.collapse.remedy, for more detail run diagnose(model=..., loader=...)"
        )

    @property
    def remedy(self) -> str:
        """What to do, with the code to try."""
        return REMEDIES[self.cause]


class Watch:
    """All samples so far, and the collapse once there is one."""

    def __init__(self, window: int, dimensions: float) -> None:
        asked = replace(RANK, most=dimensions, certain=dimensions > RANK.most)  # the user knows the number of classes
        self._health = [Health(asked if metric is RANK else metric, window) for metric in METRICS]
        self.samples: list[Metrics] = []
        self.collapse: Collapse | None = None

    @property
    def suspicious(self) -> bool:
        """Whether a metric has fallen, but not yet for long enough."""
        return not self.collapse and any(health.fallen for health in self._health)

    def add(
        self,
        sample: Metrics,
        rows: torch.Tensor,
        weights: Callable[[], float] = lambda: 1.0,
        *,
        noiseless: bool = False,
    ) -> Collapse | None:
        """Add the sample of `rows`, `[M, D]`; returns the collapse if this sample completes one.

        `weights` gives the factor by which the module's weights grew (`Weights.growth`); `noiseless` rows lack the
        noise of training mode.
        """
        self.samples.append(sample)
        if self.collapse:
            return None
        for health in self._health:
            health.add(sample, weights, noiseless=noiseless)
        lasting = (health for health in self._health if len(health.fallen) >= LASTING)
        self.collapse = next(filter(None, (_confirmed(health, rows) for health in lasting)), None)
        return self.collapse


def _confirmed(health: Health, rows: torch.Tensor) -> Collapse | None:
    """The collapse in which a metric fell; None where the rows are healthy, unless the metric is certain."""
    with torch.no_grad(), torch.autocast(rows.device.type, enabled=False), seeded():
        diagnosis = examine(Subject(x=rows))
    metric = health.metric
    if not metric.certain and (diagnosis.verdict == "healthy" or health.outgrown):
        health.accept()
        return None
    return Collapse(
        began=health.began(),
        seen=health.fallen[-1].step,
        cause=next((one.name for one in diagnosis.causes if one.name not in ALSO), metric.cause),
        figure=metric.name,
        before=health.before(),
        after=metric.value(health.fallen[-1]),
        diagnosis=diagnosis,
    )
