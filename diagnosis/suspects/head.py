"""Causes seen in the entries of the embeddings: a squashing function, dead units, a huge dimension, a ReLU."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from diagnosis.probes.vectors import centred, each_side, standardised, without_dimensions
from diagnosis.signature.rows import sides, usable
from diagnosis.signature.signature import Signature
from diagnosis.subject import Subject
from diagnosis.suspects.suspect import Clue


@dataclass(frozen=True)
class Squash:
    """A function at the end of a head, and its inverse, `[M, K]` to `[M, K]`, up to rounding."""

    name: str
    undo: Callable[[torch.Tensor], torch.Tensor]


def squash_of(subject: Subject, signature: Signature) -> Squash | None:
    """The function that the entries of all rows look like; None if they exceed the range of each."""
    if max(-signature.minimum, signature.maximum) > 1 or signature.minimum == signature.maximum:
        return None
    table = torch.cat([side[usable(side)].double() for side in sides(subject)])
    if not len(table):
        return None
    eps = torch.finfo(subject.x.dtype).eps
    return _of_shares(table, eps) if signature.minimum >= 0 else _tanh(table, eps)


def _of_shares(table: torch.Tensor, eps: float) -> Squash | None:
    """Softmax: each row sums to 1. Sigmoid: all entries near 1/2, or most of them near 0 or 1."""
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


def squashed_range(subject: Subject, signature: Signature) -> Clue | None:
    """Do the entries look like the output of a sigmoid, softmax or tanh that is nearly equal for all rows?"""
    squash = squash_of(subject, signature)
    if squash is None or not signature.one_way:
        return None
    return Clue(
        confidence=0.85,
        evidence={"head": squash.name, "smallest": signature.minimum, "largest": signature.maximum},
        change=f"undo the {squash.name}, centre",
        repair=lambda: centred(each_side(subject, squash.undo)),
    )


def dead_dimensions(subject: Subject, signature: Signature) -> Clue | None:
    """Are most dimensions 0 in every row, and is the mean of the others long?"""
    if not signature.mostly_dead or not signature.one_way:
        return None
    return Clue.by_centring(
        subject, 0.85, {"dead_dimensions": signature.zero_dimensions, "dimensions": signature.columns}
    )


def rogue_dimension(subject: Subject, signature: Signature) -> Clue | None:
    """Are one to three dimensions so large that they decide every cosine?"""
    if signature.top_three_energy < 0.5 or signature.mostly_dead or squash_of(subject, signature):
        return None
    energy = _energy(subject)
    rogue = energy > 50 * energy.median()  # with a Gaussian offset the largest has 20 times the median
    units = signature.top_three_energy > 0.9  # columns in different units
    if not rogue.any() or (rogue.sum() > 3 and not units):
        return None
    largest = energy.topk(min(3, int(rogue.sum()))).indices.sort().values
    return Clue(
        confidence=0.9,
        evidence={
            "columns": ", ".join(map(str, largest.tolist())),
            "top_dimension_energy": signature.top_dimension_energy,
            "top_three_energy": signature.top_three_energy,
        },
        change="standardise each dimension" if units else "leave the dimensions out",
        repair=lambda: standardised(subject) if units else without_dimensions(subject, rogue),
    )


def _energy(subject: Subject) -> torch.Tensor:
    """The mean square of each dimension, `[K]`."""
    return torch.cat([table[usable(table)].double() for table in sides(subject)]).square().mean(0)


def positive_only(subject: Subject, signature: Signature) -> Clue | None:
    """Are all entries at least 0, with 0 as their bound, as after a ReLU?"""
    if signature.minimum < 0 or not signature.one_way or squash_of(subject, signature):
        return None
    means = torch.cat([table[usable(table)] for table in sides(subject)]).double().mean(0)
    lowest = float(means.min() / means.mean())
    if signature.zero_share < 0.005 and lowest > 0.25:  # 0 is no bound: the offset is just positive
        return None
    evidence = {"smallest": signature.minimum, "share_of_zeros": signature.zero_share, "lowest_mean_over_mean": lowest}
    return Clue.by_centring(subject, 0.8, evidence)
