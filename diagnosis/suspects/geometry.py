"""Causes in the geometry of the embeddings, seen in the vectors alone."""

import numpy as np
import torch

from diagnosis.probes.vectors import shuffled_dimensions
from diagnosis.signature.directions import few_directions, narrowness
from diagnosis.signature.rows import row_hashes, take
from diagnosis.signature.signature import Signature
from diagnosis.subject import Subject
from diagnosis.suspects.suspect import Clue

COLLAPSED = 0.999  # mean cosine of an offset 32 times the spread; working encoders reach 0.99


def duplicate_rows(subject: Subject, signature: Signature) -> Clue | None:
    """Are there few distinct rows, each many times?"""
    if signature.repeated_share < 0.1 or signature.distinct_rows < 2 or subject.dim % subject.x.ndim == 0:
        return None
    if _repeated_inputs(subject, signature) < signature.repeated_share / 2:  # the model makes the copies
        return None
    return Clue(
        confidence=0.9,
        evidence={"distinct_rows": signature.distinct_rows, "rows": signature.items},
        change="keep one of each",
        repair=lambda: take(subject, _first_of_each(subject)),
    )


def _repeated_inputs(subject: Subject, signature: Signature) -> float:
    """Share of items whose inputs repeat those of another; as many as of the rows if the inputs are not known."""
    known = [subject.inputs] if subject.y is None else [subject.inputs, subject.other_inputs]
    given = [inputs for inputs in known if inputs is not None]
    if len(given) < len(known):
        return signature.repeated_share
    return 1 - len(np.unique(np.stack([row_hashes(inputs.reshape(len(inputs), -1)) for inputs in given]), axis=1).T) / (
        len(subject.x)
    )


def _first_of_each(subject: Subject) -> torch.Tensor:
    hashes = [row_hashes(side.flatten(1)) for side in (subject.x, subject.y) if side is not None]
    first = np.unique(np.stack(hashes), axis=1, return_index=True)[1]
    return torch.from_numpy(np.sort(first))


def one_point(subject: Subject, signature: Signature) -> Clue | None:
    """Are all rows nearly one point?"""
    cosine = max(signature.mean_share, signature.mean_cosine)  # different norms lower the share
    equal = signature.distinct_rows == 1
    if (cosine < COLLAPSED and not equal) or (equal and subject.model is not None):  # training ends near a point
        return None
    evidence = {
        "mean_share": signature.mean_share,
        "mean_cosine": signature.mean_cosine,
        "distinct_rows": signature.distinct_rows,
        "centred_effective_rank": signature.centred_effective_rank,
    }
    return Clue.by_centring(subject, 0.55, evidence)  # an encoder with a mean of that length looks the same


def common_offset(subject: Subject, signature: Signature) -> Clue | None:
    """Do all rows share an offset that is long compared with their spread (anisotropy)?"""
    if not signature.one_way or signature.distinct_rows < 2:
        return None
    evidence = {
        "mean_share": signature.mean_share,
        "mean_cosine": signature.mean_cosine,
        "centred_mean_cosine": signature.centred_mean_cosine,
        "centred_effective_rank": signature.centred_effective_rank,
    }
    return Clue.by_centring(subject, 0.8, evidence)


def rank_collapse(subject: Subject, signature: Signature) -> Clue | None:
    """Do the rows vary along at most three directions?"""
    narrow = narrowness(subject)
    if signature.columns < 4 or signature.mostly_dead:
        return None
    if not few_directions(subject, narrow, signature.columns, signature.rows):
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
