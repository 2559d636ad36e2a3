"""Which squashing function the entries came out of, told from their range."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from diagnosis.rows import sides, usable
from diagnosis.signature import Signature
from diagnosis.subject import Subject


@dataclass(frozen=True)
class Squash:
    """A function that ends a head, and what undoes it, `[M, K]` to `[M, K]`, up to what it has rounded away."""

    name: str
    undo: Callable[[torch.Tensor], torch.Tensor]


def squash_of(subject: Subject, signature: Signature) -> Squash | None:
    """The function that the entries, of all rows, look like; None where they go beyond its range."""
    if max(-signature.minimum, signature.maximum) > 1 or signature.columns < 2:
        return None
    table = torch.cat([side[usable(side)].double() for side in sides(subject)])
    if not len(table):
        return None
    eps = torch.finfo(subject.x.dtype).eps
    return _of_shares(table, eps) if signature.minimum >= 0 else _tanh(table, eps)


def _of_shares(table: torch.Tensor, eps: float) -> Squash | None:
    """Softmax: each row adds up to 1. Sigmoid: all entries near a half, or most of them at an end."""
    if float((table.sum(1) - 1).abs().max()) < 4 * eps + 1e-6:
        return Squash("softmax", lambda rows: _without_row_mean(rows.clamp(min=eps**2).log()))
    flat = _share((table > 0.2) & (table < 0.8)) > 0.9 and 0.35 < float(table.median()) < 0.65
    hard = float(table.max()) > 0.95 and _share((table < 0.05) | (table > 0.95)) > 0.5
    if float(table.min()) > 0 and (flat or hard):
        return Squash("sigmoid", lambda rows: torch.logit(rows, eps=eps / 8))
    return None


def _tanh(table: torch.Tensor, eps: float) -> Squash | None:
    """Most entries near -1 or 1."""
    if _share(table.abs() > 0.9) < 0.5:
        return None
    return Squash("tanh", lambda rows: torch.atanh(rows.clamp(eps / 8 - 1, 1 - eps / 8)))


def _share(mask: torch.Tensor) -> float:
    return float(mask.double().mean())


def _without_row_mean(rows: torch.Tensor) -> torch.Tensor:
    return rows - rows.mean(1, keepdim=True)
