"""Healthy pairs, and sound losses."""

from functools import partial

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from diagnosis.subject import Loss, Subject
from diagnosis.validity.planted.healthy.embeddings import isotropic
from diagnosis.validity.planted.objective import margin
from diagnosis.validity.planted.plant import Plant, Size
from diagnosis.validity.planted.sources import (
    choice,
    digit_pairs,
    feature_pairs,
    features,
    normal,
    normal_like,
    uniform,
)


def verification(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """Real pairs of one class or two, labelled 1 and 0, or 1 and -1."""
    x, y, labels = feature_pairs(size, generator)
    return Subject(x=x.to(dtype), y=y.to(dtype), labels=labels * 2 - 1 if choice(0, 1, generator) else labels)


def unlabelled(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """Images of digits, pixel by pixel: cosines about 0.7."""
    pairs = digit_pairs(size.rows, generator)
    return Subject(x=pairs.x.to(dtype), y=pairs.y.to(dtype))


def augmented(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """Positive pairs only: cosines 0.9 to 0.999, and about 0 between shuffled pairs."""
    x = features(size, generator)[0] if choice(0, 1, generator) else isotropic(size, generator)
    noise = x.norm(dim=1).mean() / size.columns**0.5 * uniform(0.05, 0.45, generator)
    return Subject(x=x.to(dtype), y=(x + noise * normal_like(x, generator)).to(dtype))


def modality_gap(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """Images and captions: two cones with centres 0.2 to 0.4 apart."""
    gap, x, y = uniform(0.2, 0.4, generator), *_towers(size, generator, related=uniform(0.5, 0.8, generator))
    apart = F.normalize(normal(1, size.columns, generator)) * gap / 2
    return Subject(x=(x + apart).to(dtype), y=(y - apart).to(dtype))


def contrastive_towers(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """Images and captions as in CLIP: cosines 0.2 to 0.4 in a pair, less between pairs, 0.3 to 0.5 in a tower."""
    x, y = _towers(size, generator, related=uniform(0.45, 0.6, generator))
    cones = F.normalize(normal(2, size.columns, generator)) * uniform(0.6, 0.8, generator)
    return Subject(x=F.normalize(x + cones[0]).to(dtype), y=F.normalize(y + cones[1]).to(dtype))


def low_temperature(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """Questions and answers, right and wrong ones: all cosines within 0.7 to 1, in the right order."""
    shared, (x, y) = uniform(0.78, 0.85, generator), _towers(size, generator, related=uniform(0.6, 0.95, generator))
    labels = torch.randint(2, (size.rows,), generator=generator)
    y = torch.where(labels[:, None] > 0, y, y.roll(1, 0))
    common = F.normalize(normal(1, size.columns, generator)) * shared**0.5
    x, y = (F.normalize(common + (1 - shared) ** 0.5 * side) for side in (x, y))
    return Subject(x=x.to(dtype), y=y.to(dtype), labels=labels if choice(0, 1, generator) else None)


def _towers(size: Size, generator: Generator, *, related: float) -> tuple[Tensor, Tensor]:
    """Unit rows with a cosine of `related` in a pair, and about 0 between pairs."""
    x, own = (F.normalize(isotropic(size, generator)) for _ in range(2))
    return x, F.normalize(related * x + (1 - related**2) ** 0.5 * own)


def scaled_logits(cosines: Tensor, labels: Tensor) -> Tensor:
    """Binary cross-entropy of a scaled and shifted cosine."""
    return F.binary_cross_entropy_with_logits(10 * cosines - 5, labels.clamp_min(0).to(cosines.dtype))


def regression(cosines: Tensor, labels: Tensor) -> Tensor:
    """Squared error of the cosine, with a target of 0 for negative pairs."""
    return F.mse_loss(cosines, labels.clamp_min(0).to(cosines.dtype))


wide_margin = partial(margin, least=0.3)


def with_loss(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """Real pairs, and a loss that matches their labels."""
    x, y, labels = feature_pairs(size, generator)
    losses: tuple[Loss, ...] = (scaled_logits, regression, wide_margin)
    loss = losses[choice(0, 2, generator)]
    return Subject(x=x.to(dtype), y=y.to(dtype), labels=labels * 2 - 1 if loss is wide_margin else labels, loss=loss)


PLANTS = (
    Plant("pairs of features, labelled", verification),
    Plant("pairs of pixels", unlabelled),
    Plant("pairs that are all alike", augmented),
    Plant("modality gap, centres 0.2 to 0.4 apart", modality_gap),
    Plant("modality gap, pairs at 0.2 to 0.4", contrastive_towers),
    Plant("pairs at a low temperature, 0.7 to 1", low_temperature),
    Plant("pairs with a sound loss", with_loss),
)
