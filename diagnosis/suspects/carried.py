"""Detectors of `carried_over`: one side is left over from an earlier step."""

from dataclasses import replace

import numpy as np
import torch

from diagnosis.probes.model import attempted, rerun, source
from diagnosis.probes.vectors import other_partners
from diagnosis.signature.rows import equal_share, row_hashes, rows, same_memory
from diagnosis.signature.signature import Signature
from diagnosis.subject import Subject
from diagnosis.suspects.suspect import Clue


def carried_over(subject: Subject, signature: Signature) -> Clue | None:
    """Is each row of `y` a row of `x` from some steps before?"""
    if subject.y is None or same_memory(subject.x, subject.y):
        return None
    x, y = (row_hashes(rows(side, subject.dim)) for side in (subject.x, subject.y))
    known, first = np.unique(x, return_index=True)
    if len(known) < 0.9 * len(x) or _intended(subject):
        return None
    place = np.searchsorted(known, y).clip(max=len(known) - 1)
    lags = (np.arange(len(y)) - first[place])[(known[place] == y)]
    behind, counts = np.unique(lags[lags > 0], return_counts=True)
    share = float(counts.max(initial=0)) / len(y)
    if share < 0.8:
        return None
    return Clue(
        confidence=0.95,
        evidence={"share_of_y_that_is_an_earlier_x": share, "steps_behind": int(behind[counts.argmax()])},
        change="compare with another row",
        repair=lambda: other_partners(subject),
    )


def never_rewritten(subject: Subject, signature: Signature) -> Clue | None:
    """Is `y` a copy of `x`, bit by bit, although their inputs differ?"""
    x, y, inputs, others = subject.x, subject.y, subject.inputs, subject.other_inputs
    if y is None or inputs is None or others is None or subject.model is not None or same_memory(x, y):
        return None
    copied, same = equal_share(x, y), equal_share(inputs, others)
    if copied < 0.8 or same > 0.2 or signature.repeated_share > 0.2:
        return None
    return Clue(
        confidence=0.95,
        evidence={"share_of_y_that_is_its_own_x": copied, "share_of_inputs_that_are_equal": same},
        change="compare with another row",
        repair=lambda: other_partners(subject),
    )


def kept_from_before(subject: Subject, signature: Signature) -> Clue | None:
    """Did the model compute `y` from the inputs of `x`, now or some steps ago, instead of its own inputs?"""
    if subject.y is None or source(subject) is None or same_memory(subject.x, subject.y):
        return None
    anew = attempted(lambda: rerun(subject))
    if anew is None or anew.y is None or (anew.x.shape, anew.y.shape) != (subject.x.shape, subject.y.shape):
        return None
    # The rounding depends on the size of the batch.
    least = max(1e-3, 8 * torch.finfo(subject.x.dtype).eps) * subject.y.flatten(1).double().norm(dim=1)
    to_x, to_own = _distances(subject.y, subject.x), _distances(subject.y, anew.y)
    reproduced = float((_distances(subject.x, anew.x) < least).double().mean())
    share = float(((to_own > least) & (to_x < to_own / 2)).double().mean())
    if reproduced < 0.9 or share < 0.8:
        return None
    return Clue(
        confidence=0.95,
        evidence={"share_of_x_that_the_model_reproduces": reproduced, "share_of_y_that_is_of_the_inputs_of_x": share},
        change="compute y anew",
        repair=lambda: replace(subject, y=anew.y),
    )


def _distances(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    distances: torch.Tensor = (one.double() - other.double()).flatten(1).norm(dim=1)
    return distances


def _intended(subject: Subject) -> bool:
    """Whether the inputs are carried over as well: then neighbours in time are compared on purpose."""
    if subject.inputs is None or subject.other_inputs is None:
        return False
    known = set(row_hashes(subject.inputs.flatten(1)).tolist())
    return sum(one in known for one in row_hashes(subject.other_inputs.flatten(1)).tolist()) > len(subject.x) / 2
