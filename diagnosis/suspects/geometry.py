"""Causes in where the embeddings lie, told from the vectors alone."""

from collections.abc import Mapping

import numpy as np
import torch

from diagnosis.narrow import few_dimensions, narrowness
from diagnosis.repairs import centred, each_side, shuffled_dimensions, without_dimensions
from diagnosis.rows import row_hashes, sides, take, usable
from diagnosis.signature import Signature
from diagnosis.subject import Subject
from diagnosis.suspects.head import squash_of
from diagnosis.suspects.suspect import Clue, Suspect
from diagnosis.verdict import Value

ONE_WAY = 0.9  # ||mean||^2 / E||x||^2 from which on the mean is looked at as what makes rows alike
COLLAPSED = 0.997  # the same: an offset 18 times the spread; encoders that were trained for something reach 0.99


def duplicate_rows(subject: Subject, signature: Signature) -> Clue | None:
    """Are there few distinct rows, each of them many times?"""
    if signature.repeated_share < 0.1 or signature.distinct_rows < 2 or subject.dim % subject.x.ndim == 0:
        return None
    return Clue(
        confidence=0.9,
        evidence={"distinct_rows": signature.distinct_rows, "rows": signature.items},
        change="keep one of each",
        repair=lambda: take(subject, _first_of_each(subject)),
    )


def _first_of_each(subject: Subject) -> torch.Tensor:
    hashes = [row_hashes(side.flatten(1)) for side in (subject.x, subject.y) if side is not None]
    first = np.unique(np.stack(hashes), axis=1, return_index=True)[1]
    return torch.from_numpy(np.sort(first))


def saturated_head(subject: Subject, signature: Signature) -> Clue | None:
    """Do the numbers look like the output of a sigmoid, softmax or tanh that says the same of every row?"""
    squash = squash_of(subject, signature)
    if squash is None or not _one_way(signature):
        return None
    return Clue(
        confidence=0.85,
        evidence={"head": squash.name, "smallest": signature.minimum, "largest": signature.maximum},
        change=f"undo the {squash.name}, centre",
        repair=lambda: centred(each_side(subject, squash.undo)),
    )


def dead_units(subject: Subject, signature: Signature) -> Clue | None:
    """Are most dimensions 0 in every row, and the rest of one sign?"""
    dead = signature.zero_dimensions / signature.columns
    if dead < 0.6 or not _one_way(signature):
        return None
    return _centring(subject, 0.85, {"dead_dimensions": signature.zero_dimensions, "dimensions": signature.columns})


def rogue_dimension(subject: Subject, signature: Signature) -> Clue | None:
    """Do one to three dimensions, far larger than the others, decide every cosine?"""
    rogue = rogue_dimensions(subject)
    if signature.top_three_energy < 0.5 or not 1 <= int(rogue.sum()) <= 3 or squash_of(subject, signature):
        return None
    return Clue(
        confidence=0.9,
        evidence={
            "dimensions": ", ".join(map(str, rogue.nonzero().flatten().tolist())),
            "top_dimension_energy": signature.top_dimension_energy,
            "top_three_energy": signature.top_three_energy,
        },
        change="leave the dimensions out",
        repair=lambda: without_dimensions(subject, rogue),
    )


def rogue_dimensions(subject: Subject) -> torch.Tensor:
    """Those that hold 50 times the energy of the median one, `[K]` of bool; of a Gaussian offset the largest has 20."""
    tables = [table[usable(table)].double() for table in sides(subject)]
    energy = torch.cat(tables).square().mean(0)
    return energy > 50 * energy.median()


def positive_only(subject: Subject, signature: Signature) -> Clue | None:
    """Are all entries 0 or more, with 0 as their bound, as a ReLU leaves them?"""
    if signature.minimum < 0 or not _one_way(signature) or squash_of(subject, signature):
        return None
    means = torch.cat([table[usable(table)] for table in sides(subject)]).double().mean(0)
    lowest = float(means.min() / means.mean())
    if signature.zero_share < 0.005 and lowest > 0.25:  # no bound: an offset that happens to be positive
        return None
    evidence = {"smallest": signature.minimum, "share_of_zeros": signature.zero_share, "lowest_mean_over_mean": lowest}
    return _centring(subject, 0.8, evidence)


def training_collapse(subject: Subject, signature: Signature) -> Clue | None:
    """Is there one point for all rows, with next to nothing around it?"""
    alike = max(signature.mean_share, signature.mean_cosine)  # norms that still differ lower the share
    if subject.model is not None or (alike < COLLAPSED and signature.distinct_rows > 1):
        return None
    return Clue(
        confidence=0.75,
        evidence={
            "mean_share": signature.mean_share,
            "mean_cosine": signature.mean_cosine,
            "distinct_rows": signature.distinct_rows,
        },
        change="centre, shuffle each dimension",
        repair=lambda: shuffled_dimensions(subject),
    )


def common_offset(subject: Subject, signature: Signature) -> Clue | None:
    """Do all rows share an offset that is long beside what tells them apart (anisotropy)?"""
    if not _one_way(signature) or signature.distinct_rows < 2:
        return None
    return _centring(
        subject,
        0.8,
        {
            "mean_share": signature.mean_share,
            "mean_cosine": signature.mean_cosine,
            "centred_mean_cosine": signature.centred_mean_cosine,
            "centred_effective_rank": signature.centred_effective_rank,
        },
    )


def rank_collapse(subject: Subject, signature: Signature) -> Clue | None:
    """Do the rows vary along four directions or fewer?"""
    narrow = narrowness(subject)
    if narrow < few_dimensions(signature.columns, signature.rows) or signature.columns < 4:
        return None
    return Clue(
        confidence=0.85,
        evidence={
            "centred_effective_rank": signature.centred_effective_rank,
            "dimensions": signature.columns,
            "mean_size_of_centred_cosines": narrow,
        },
        change="shuffle each dimension",
        repair=lambda: shuffled_dimensions(subject),
    )


def _one_way(signature: Signature) -> bool:
    return signature.mean_share >= ONE_WAY


def _centring(subject: Subject, confidence: float, evidence: Mapping[str, Value]) -> Clue:
    return Clue(confidence=confidence, evidence=evidence, change="centre", repair=lambda: centred(subject))


SUSPECTS = (
    Suspect("duplicate_rows", duplicate_rows),
    Suspect("saturated_head", saturated_head),
    Suspect("dead_units", dead_units),
    Suspect("rogue_dimension", rogue_dimension),
    Suspect("positive_only", positive_only),
    Suspect("training_collapse", training_collapse),
    Suspect("common_offset", common_offset),
    Suspect("rank_collapse", rank_collapse),
)
