"""Causes in the objective: labels of another convention, or a squashed similarity."""

from dataclasses import replace

import torch
import torch.nn.functional as F

from diagnosis.probes.loss import CONVENTIONS, least_loss, push
from diagnosis.probes.similarity import Reach, follows_cosine, reach
from diagnosis.signature.signature import Signature
from diagnosis.subject import Similarity, Subject
from diagnosis.suspects.suspect import Clue

_NARROW = 0.9  # (1 + cosine) / 2 has a range of 1
_IN_ORDER = 0.95  # Spearman; bfloat16 has few steps near 1, and a threshold, with two steps, reaches 0.87


def label_convention(subject: Subject, signature: Signature) -> Clue | None:
    """Does the loss expect labels of another convention, so that it does not push negative pairs apart?"""
    loss, labels = subject.loss, subject.labels
    if subject.y is None or loss is None or labels is None or not set(labels.unique().tolist()) <= {-1, 0, 1}:
        return None
    positive, within = labels > 0, reach(subject)
    negative_label = 0 if positive.all() else int(labels[~positive][0])
    found = push(loss, within, labels, negative_label, 1)
    pushes = {name: push(loss, within, labels, *values) for name, values in CONVENTIONS.items()}
    fitting = [name for name, other in pushes.items() if other and other.right]
    if found is None or found.right or not fitting:
        return None
    to_negative, to_positive = CONVENTIONS[fitting[0]]
    relabelled = torch.where(positive, to_positive, to_negative).to(labels.dtype)
    return Clue(
        confidence=1.0,
        evidence={
            "label_of_unlike_pairs": negative_label,
            "gradient_on_unlike_pairs": found.negative,
            "gradient_on_alike_pairs": found.positive,
            "labels_that_fit": fitting[0],
        },
        change=f"labels {fitting[0]}",
        repair=lambda: replace(subject, labels=relabelled),
    )


def squashed_similarity(subject: Subject, signature: Signature) -> Clue | None:
    """Does the similarity follow the cosine in a narrow range, as a sigmoid does, or the loss need a wider one?"""
    if subject.similarity is None:
        return _squashed_in_the_loss(subject)
    found = reach(subject)
    if subject.dim % subject.x.ndim == 0 or not found.itself - found.opposite < _NARROW:
        return None
    order = follows_cosine(subject)
    if not order > _IN_ORDER:
        return None
    evidence: dict[str, float | None] = {
        "similarity_of_itself": found.itself,
        "similarity_of_the_opposite": found.opposite,
        "rank_correlation_with_the_cosine": order,
    }
    if subject.loss is not None and subject.labels is not None:
        evidence["least_loss_possible"] = least_loss(subject.loss, found.between(0, 1), subject.labels)
    unsquashed = _cosine_as_probability(subject.dim) if found.opposite > 0 else None
    return Clue(
        confidence=1.0,
        evidence=evidence,
        change="(1 + cosine) / 2" if unsquashed else "drop the squash",
        repair=lambda: replace(subject, similarity=unsquashed),
    )


def _squashed_in_the_loss(subject: Subject) -> Clue | None:
    """A loss that no cosine brings near 0, and that still falls at the ends of the range."""
    loss, labels = subject.loss, subject.labels
    if subject.y is None or loss is None or labels is None:
        return None
    cosines = Reach().between(0, 1)
    least, inside, scaled = (least_loss(loss, within, labels) for within in (cosines, 0.9 * cosines, 10 * cosines))
    if least is None or inside is None or least < 0.1 or inside - least < 0.01:
        return None

    def tenfold(similarities: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return loss(10 * similarities, labels)

    undone = scaled is not None and scaled <= least / 10  # a loss of vectors can't take a tenfold cosine
    return Clue(
        confidence=1.0,
        evidence={"least_loss_possible": least, "least_loss_of_a_tenfold_cosine": scaled if undone else None},
        change="scale the cosine by 10" if undone else "",
        repair=(lambda: replace(subject, loss=tenfold)) if undone else None,
    )


def _cosine_as_probability(dim: int) -> Similarity:
    return lambda x, y: (1 + F.cosine_similarity(x, y, dim=dim)) / 2
