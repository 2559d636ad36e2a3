"""The symptoms of "always 1": the figures that users complain about, each with the value at which it is abnormal."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from scipy import stats

from diagnosis.probes.loss import push
from diagnosis.probes.similarity import Similarities, reach, similarities
from diagnosis.signature.directions import clustered, few_directions, narrowness
from diagnosis.signature.rows import rows, unit
from diagnosis.signature.signature import Signature
from diagnosis.subject import Subject
from diagnosis.verdict import ALWAYS

GONE = 0.9  # a repair has to bring the mean cosine down to this
MANY = 0.1  # from this share on, lost similarities are the gravest symptom


@dataclass(frozen=True)
class Symptom:
    """A figure with its value. `present` if it is abnormal; `nearly` if it is not, but a repair has to go further."""

    name: str
    value: float
    present: bool
    nearly: bool = False


def _too_high(name: str, cosine: float) -> Symptom:
    return Symptom(name, cosine, cosine >= ALWAYS, GONE < cosine < ALWAYS)


def symptoms(subject: Subject, signature: Signature) -> tuple[Symptom, ...]:
    """All figures that the subject allows, the gravest first; `signature` is that of the subject."""
    found = similarities(subject)
    lost, order = _lost(signature, found), _order(found)
    cosines = tuple(_of_cosines(subject, signature))
    return (
        *((lost, *cosines) if lost.value > MANY else (*cosines, lost)),
        *([order] if order else []),
        *_of_training(subject, found),
    )


def _of_cosines(subject: Subject, signature: Signature) -> Iterator[Symptom]:
    unrelated = signature.mean_cosine if subject.y is None else signature.shuffled_cosine
    unrelated = 0.0 if math.isnan(unrelated) else unrelated  # fewer than two rows have a direction
    yield _too_high("mean cosine of unrelated rows", unrelated)
    if subject.y is not None:
        rounding = torch.finfo(subject.x.dtype).eps ** 2 / 2 + 1e-12  # rounding both sides lowers a cosine of 1 by this
        one = signature.pair_cosine >= 1 - rounding
        yield Symptom("mean cosine of pairs", signature.pair_cosine, one)
        yield from _of_negative_pairs(subject)
    narrow = narrowness(subject)
    few = few_directions(subject, narrow, signature.columns, signature.rows)
    yield Symptom("mean |cosine| of centred directions", narrow, few and not clustered(subject))
    yield Symptom("share of repeated rows", signature.repeated_share, signature.repeated_share > 0.2)


def _of_negative_pairs(subject: Subject) -> Iterator[Symptom]:
    negative = negative_pairs(subject)
    if negative is None or subject.y is None or not negative.any():
        return
    x, y = (rows(side, subject.dim)[negative] for side in (subject.x, subject.y))
    cosine = float((unit(x) * unit(y)).sum(1).nanmean())
    yield _too_high("mean cosine of unlike pairs", cosine)


def negative_pairs(subject: Subject) -> torch.Tensor | None:
    """Which pairs are labelled negative, `[N]` of bool; None without pairs, or without one label per pair."""
    if subject.y is None or subject.labels is None:
        return None
    labels = subject.labels.flatten()
    return labels <= 0 if len(labels) == len(rows(subject.x, subject.dim)) else None


def _lost(signature: Signature, found: Similarities) -> Symptom:
    """Rows without a direction, and similarities that overflow or vanish."""
    wrong = float(found.lost.double().mean()) if len(found.lost) else 0.0
    value = max(wrong, signature.faulty_rows / max(signature.rows, 1))
    return Symptom("share of answers that are lost", value, value > 0)


def _order(found: Similarities) -> Symptom | None:
    """Spearman's rank correlation of the similarities with the cosines in float64, as an absolute value."""
    fine = found.given.isfinite() & found.exact.isfinite()
    given, exact = found.given[fine], found.exact[fine].round(decimals=13)
    if len(given) < 10 or len(exact.unique()) < 10:  # float64 can't separate them either
        return None
    same = len(given.unique()) == 1
    order = 0.0 if same else abs(float(stats.spearmanr(given.numpy(), exact.numpy()).statistic))
    chance = min(0.5, 3.5 / math.sqrt(len(given) - 1))  # answers of rounding noise alone stay below it
    return Symptom("order of the answers", order, order < max(0.3, chance))


def _of_training(subject: Subject, found: Similarities) -> Iterator[Symptom]:
    if subject.similarity is not None:
        # (1 + cosine) / 2 has a range of 1, a sigmoid of 0.46.
        yield Symptom("range of the similarity", found.width, found.width < 0.9)
    gradient = _push(subject)
    if gradient is not None:
        yield Symptom("gradient on unlike pairs", gradient, gradient <= 0)


def _push(subject: Subject) -> float | None:
    """The gradient by which the loss pushes similar negative pairs apart; 0.0 if no pair is negative."""
    negative = negative_pairs(subject)
    if subject.loss is None or subject.labels is None or negative is None:
        return None
    if not negative.any():
        return 0.0
    found = push(subject.loss, reach(subject), subject.labels, subject.labels[negative][0].item(), 1)
    return None if found is None else found.negative
