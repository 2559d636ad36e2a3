"""Causes in the training, found by training a copy for some steps: no unlike pairs, a rate too high, a collapse."""

import math
from dataclasses import replace

import torch

from diagnosis.probing import push, reach
from diagnosis.rerun import alikeness, attempted, rerun, source
from diagnosis.retrain import lesson, reinitialised, trained
from diagnosis.signature import Signature
from diagnosis.subject import Loss, Subject
from diagnosis.suspects.suspect import Clue

_ALIKE = 0.9  # mean cosine
_DRAWS = 5  # of the weights: some survive a high rate
_RATE = 1e-3  # of Adam, its default


def no_negatives(subject: Subject, signature: Signature) -> Clue | None:
    """Are all pairs that a loss is handed labelled alike, so that one point for all is its best answer?"""
    labels, loss = subject.labels, subject.loss
    if subject.y is None or labels is None or loss is None or not (labels > 0).all():
        return None  # without a loss, pairs that are all alike can be a test of their own
    mixed = _with_negatives(subject, subject.y, labels, loss)
    learnt = attempted(lambda: trained(mixed, rate=_RATE)) if lesson(subject) else None
    return Clue(
        confidence=0.95,
        evidence={"pairs": len(labels), "unlike_pairs": 0},
        change="train with shuffled pairs as unlike" if learnt else "add shuffled pairs as unlike",
        repair=lambda: learnt or mixed,
    )


def learning_rate_too_high(subject: Subject, signature: Signature) -> Clue | None:
    """Does a model that is drawn anew collapse in some steps at the rate, and not at a thirtieth of it?"""
    rate = subject.learning_rate
    if rate is None or lesson(subject) is None or signature.mean_cosine < _ALIKE:
        return None
    low = attempted(lambda: trained(subject, rate / 30))
    if low is None:
        return None
    tries = (alikeness(trained(subject, rate, seed).x) for seed in range(_DRAWS))
    high = next((1.0 if math.isnan(alike) else alike for alike in tries if not alike < _ALIKE), None)  # NaN: diverged
    after_low = alikeness(low.x)
    if high is None or not 1 - after_low > 3 * (1 - high):
        return None
    return Clue(
        confidence=0.9,
        evidence={"learning_rate": rate, "mean_cosine_at_it": high, "mean_cosine_at_a_thirtieth": after_low},
        change="train at a thirtieth of the rate",
        repair=lambda: low,
    )


def training_collapse(subject: Subject, signature: Signature) -> Clue | None:
    """Are the embeddings of the trained model alike, and those of the same model with new weights not?"""
    before = alikeness(subject.x)
    anew = attempted(lambda: rerun(subject, reinitialised)) if source(subject) and before > _ALIKE else None
    after = alikeness(anew.x) if anew else before
    if anew is None or 1 - after < 3 * (1 - before):
        return None
    return Clue(
        confidence=0.6,
        evidence={"mean_cosine": before, "mean_cosine_with_new_weights": after},
        change="re-initialise",
        repair=lambda: anew,
    )


def _with_negatives(subject: Subject, y: torch.Tensor, labels: torch.Tensor, loss: Loss) -> Subject:
    """Each pair, and each `x` with another's partner, labelled as the loss wants unlike pairs."""
    with_zero = push(loss, reach(subject), labels, 0, 1)
    unlike = labels.new_full(labels.shape, 0 if with_zero and with_zero.right else -1)
    inputs, others, half = subject.inputs, subject.other_inputs, len(labels) // 2
    return replace(
        subject,
        x=torch.cat([subject.x, subject.x]),
        y=torch.cat([y, y.roll(half, 0)]),
        inputs=None if inputs is None else torch.cat([inputs, inputs]),
        other_inputs=None if others is None else torch.cat([others, others.roll(half, 0)]),
        labels=torch.cat([labels, unlike]),
    )
