"""Faults in the objective: networks trained on pairs of digits until they collapse, and losses without a signal."""

from collections.abc import Callable
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from diagnosis.subject import Loss, Subject
from diagnosis.validity.planted.data import run, some_network
from diagnosis.validity.planted.network import deep, shallow
from diagnosis.validity.planted.plant import Plant, Size
from diagnosis.validity.planted.sources import (
    LabelledPairs,
    choice,
    digit_pairs,
    feature_pairs,
    some_digits,
    trained,
    uniform,
)


def no_negatives(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """Positive pairs only, until all digits are one point."""
    pairs = digit_pairs(size.rows, generator)
    pairs = pairs._replace(labels=torch.ones_like(pairs.labels))
    model = fitted(some_network(size, generator, ("layernorm", "batchnorm")), pairs, margin, 1e-2, generator)
    return paired(model, pairs, margin, dtype)


def pulled_together(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """A loss that ignores its labels, at a harmless learning rate."""
    pairs = digit_pairs(size.rows, generator)
    model = fitted(some_network(size, generator, ("layernorm", "batchnorm")), pairs, distance, 1e-2, generator)
    subject = paired(model, pairs, distance, dtype)
    return replace(subject, learning_rate=1e-3) if choice(0, 1, generator) else subject


def label_convention(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """Labels 0 and 1 for a loss that expects -1 and 1, before or after training."""
    pairs = digit_pairs(size.rows, generator)
    model: nn.Module = some_network(size, generator, ("layernorm", "batchnorm"))
    if choice(0, 1, generator):
        model = fitted(model, pairs, margin, 1e-2, generator)
    return paired(model, pairs, margin, dtype)


def squashed_similarity(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """Binary cross-entropy of the sigmoid of the cosine."""
    x, y, labels = feature_pairs(size, generator)
    return Subject(x=x.to(dtype), y=y.to(dtype), labels=labels, similarity=sigmoid_of_cosine, loss=cross_entropy)


def narrow_similarity(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """A similarity that rises only a little with the cosine: a kernel too wide, or a shifted sigmoid."""
    x, y, labels = feature_pairs(size, generator)
    width, shift = uniform(1.5, 4, generator), uniform(3, 5, generator)
    functions: tuple[Callable[[Tensor], Tensor], ...] = (
        lambda cosines: torch.exp((cosines - 1) / width**2),  # exp(-d^2 / 2 width^2), of unit vectors
        lambda cosines: torch.sigmoid(cosines + shift),
    )
    function = functions[choice(0, 1, generator)]
    return Subject(
        x=x.to(dtype),
        y=y.to(dtype),
        labels=labels,
        similarity=lambda x, y: function(F.cosine_similarity(x, y, dim=-1)),
    )


def learning_rate_too_high(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """Adam at a learning rate usual for SGD, on a network without normalisation; only runs that collapsed."""
    pairs, rate = digit_pairs(size.rows, generator), uniform(0.08, 0.15, generator)
    pairs = pairs._replace(labels=2 * pairs.labels - 1)
    subject = None
    while subject is None or min(F.cosine_similarity(subject.x[0].float(), subject.x.float())) < 0.99:
        model = nn.Sequential(deep(size.columns, seed=choice(4, 2**31, generator), steps=0), Normalised())
        subject = paired(fitted(model, pairs, margin, rate, generator), pairs, margin, dtype)
    return replace(subject, learning_rate=rate)


def collapsed_siamese(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """A Siamese network without predictor or stop-gradient, trained on views of the digits."""
    pairs = digit_pairs(size.rows, generator)
    noise = uniform(0.1, 0.3, generator) * torch.randn(pairs.x.shape, generator=generator)
    views = LabelledPairs(pairs.x, pairs.x + noise, torch.ones_like(pairs.labels))
    model = fitted(trained("layernorm", size.columns, generator), views, margin, 1e-2, generator)
    return Subject(x=run(model, views.x).to(dtype), inputs=views.x, model=model)


def collapse_of_relus(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """The same with standardised pixels and no normalisation: many ReLUs die during training."""
    images, _ = some_digits(size.rows, generator)
    images = (images - images.mean(0)) / images.std()
    noise = uniform(0.1, 0.3, generator) * torch.randn(images.shape, generator=generator)
    views = LabelledPairs(images, images + noise, torch.ones(len(images), dtype=torch.long))
    model = fitted(shallow(size.columns, generator), views, margin, 3e-3, generator)
    return Subject(x=run(model, views.x).to(dtype), inputs=views.x, model=model)


class Normalised(nn.Module):
    """Rows of norm 1, which fit into every dtype whatever the training did."""

    def forward(self, x: Tensor) -> Tensor:
        """`[N, D]` to `[N, D]`."""
        return F.normalize(x)


def fitted(model: nn.Module, pairs: LabelledPairs, loss: Loss, rate: float, generator: Generator) -> nn.Module:
    """The model after 60 steps of Adam on the pairs, in eval mode."""
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    for _ in range(60):
        chosen = torch.randint(len(pairs.x), (64,), generator=generator)
        optimizer.zero_grad()
        with torch.enable_grad():
            cosines = F.cosine_similarity(model(pairs.x[chosen]), model(pairs.y[chosen]))
            loss(cosines, pairs.labels[chosen]).backward()
        optimizer.step()
    return model.eval()


def paired(model: nn.Module, pairs: LabelledPairs, loss: Loss, dtype: torch.dtype) -> Subject:
    """Pairs as the model embeds them, with their inputs, labels, model and loss."""
    x, y = run(model, pairs.x).to(dtype), run(model, pairs.y).to(dtype)
    return Subject(x=x, y=y, inputs=pairs.x, other_inputs=pairs.y, labels=pairs.labels, model=model, loss=loss)


def margin(cosines: Tensor, labels: Tensor, least: float = 0.2) -> Tensor:
    """The loss of `nn.CosineEmbeddingLoss` with the margin `least`. It expects labels 1 and -1, and is 0 for others."""
    return torch.where(labels == 1, 1 - cosines, torch.where(labels == -1, (cosines - least).clamp_min(0), 0)).mean()


def distance(cosines: Tensor, labels: Tensor) -> Tensor:
    """The squared distance of unit vectors; the labels are ignored."""
    return (2 - 2 * cosines).mean()


def sigmoid_of_cosine(x: Tensor, y: Tensor) -> Tensor:
    """In 0.269 to 0.731."""
    return F.cosine_similarity(x, y).sigmoid()


def cross_entropy(similarities: Tensor, labels: Tensor) -> Tensor:
    """Binary cross-entropy of a probability."""
    return F.binary_cross_entropy(similarities.float(), labels.float())


PLANTS = (
    Plant("no_negatives", no_negatives),
    Plant("no_negatives", pulled_together),
    Plant("label_convention", label_convention),
    Plant("squashed_similarity", squashed_similarity),
    Plant("squashed_similarity", narrow_similarity),
    Plant("learning_rate_too_high", learning_rate_too_high),
    Plant("training_collapse", collapsed_siamese),
    Plant("training_collapse", collapse_of_relus),
)
