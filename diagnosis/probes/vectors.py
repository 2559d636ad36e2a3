"""Subjects without a fault: the repairs that need no model."""

from collections.abc import Callable
from dataclasses import replace

import torch

from diagnosis.signature.rows import about, generator, unit, usable
from diagnosis.subject import Subject

Transform = Callable[[torch.Tensor], torch.Tensor]


def each_side(subject: Subject, change: Transform) -> Subject:
    """The subject with the usable rows of each side changed, float64 `[M, K]` to `[M, K']`; other rows become 0."""
    x = _changed(subject.x, subject.dim, change)
    return replace(subject, x=x, y=None if subject.y is None else _changed(subject.y, subject.dim, change))


def _changed(side: torch.Tensor, dim: int, change: Transform) -> torch.Tensor:
    last = side.detach().movedim(dim, -1)
    table = last.reshape(-1, last.shape[-1])
    fine = usable(table)
    changed = change(table[fine].double())
    whole = changed.new_zeros(len(table), changed.shape[1])
    whole[fine] = changed
    return whole.reshape(*last.shape[:-1], -1).movedim(-1, dim)


def centred(subject: Subject) -> Subject:
    """Each side without its mean row."""
    return each_side(subject, lambda table: about(table, table.mean(0)))


def rescaled(subject: Subject) -> Subject:
    """Rows of norm 1 in float64: nothing overflows or vanishes, and no eps matters."""
    return each_side(subject, unit)


def shuffled_dimensions(subject: Subject) -> Subject:
    """Centred, with each dimension shuffled by itself, as if dimensions were independent.

    The null of Horn's parallel analysis, doi 10.1007/BF02289447.
    """
    drawn = generator()

    def shuffle(table: torch.Tensor) -> torch.Tensor:
        order = torch.rand(table.shape, generator=drawn).argsort(0)
        return about(table, table.mean(0)).gather(0, order)

    return each_side(subject, shuffle)


def standardised(subject: Subject) -> Subject:
    """Each dimension with mean 0 and spread 1 over the rows of a side; constant dimensions become 0."""

    def standardise(table: torch.Tensor) -> torch.Tensor:
        away = about(table, table.mean(0))
        return away / away.std(0, correction=0).clamp(min=torch.finfo(away.dtype).tiny)

    return each_side(subject, standardise)


def without_dimensions(subject: Subject, dropped: torch.Tensor) -> Subject:
    """Without the dimensions marked in `dropped`, `[K]` of bool."""
    return each_side(subject, lambda table: table[:, ~dropped])


def other_partners(subject: Subject) -> Subject:
    """Each `x` with the `y` half a batch away. Labels stay, since they are examined too."""
    half = max(1, len(subject.x) // 2)
    y, inputs = (None if side is None else side.roll(half, 0) for side in (subject.y, subject.other_inputs))
    return replace(subject, y=y, other_inputs=inputs)
