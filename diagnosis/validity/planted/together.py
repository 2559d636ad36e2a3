"""Two causes at once: a plant with a second fault added. The diagnosis should name both."""

from collections.abc import Callable
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from diagnosis.subject import Subject
from diagnosis.validity.planted import PLANTS
from diagnosis.validity.planted.objective import cross_entropy, margin, sigmoid_of_cosine
from diagnosis.validity.planted.plant import Plant, Size
from diagnosis.validity.planted.sources import normal, uniform

AddFault = Callable[[Subject, Generator], Subject]


def squash(subject: Subject, generator: Generator) -> Subject:
    """Binary cross-entropy of the sigmoid of the cosine."""
    return replace(_paired(subject, generator), similarity=sigmoid_of_cosine, loss=cross_entropy)


def zero_one_labels(subject: Subject, generator: Generator) -> Subject:
    """The cosine embedding loss, which expects labels 1 and -1, gets 1 and 0."""
    return replace(_paired(subject, generator), loss=margin)


def only_positive(subject: Subject, generator: Generator) -> Subject:
    """Only positive pairs."""
    subject = _paired(subject, generator)
    assert subject.labels is not None
    return replace(subject, labels=torch.ones_like(subject.labels), loss=margin)


def offset(subject: Subject, generator: Generator) -> Subject:
    """All rows share an offset 5 to 15 times as long as they are."""
    length = subject.x.float().norm(dim=-1).mean() * uniform(5, 15, generator)
    shared = F.normalize(normal(1, subject.x.shape[-1], generator)) * length
    return _each_side(subject, lambda side: (side.float() + shared).to(side.dtype))


def empty_rows(subject: Subject, generator: Generator) -> Subject:
    """10 to 40 % of the rows are zero."""
    empty = torch.rand(len(subject.x), generator=generator) < uniform(0.1, 0.4, generator)
    return replace(subject, x=subject.x.masked_fill(empty[:, None], 0))


def repeated_rows(subject: Subject, generator: Generator) -> Subject:
    """Few distinct rows, drawn again and again."""
    rows = len(subject.x)
    again = torch.randint(max(2, round(rows * uniform(0.02, 0.1, generator))), (rows,), generator=generator)
    return replace(subject, x=subject.x[again])


def _paired(subject: Subject, generator: Generator) -> Subject:
    """Pairs with labels 1 and 0: the subject's own pairs, or its first half paired with its second half."""
    if subject.y is None:
        half = len(subject.x) // 2
        x, y = subject.x[:half], subject.x[half : 2 * half]
        inputs, others = (
            (None, None) if subject.inputs is None else (subject.inputs[:half], subject.inputs[half : 2 * half])
        )
        subject = replace(subject, x=x, y=y, inputs=inputs, other_inputs=others)
    return replace(subject, labels=torch.randint(2, (len(subject.x),), generator=generator))


def _each_side(subject: Subject, change: Callable[[Tensor], Tensor]) -> Subject:
    return replace(subject, x=change(subject.x), y=None if subject.y is None else change(subject.y))


def _also(name: str, second: str, fault: AddFault) -> Plant:
    """The plant of this name with another fault."""
    plant = next(plant for plant in PLANTS if plant.name == name)

    def make(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
        return fault(plant.make(size, dtype, generator), generator)

    return Plant(f"{name} and {second}", make, plant.dtypes)


TOGETHER = (
    _also("same_tensor", "squashed_similarity", squash),
    _also("shared_storage", "label_convention", zero_one_labels),
    _also("wrong_dim", "common_offset", offset),
    _also("same_sample_twice", "label_convention", zero_one_labels),
    _also("constant_inputs", "no_negatives", only_positive),
    _also("padding_dominates", "squashed_similarity", squash),
    _also("batchnorm_misuse", "label_convention", zero_one_labels),
    _also("bias_dominates", "squashed_similarity", squash),
    _also("weights_not_loaded", "label_convention", zero_one_labels),
    _also("common_offset", "squashed_similarity", squash),
    _also("common_offset", "nan_or_zero_rows", empty_rows),
    _also("common_offset", "duplicate_rows", repeated_rows),
    _also("rogue_dimension", "label_convention", zero_one_labels),
    _also("saturated_head", "no_negatives", only_positive),
    _also("rank_collapse", "nan_or_zero_rows", empty_rows),
)
