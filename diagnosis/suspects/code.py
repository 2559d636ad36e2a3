"""Causes in the code around the model: which vectors are compared, and over which dim."""

from dataclasses import replace

import torch

from diagnosis.probes.vectors import other_partners
from diagnosis.signature.rows import rows, same_memory, take, unit, usable
from diagnosis.signature.signature import Signature
from diagnosis.subject import Subject
from diagnosis.suspects.suspect import Clue


def same_tensor(subject: Subject, signature: Signature) -> Clue | None:
    """Is `y` the same tensor as `x`, as after `vector2 = vector1`?"""
    if subject.y is None or subject.y is not subject.x:
        return None
    return Clue(
        confidence=1.0,
        evidence={"y_is_x": True},
        change="compare with another row",
        repair=lambda: other_partners(subject),
    )


def shared_storage(subject: Subject, signature: Signature) -> Clue | None:
    """Do both sides, or all rows, share memory, so that the last write shows in all of them?"""
    pairs = subject.y is not None and subject.y is not subject.x and same_memory(subject.x, subject.y)
    one_row = subject.y is None and len(subject.x) > 1 and subject.x.stride(0) == 0
    if not pairs and not one_row:
        return None
    return Clue(
        confidence=0.9 if subject.model is not None else 1.0,  # cached_buffer is more specific for a model
        evidence={"address": hex(subject.x.data_ptr()), "shared_by": "x and y" if pairs else "all rows of x"},
        change="compare with another row",
        repair=(lambda: other_partners(subject)) if pairs else None,
    )


def size_one_dim(subject: Subject, signature: Signature) -> Clue | None:
    """Does the dim of the cosine have one entry, so that the cosine can only be 1 or -1?"""
    if signature.columns != 1:
        return None
    others = _other_dims(subject, least=2)
    return Clue(
        confidence=1.0,
        evidence={"dim": subject.dim, "size": 1, "shape": str(tuple(subject.x.shape))},
        change=f"dim={others[0]}" if others else "",
        repair=(lambda: replace(subject, dim=others[0])) if others else None,
    )


def wrong_dim(subject: Subject, signature: Signature) -> Clue | None:
    """Is the cosine computed over the batch, tokens or places instead of the features?"""
    dim, dims = subject.dim % subject.x.ndim, subject.x.ndim
    others = _other_dims(subject, least=2)
    if signature.columns == 1 or not others or (dims == 2 and dim == 1) or (dims == 3 and dim == 2):
        return None
    if dims == 4 and dim == 1:  # the channels of a feature map
        return None
    batch = dim == 0
    return Clue(
        confidence=0.95 if batch else 0.8,
        evidence={"dim": subject.dim, "shape": str(tuple(subject.x.shape)), "over_the_batch": batch},
        change=f"dim={others[0]}",
        repair=lambda: replace(subject, dim=others[0]),
    )


def _other_dims(subject: Subject, least: int) -> list[int]:
    """Dims that may hold the features, the likeliest first: dim 1 of a feature map, else the last; never the batch."""
    dims, dim = subject.x.ndim, subject.dim % subject.x.ndim
    order = [1, *range(dims - 1, 1, -1)] if dims == 4 else list(range(dims - 1, 0, -1))
    return [one for one in order if one != dim and subject.x.shape[one] >= least]


def scaled_copies(subject: Subject, signature: Signature) -> Clue | None:
    """Do pairs, or all rows, differ by a factor only, which a cosine ignores?"""
    tables = [rows(side, subject.dim) for side in (subject.x, subject.y) if side is not None]
    if signature.columns == 1 or not all(bool(usable(table).any()) for table in tables):
        return None
    x = tables[0]
    y = tables[1] if len(tables) == 2 else x[usable(x)][:1].expand_as(x)
    both = usable(x) & usable(y)
    x, y = x[both], y[both]
    rounding = torch.finfo(x.dtype).eps ** 2 + 1e-12
    factors = _norms(y) / _norms(x)
    copies = ((unit(x) * unit(y)).sum(1) > 1 - rounding) & ~(x == y).all(1) & _in_each_dimension(x, y, factors)
    share, factors = float(copies.double().mean()), factors[copies]
    if share < 0.8 or float((factors - 1).abs().median()) < 4 * torch.finfo(x.dtype).eps:
        return None
    pairs = subject.y is not None
    return Clue(
        confidence=0.95,
        evidence={
            "share_of_copies": share,
            "factors_from": float(factors.min()),
            "factors_to": float(factors.max()),
        },
        change="compare with another row" if pairs else "keep one row of each direction",
        repair=lambda: other_partners(subject) if pairs else take(subject, torch.tensor([0])),
    )


def _in_each_dimension(x: torch.Tensor, y: torch.Tensor, factors: torch.Tensor) -> torch.Tensor:
    """Whether `y` is `factors` times `x` in units of each dimension, since a huge dimension hides all others."""
    size = x.double().square().mean(0).sqrt().clamp(min=torch.finfo(torch.float64).tiny)
    off = (y.double() / factors[:, None] - x.double()) / size
    return off.square().mean(1).sqrt() < 0.05


def _norms(table: torch.Tensor) -> torch.Tensor:
    norms: torch.Tensor = torch.linalg.vector_norm(table.double(), dim=1)
    return norms
