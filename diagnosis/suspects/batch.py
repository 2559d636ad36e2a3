"""Detector of `batch_leak`: a row's embedding depends on the other rows of its batch."""

from dataclasses import replace

import torch
from torch import nn

from diagnosis.isolation import private_copy
from diagnosis.probes.layers import WithoutActivations
from diagnosis.probes.model import attempted, embed, mean_row_cosine, source
from diagnosis.signature.rows import generator, row_hashes, take
from diagnosis.signature.signature import Signature
from diagnosis.subject import DiagnosisError, Subject
from diagnosis.suspects.suspect import Clue
from diagnosis.verdict import ALWAYS

_FEW = 16  # rows, to see a leak
_ENOUGH = 128  # rows embedded alone, to see whether the symptom is gone


def batch_leak(subject: Subject, signature: Signature) -> Clue | None:
    """Does the model, in eval mode, give a row another embedding alone than in a batch?"""
    given = source(subject)
    if given is None or len(given.inputs) < 2 or isinstance(given.model, WithoutActivations):
        return None
    few = given.inputs[_some(len(given.inputs), _FEW)]
    alone = attempted(lambda: _alone(given.model, few))
    together = attempted(lambda: embed(private_copy(given.model).eval(), few.clone()).clone())
    if alone is None or together is None or together.shape != alone.shape:
        return None
    changed, before, after = _changed(alone, together), mean_row_cosine(together), mean_row_cosine(alone)
    equal = before >= ALWAYS and 1 - after > 2 * (1 - before)
    copies = _distinct(together) <= _FEW / 2 and _distinct(alone) >= 2 * _distinct(together)
    if changed < 1 / 2 or not (equal or copies or after < before):
        return None
    repaired = attempted(lambda: _embedded_alone(subject))
    if repaired is None:
        return None
    return Clue(
        confidence=0.97 if equal or copies else 0.9,
        evidence={
            "share_of_rows_that_change_with_their_batch": changed,
            "mean_cosine_in_a_batch": before,
            "mean_cosine_alone": after,
        },
        change="embed each row alone",
        repair=lambda: repaired,
    )


def _some(rows: int, most: int) -> torch.Tensor:
    return torch.randperm(rows, generator=generator())[:most].sort().values


def _embedded_alone(subject: Subject) -> Subject:
    """Some items, each embedded alone, without the model: later probes would run batches again."""
    few = take(subject, _some(len(subject.x), _ENOUGH).to(subject.x.device))
    assert few.model is not None
    assert few.inputs is not None
    x = _alone(few.model, few.inputs).to(subject.x)
    y = None if few.y is None or few.other_inputs is None else _alone(few.model, few.other_inputs).to(subject.x)
    return replace(few, x=x, y=y, model=None)


def _alone(model: nn.Module, inputs: torch.Tensor) -> torch.Tensor:
    """Each row embedded by itself; in a batch of two copies by a model that drops a batch of one."""
    run = private_copy(model).eval()
    try:
        embed(private_copy(run), inputs[:1].clone())
        copies = 1
    except DiagnosisError:
        copies = 2
    batches = (row.expand(copies, *row.shape[1:]).clone() for row in inputs.split(1))
    return torch.cat([embed(run, batch)[:1].clone() for batch in batches])


def _changed(one: torch.Tensor, other: torch.Tensor) -> float:
    """Share of rows that differ by more than a product in a batch of another size rounds."""
    least = max(1e-3, 8 * torch.finfo(one.dtype).eps) * one.flatten(1).double().norm(dim=1)
    return float(((one.double() - other.double()).flatten(1).norm(dim=1) > least).double().mean())


def _distinct(x: torch.Tensor) -> int:
    return len(set(row_hashes(x.flatten(1)).tolist()))
