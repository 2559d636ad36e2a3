"""Causes in the arithmetic: rows without a direction, squares out of range, cosines that round to the same number."""

from dataclasses import replace

import torch

from diagnosis.probes.similarity import similarities
from diagnosis.probes.vectors import rescaled
from diagnosis.signature.rows import rows, take, usable
from diagnosis.signature.signature import Signature
from diagnosis.subject import Subject
from diagnosis.suspects.suspect import Clue
from diagnosis.verdict import Value

COARSE = 2.0  # roundings between rows: the stored values are too coarse, also for float64


def overflow(subject: Subject, signature: Signature) -> Clue | None:
    """Do entries, or their squares, exceed the range of the dtype, but not that of float64?"""
    info = torch.finfo(subject.x.dtype)
    beyond = signature.infinite_rows > 0 and max(abs(signature.minimum), signature.maximum) > info.max / 64
    squares = signature.largest_norm > info.max**0.5 / 2 and bool(similarities(subject).lost.any())
    if not beyond and not squares:
        return None
    evidence = _sizes(signature) | {"largest_number": info.max, "infinite_rows": signature.infinite_rows}
    return Clue(confidence=0.9, evidence=evidence, change="norm 1 in float64", repair=lambda: _finite(subject))


def underflow_or_eps(subject: Subject, signature: Signature) -> Clue | None:
    """Are rows so short that their squares vanish, or that the eps of the division matters?"""
    info = torch.finfo(subject.x.dtype)
    entry = signature.smallest_norm / signature.columns**0.5
    if entry > max(4 * info.smallest_normal**0.5, 1e-6) or not bool(
        similarities(subject).lost.any()
    ):  # the eps of the built-in is 1e-8
        return None
    evidence = _sizes(signature) | {"smallest_normal": info.smallest_normal}
    return Clue(confidence=0.9, evidence=evidence, change="norm 1 in float64", repair=lambda: rescaled(subject))


def nan_or_zero_rows(subject: Subject, signature: Signature) -> Clue | None:
    """Are there rows without a direction: NaN, infinite, or all 0?"""
    if not signature.faulty_rows:
        return None
    keep = torch.stack([usable(side.flatten(1)) for side in (subject.x, subject.y) if side is not None]).all(0)
    return Clue(
        confidence=0.95,
        evidence={
            "nan_rows": signature.nan_rows,
            "infinite_rows": signature.infinite_rows,
            "zero_rows": signature.zero_rows,
            "rows": signature.rows,
        },
        change="leave those rows out",
        repair=(lambda: take(subject, keep.nonzero().flatten())) if keep.sum() > 1 else None,
    )


def low_precision_ties(subject: Subject, signature: Signature) -> Clue | None:
    """Do cosines that differ in float64 round to the same number?"""
    if subject.x.dtype == torch.float64:
        return None
    narrow = torch.finfo(subject.x.dtype).bits == 16
    if narrow and subject.model is None and (steps := _steps(subject)) <= COARSE:
        return Clue(confidence=0.95, evidence={"dtype": signature.dtype, "roundings_between_rows": steps})
    coarse, fine = similarities(subject), similarities(_float64(subject))
    if not len(coarse.given):
        return None
    evidence: dict[str, Value] = {
        "dtype": signature.dtype,
        "distinct_answers": len(coarse.given.unique()),
        "distinct_answers_in_float64": len(fine.given.unique()),
        "standard_deviation_in_float64": float(fine.exact.std(correction=0)),
    }
    return Clue(confidence=0.8, evidence=evidence, change="recompute in float64", repair=lambda: _float64(subject))


def _steps(subject: Subject) -> float:
    """The range of the rows of `x` in roundings of their dtype, in the median dimension that is not constant."""
    table = rows(subject.x, subject.dim)
    table = table[usable(table)].double()
    if not len(table):
        return torch.inf
    apart, largest = table.amax(0) - table.amin(0), table.abs().amax(0)
    steps = (apart / (largest * torch.finfo(subject.x.dtype).eps))[apart > 0]
    return float(steps.median()) if len(steps) > table.shape[1] / 2 else torch.inf


def _sizes(signature: Signature) -> dict[str, Value]:
    return {"dtype": signature.dtype, "smallest_norm": signature.smallest_norm, "largest_norm": signature.largest_norm}


def _float64(subject: Subject) -> Subject:
    return replace(subject, x=subject.x.double(), y=None if subject.y is None else subject.y.double())


def _finite(subject: Subject) -> Subject:
    """Infinities become the largest number of the dtype, then rows have norm 1 in float64."""
    x, y = (None if side is None else side.nan_to_num(nan=torch.nan) for side in (subject.x, subject.y))
    assert x is not None
    return rescaled(replace(subject, x=x, y=y))
