"""A sample of what a subject compares, small enough to be drawn."""

from dataclasses import dataclass

import torch

from diagnosis.signature.rows import generator, sides, take, unit, usable
from diagnosis.subject import Subject

ROWS = 1000
"""Vectors of both sides together: t-SNE takes seconds for so many."""

CLASSES = 10
"""More are not told apart by colour."""


@dataclass(frozen=True, eq=False)
class Sampled:
    """Vectors `[n, D]` in float64 that have a direction; `y` are the partners of `x`; `labels` of them or of `x`."""

    x: torch.Tensor
    y: torch.Tensor | None = None
    labels: torch.Tensor | None = None

    @property
    def units(self) -> torch.Tensor:
        """All vectors, those of `y` after those of `x`, at length 1: what a cosine sees."""
        return unit(self.x if self.y is None else torch.cat([self.x, self.y]))

    @property
    def groups(self) -> dict[str, torch.Tensor]:
        """Which of `units` belong together, as bool, by name: the sides of the pairs, or the classes."""
        if self.y is not None:
            first = torch.arange(2 * len(self.x)) < len(self.x)
            return {"x": first, "y": ~first}
        classes = [] if self.labels is None else self.labels.unique().tolist()
        if not 1 < len(classes) <= CLASSES:
            return {"": torch.ones(len(self.x), dtype=torch.bool)}
        return {f"{label:g}": self.labels == label for label in classes}

    def cosines(self) -> dict[str, torch.Tensor]:
        """Cosines by name: of what is compared, then of the floors that have any."""
        if self.y is not None:
            cosines = unit(self.x) @ unit(self.y).T
            unrelated = cosines[~torch.eye(len(cosines), dtype=torch.bool)]
            return {**self._of_pairs(cosines.diagonal()), "partners shuffled": unrelated}
        tables = {"rows": self.x, "columns shuffled": _shuffled(self.x), "rows centred": self.x - self.x.mean(0)}
        found = {name: _unrelated(table[usable(table)]) for name, table in tables.items()}
        return {name: cosines for name, cosines in found.items() if len(cosines)}

    def _of_pairs(self, cosines: torch.Tensor) -> dict[str, torch.Tensor]:
        if self.labels is None or not (alike := self.labels > 0).any() or alike.all():
            return {"pairs": cosines}
        return {"alike pairs": cosines[alike], "unlike pairs": cosines[~alike]}


def sampled(subject: Subject) -> Sampled | None:
    """What can be drawn of a subject, the same each time; None where fewer than three vectors have a direction."""
    most = ROWS if subject.y is None else ROWS // 2
    order = torch.randperm(len(subject.x), generator=generator())
    few = take(subject, order[:most].sort().values)  # of vectors along the first dim: some of their elements
    tables = [table[:most].cpu().double() for table in sides(few)]
    fine = torch.stack([usable(table) for table in tables]).all(0)
    if fine.sum() < 3:
        return None
    x, *y = (table[fine] for table in tables)
    one_each = few.labels is not None and few.labels.numel() == len(fine)
    labels = few.labels.cpu().double().flatten()[fine] if few.labels is not None and one_each else None
    return Sampled(x, y[0] if y else None, labels)


def _shuffled(table: torch.Tensor) -> torch.Tensor:
    """Each column in an order of its own: every dimension keeps its values, and no row what relates it to others."""
    order = torch.rand(table.shape, generator=generator()).argsort(0)
    return table.gather(0, order)


def _unrelated(table: torch.Tensor) -> torch.Tensor:
    """Cosines of all pairs of different rows."""
    units = unit(table)
    above = torch.triu_indices(len(units), len(units), 1)
    return (units @ units.T)[above[0], above[1]]
