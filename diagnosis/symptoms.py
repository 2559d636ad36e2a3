"""What counts as "always 1": figures that users complain of, each judged against what the same rows allow."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from scipy import stats

from diagnosis.answers import Answers, answers
from diagnosis.probes.loss import push
from diagnosis.probes.similarity import reach
from diagnosis.signature.directions import clustered, few_directions, narrowness
from diagnosis.signature.rows import rows, unit
from diagnosis.signature.signature import Signature
from diagnosis.subject import Subject

ALWAYS = 0.95  # healthy encoders of low temperature lie in 0.7 to 1, fine-grained data at 0.9: they still leave room
GONE = 0.9  # to which the mean cosine has to fall before it counts as undone
MANY = 0.1  # answers that are lost: from there on they are what somebody complains of first


@dataclass(frozen=True)
class Symptom:
    """A figure by its name, its value, and whether it is out of order, or nearly: a repair has to bring it further."""

    name: str
    value: float
    present: bool
    nearly: bool = False


def _alike(name: str, cosine: float) -> Symptom:
    return Symptom(name, cosine, cosine >= ALWAYS, GONE < cosine < ALWAYS)


def symptoms(subject: Subject, signature: Signature) -> tuple[Symptom, ...]:
    """Every figure that can be read of the subject, the gravest first; `signature` is the subject's."""
    said = answers(subject)
    lost, order = _lost(signature, said), _order(said)
    alike = tuple(_of_cosines(subject, signature))
    return (
        *((lost, *alike) if lost.value > MANY else (*alike, lost)),
        *([order] if order else []),
        *_of_training(subject, said),
    )


def _of_cosines(subject: Subject, signature: Signature) -> Iterator[Symptom]:
    unrelated = signature.mean_cosine if subject.y is None else signature.shuffled_cosine
    unrelated = 0.0 if math.isnan(unrelated) else unrelated  # fewer than two rows have a direction
    yield _alike("mean cosine of unrelated rows", unrelated)
    if subject.y is not None:
        rounding = torch.finfo(subject.x.dtype).eps ** 2 / 2 + 1e-12  # what rounding both sides takes from 1
        one = signature.pair_cosine >= 1 - rounding
        yield Symptom("mean cosine of pairs", signature.pair_cosine, one)
        yield from _of_unlike_pairs(subject)
    narrow = narrowness(subject)
    few = few_directions(subject, narrow, signature.columns, signature.rows)
    yield Symptom("mean |cosine| of centred directions", narrow, few and not clustered(subject))
    yield Symptom("share of repeated rows", signature.repeated_share, signature.repeated_share > 0.2)


def _of_unlike_pairs(subject: Subject) -> Iterator[Symptom]:
    unlike = unlike_pairs(subject)
    if unlike is None or subject.y is None or not unlike.any():
        return
    x, y = (rows(side, subject.dim)[unlike] for side in (subject.x, subject.y))
    cosine = float((unit(x) * unit(y)).sum(1).nanmean())
    yield _alike("mean cosine of unlike pairs", cosine)


def unlike_pairs(subject: Subject) -> torch.Tensor | None:
    """Which pairs are labelled as unlike, `[N]` of bool; None where there are no pairs, or not one label to each."""
    if subject.y is None or subject.labels is None:
        return None
    labels = subject.labels.flatten()
    return labels <= 0 if len(labels) == len(rows(subject.x, subject.dim)) else None


def _lost(signature: Signature, said: Answers) -> Symptom:
    """Rows without a direction, and answers that overflow or vanish."""
    wrong = float(said.lost.double().mean()) if len(said.lost) else 0.0
    value = max(wrong, signature.faulty_rows / max(signature.rows, 1))
    return Symptom("share of answers that are lost", value, value > 0)


def _order(said: Answers) -> Symptom | None:
    """Spearman's rank correlation of the answers with the cosines in float64, whichever way round they count."""
    fine = said.given.isfinite() & said.exact.isfinite()
    given, exact = said.given[fine], said.exact[fine].round(decimals=13)
    if len(given) < 10 or len(exact.unique()) < 10:  # float64 does not tell them apart either
        return None
    same = len(given.unique()) == 1
    order = 0.0 if same else abs(float(stats.spearmanr(given.numpy(), exact.numpy()).statistic))
    chance = min(0.5, 3.5 / math.sqrt(len(given) - 1))  # answers of rounding noise alone stay below it
    return Symptom("order of the answers", order, order < max(0.3, chance))


def _of_training(subject: Subject, said: Answers) -> Iterator[Symptom]:
    if subject.similarity is not None:
        yield Symptom("range of the similarity", said.width, said.width < 0.9)  # (1 + cosine) / 2 has 1, a sigmoid 0.46
    gradient = _push(subject)
    if gradient is not None:
        yield Symptom("gradient on unlike pairs", gradient, gradient <= 0)


def _push(subject: Subject) -> float | None:
    """How the loss pushes near pairs apart that are labelled as unlike; 0.0 where none are."""
    unlike = unlike_pairs(subject)
    if subject.loss is None or subject.labels is None or unlike is None:
        return None
    if not unlike.any():
        return 0.0
    found = push(subject.loss, reach(subject), subject.labels, subject.labels[unlike][0].item(), 1)
    return None if found is None else found.unlike
