"""Causes in the training, found by training a copy for some steps: no negatives, a rate too high, a collapse."""

from dataclasses import replace
from functools import partial

import torch

from diagnosis.probes.loss import pulls_only, push
from diagnosis.probes.model import attempted, mean_row_cosine, rerun, source
from diagnosis.probes.similarity import reach, similarity
from diagnosis.probes.training import lesson, reinitialised, retrained
from diagnosis.signature.signature import Signature
from diagnosis.subject import Loss, Subject
from diagnosis.suspects.suspect import Clue

_HIGH = 0.9  # mean cosine
_DRAWS = 5  # new weights to try, since some survive a high rate
_RATE = 1e-3  # Adam's default
_UNUSUAL = 1e-2  # networks that are trained well at it exist, but a collapse at it needs no other reason
_ONE_POINT = 0.999  # mean cosine; working encoders reach 0.99


def no_negatives(subject: Subject, signature: Signature) -> Clue | None:
    """Does nothing push pairs apart: are all labelled positive, or does the loss pull them together for any label?"""
    labels, loss = subject.labels, subject.loss
    if subject.y is None or labels is None or loss is None:
        return None  # without a loss, positive pairs alone can be a test set
    negatives = int((labels <= 0).sum())
    if not negatives:
        change, mixed = "shuffled pairs as negatives", _with_negatives(subject, subject.y, labels, loss)
    elif pulls_only(loss, reach(subject), labels):
        change, mixed = "a loss that pushes negative pairs apart", replace(subject, loss=_apart)
    else:
        return None
    anew = attempted(lambda: rerun(subject, reinitialised)) if lesson(subject) else None
    separates = anew is not None and mean_row_cosine(anew.x) < _HIGH  # else the network is at fault
    learnt = attempted(lambda: retrained(mixed, rate=_RATE)) if separates else None
    return Clue(
        confidence=0.95,
        evidence={"pairs": len(labels), "unlike_pairs": negatives, "loss_pushes_unlike_pairs_apart": not negatives},
        change=f"train with {change}" if learnt else f"add {change}",
        repair=lambda: learnt or mixed,
    )


def learning_rate_too_high(subject: Subject, signature: Signature) -> Clue | None:
    """Does a model with new weights collapse in some steps at the rate, but learn at a thirtieth of it?"""
    rate = subject.learning_rate
    if rate is None or source(subject) is None or signature.mean_cosine < _HIGH:
        return None
    taught = subject if lesson(subject) else _pushed_apart(subject)
    drawn = _learns_at_a_thirtieth_only(taught, rate) if lesson(taught) else None
    if drawn is None:
        return _collapsed_at(subject, rate)
    low, high = drawn
    return Clue(
        confidence=0.9,
        evidence={
            "learning_rate": rate,
            "mean_cosine_at_it": mean_row_cosine(high.x),
            "mean_cosine_at_a_thirtieth": mean_row_cosine(low.x),
        },
        change="train at a thirtieth of the rate",
        repair=lambda: low if taught is subject else rerun(subject, lambda model: low.model),
    )


def embeddings_of_a_high_rate(subject: Subject, signature: Signature) -> Clue | None:
    """Were embeddings without a model that are nearly one point trained at a rate far above the usual ones?"""
    rate = subject.learning_rate
    if rate is None or rate < _UNUSUAL or subject.model is not None or signature.mean_cosine < _ONE_POINT:
        return None
    return Clue.by_centring(subject, 0.5, {"learning_rate": rate, "mean_cosine": signature.mean_cosine})


def _collapsed_at(subject: Subject, rate: float) -> Clue | None:
    """A clue, weaker than one from a training, if the model collapsed at a rate far above the usual ones."""
    anew = _reinitialised(subject) if rate >= _UNUSUAL else None
    if anew is None:
        return None
    evidence = {
        "learning_rate": rate,
        "times_the_usual_rate_of_adam": rate / _RATE,
        "mean_cosine": mean_row_cosine(subject.x),
        "mean_cosine_with_new_weights": mean_row_cosine(anew.x),
    }
    return Clue(confidence=0.55, evidence=evidence, change="re-initialise", repair=lambda: anew)


def _pushed_apart(subject: Subject) -> Subject:
    """Each input with another one as an unlike pair, and a loss that pushes these apart: it needs no labels."""
    half = max(1, len(subject.x) // 2)
    return replace(
        subject,
        y=subject.x.roll(half, 0),
        other_inputs=None if subject.inputs is None else subject.inputs.roll(half, 0),
        labels=torch.zeros(len(subject.x), dtype=torch.long),
        loss=_apart,
        similarity=None,
    )


def _learns_at_a_thirtieth_only(subject: Subject, rate: float) -> tuple[Subject, Subject] | None:
    """The subject trained at a thirtieth of the rate and at the rate, for the first weights where only this fails."""
    for seed in range(_DRAWS):
        low = attempted(partial(retrained, subject, rate / 30, seed))
        if low is None:
            return None
        high = retrained(subject, rate, seed) if mean_row_cosine(low.x) < _HIGH else low
        collapsed = not mean_row_cosine(high.x) < _HIGH  # NaN: diverged
        if collapsed and high is not low and not _loss(high) <= _loss(low):  # else one point is the optimum
            return low, high
    return None


def training_collapse(subject: Subject, signature: Signature) -> Clue | None:
    """Are cosines high with the trained weights, but not with new ones?"""
    anew = _reinitialised(subject)
    if anew is None:
        return None
    return Clue(
        confidence=0.6,
        evidence={"mean_cosine": mean_row_cosine(subject.x), "mean_cosine_with_new_weights": mean_row_cosine(anew.x)},
        change="re-initialise",
        repair=lambda: anew,
    )


def _reinitialised(subject: Subject) -> Subject | None:
    """The subject with new weights that separate it best, if most of them separate it better than its own."""
    before = mean_row_cosine(subject.x)
    if source(subject) is None or before <= _HIGH:
        return None
    seeds = range(_DRAWS)
    draws = [new for seed in seeds if (new := attempted(partial(rerun, subject, partial(reinitialised, seed=seed))))]
    draws.sort(key=lambda anew: mean_row_cosine(anew.x))
    usual = mean_row_cosine(draws[len(draws) // 2].x) if draws else 1.0
    return None if 1 - usual < 3 * (1 - before) else draws[0]


def _loss(subject: Subject) -> float:
    assert subject.y is not None
    assert subject.labels is not None
    assert subject.loss is not None
    with torch.no_grad():
        return float(subject.loss(similarity(subject)(subject.x, subject.y), subject.labels).mean())


def _apart(similarities: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return torch.where(labels > 0, -similarities, similarities).mean()


def _with_negatives(subject: Subject, y: torch.Tensor, labels: torch.Tensor, loss: Loss) -> Subject:
    """Each pair, and each `x` with another partner, labelled negative in the convention of the loss."""
    with_zero = push(loss, reach(subject), labels, 0, 1)
    negative = labels.new_full(labels.shape, 0 if with_zero and with_zero.right else -1)
    inputs, others, half = subject.inputs, subject.other_inputs, len(labels) // 2
    return replace(
        subject,
        x=torch.cat([subject.x, subject.x]),
        y=torch.cat([y, y.roll(half, 0)]),
        inputs=None if inputs is None else torch.cat([inputs, inputs]),
        other_inputs=None if others is None else torch.cat([others, others.roll(half, 0)]),
        labels=torch.cat([labels, negative]),
    )
