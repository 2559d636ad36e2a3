"""When a collapse is told from looks at embeddings, and what made it: the diagnosis proper, which is made once."""

from dataclasses import dataclass, replace

import torch

from diagnosis.examine import examine
from diagnosis.isolation import seeded
from diagnosis.monitor.health import FIGURES, RANK, Health
from diagnosis.monitor.look import Look
from diagnosis.remedies import REMEDIES
from diagnosis.subject import Subject
from diagnosis.verdict import Diagnosis

LASTING = 5  # looks in a row that have to be out of order: a step that went wrong is no collapse
ALSO = {"common_offset", "positive_only", "duplicate_rows", "rank_collapse"}
"""What the vectors of any collapse look like too: where one of them is all that is told, the figure names the cause."""


class CollapseWarning(UserWarning):
    """The embeddings have collapsed in training."""


@dataclass(frozen=True, kw_only=True)
class Collapse:
    """What was seen: `figure` fell from `before` to `after`, for good from step `began` on, as step `seen` told.

    `cause` is an identifier in `diagnosis.remedies.REMEDIES`; `diagnosis` is that of the rows of step `seen`.
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
            f"{self.figure} fell from {self.before:.3g} to {self.after:.3g}; what to do: monitor.collapse.remedy, "
            "and to know more diagnose(model=..., loader=...)"
        )

    @property
    def remedy(self) -> str:
        """What to do, with the code to try."""
        return REMEDIES[self.cause]


class Watch:
    """All looks so far, and the collapse once there is one."""

    def __init__(self, window: int, dimensions: float) -> None:
        figures = [replace(figure, most=dimensions) if figure is RANK else figure for figure in FIGURES]
        self._health = [Health(figure, window) for figure in figures]
        self.looks: list[Look] = []
        self.collapse: Collapse | None = None

    @property
    def suspicious(self) -> bool:
        """Whether a figure is out of order, and not yet for long enough."""
        return not self.collapse and any(health.fallen for health in self._health)

    def add(self, look: Look, seen: torch.Tensor) -> Collapse | None:
        """Take in a look at the rows `seen`, `[M, D]`; the collapse if it is the one that tells it."""
        self.looks.append(look)
        if self.collapse:
            return None
        for health in self._health:
            health.add(look)
        lasting = (health for health in self._health if len(health.fallen) >= LASTING)
        self.collapse = next(filter(None, (_confirmed(health, seen) for health in lasting)), None)
        return self.collapse


def _confirmed(health: Health, seen: torch.Tensor) -> Collapse | None:
    """The collapse by which a figure fell; None where the diagnosis is that what it fell to is healthy.

    Where somebody has said how many dimensions are too few, who knows the number of classes, it is not asked.
    """
    with torch.no_grad(), torch.autocast(seen.device.type, enabled=False), seeded():
        diagnosis = examine(Subject(x=seen))
    said = health.figure.name == RANK.name and health.figure.most > RANK.most
    if diagnosis.verdict == "healthy" and not said:
        health.accept()
        return None
    return Collapse(
        began=health.began(),
        seen=health.fallen[-1].step,
        cause=next((one.name for one in diagnosis.causes if one.name not in ALSO), health.figure.cause),
        figure=health.figure.name,
        before=health.before(),
        after=health.figure.value(health.fallen[-1]),
        diagnosis=diagnosis,
    )
