"""A sample of the vectors of a subject, small enough to draw."""

from dataclasses import dataclass

import torch

from diagnosis.signature.rows import generator, sides, take, unit, usable
from diagnosis.subject import Subject

ROWS = 1000
"""Vectors of both sides together; t-SNE takes seconds for this many."""

CLASSES = 10
"""More colours are hard to distinguish."""


@dataclass(frozen=True, eq=False)
class Sampled:
    """Vectors `[n, D]` with a direction, float64. `y`: partners of `x`; `labels`: of the pairs, or of `x`, `[n]`."""

    x: torch.Tensor
    y: torch.Tensor | None = None
    labels: torch.Tensor | None = None

    @property
    def units(self) -> torch.Tensor:
        """All vectors at length 1, `y` after `x`."""
        return unit(self.x if self.y is None else torch.cat([self.x, self.y]))

    @property
    def groups(self) -> dict[str, torch.Tensor]:
        """Masks over `units` by name: the sides of the pairs, or the classes."""
        if self.y is not None:
            first = torch.arange(2 * len(self.x)) < len(self.x)
            return {"x": first, "y": ~first}
        classes = [] if self.labels is None else self.labels.unique().tolist()
        if not 1 < len(classes) <= CLASSES:
            return {"": torch.ones(len(self.x), dtype=torch.bool)}
        return {f"{label:g}": self.labels == label for label in classes}

    def cosines(self) -> dict[str, torch.Tensor]:
        """Cosines by name: the compared ones, then the chance levels."""
        if self.y is not None:
            cosines = unit(self.x) @ unit(self.y).T
            unrelated = cosines[~torch.eye(len(cosines), dtype=torch.bool)]
            return {**self._of_pairs(cosines.diagonal()), "partners shuffled": unrelated}
        tables = {"rows": self.x, "columns shuffled": _shuffled(self.x), "rows centred": self.x - self.x.mean(0)}
        found = {name: _unrelated(table[usable(table)]) for name, table in tables.items()}
        return {name: cosines for name, cosines in found.items() if len(cosines)}

    def _of_pairs(self, cosines: torch.Tensor) -> dict[str, torch.Tensor]:
        if self.labels is None or not (positive := self.labels > 0).any() or positive.all():
            return {"pairs": cosines}
        return {"positive pairs": cosines[positive], "negative pairs": cosines[~positive]}


def sampled(subject: Subject) -> Sampled | None:
    """The same sample of a subject each time; None if fewer than three vectors have a direction."""
    most = ROWS if subject.y is None else ROWS // 2
    order = torch.randperm(len(subject.x), generator=generator())
    few = take(subject, order[:most].sort().values)  # if vectors lie along the first dim: some of their elements
    tables = [table[:most].cpu().double() for table in sides(few)]
    fine = torch.stack([usable(table) for table in tables]).all(0)
    if fine.sum() < 3:
        return None
    x, *y = (table[fine] for table in tables)
    one_each = few.labels is not None and few.labels.numel() == len(fine)
    labels = few.labels.cpu().double().flatten()[fine] if few.labels is not None and one_each else None
    return Sampled(x, y[0] if y else None, labels)


def _shuffled(table: torch.Tensor) -> torch.Tensor:
    """Each column shuffled by itself: dimensions keep their values, rows lose their relations."""
    order = torch.rand(table.shape, generator=generator()).argsort(0)
    return table.gather(0, order)


def _unrelated(table: torch.Tensor) -> torch.Tensor:
    """Cosines of all pairs of different rows."""
    units = unit(table)
    above = torch.triu_indices(len(units), len(units), 1)
    return (units @ units.T)[above[0], above[1]]
