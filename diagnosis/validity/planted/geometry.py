"""Faults in the geometry of embeddings: a layer, an offset or a training makes real features similar."""

import itertools

import torch
import torch.nn.functional as F
from torch import Generator

from diagnosis.subject import Subject
from diagnosis.validity.planted.plant import Plant, Size
from diagnosis.validity.planted.sources import choice, features, measured, normal, some_digits, trained, uniform


def common_offset(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """The anisotropy of an encoder not trained for cosine: an offset 5 to 15 times as long as the rest."""
    x, _ = features(size, generator)
    spread = (x - x.mean(0)).norm(dim=1).mean()
    offset = F.normalize(normal(1, size.columns, generator)) * spread * uniform(5, 15, generator)
    return Subject(x=(x + offset).to(dtype))


def positive_only(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """A VGG cut off after a ReLU, with random weights and maps averaged over all positions."""
    images, _ = some_digits(size.rows, generator)
    maps = F.interpolate(images.reshape(-1, 1, 8, 8), scale_factor=2)
    widths = [1, *[32] * choice(3, 4, generator), size.columns]
    for ins, outs in itertools.pairwise(widths):
        weights = normal(outs, ins * 9, generator).reshape(outs, ins, 3, 3) * (2 / (9 * ins)) ** 0.5
        maps = F.conv2d(maps, weights, padding=1).relu()
    return Subject(x=maps.mean((2, 3)).to(dtype))


def saturated_outputs(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """A sigmoid or softmax of small logits, or a tanh of logits dominated by a bias."""
    x, _ = features(size, generator)
    logits = (x - x.mean(0)) / x.std() * uniform(0.05, 0.35, generator)
    bias = normal(1, size.columns, generator).sign() * uniform(2, 3, generator)
    heads = (logits.sigmoid(), (0.6 * logits).softmax(1), (2 * logits + bias).tanh())  # exp spreads them further
    return Subject(x=heads[choice(0, 2, generator)].to(dtype))


def dead_relus(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """A step too large has moved the biases of a ReLU layer far below 0, and a few of them far above."""
    x, _ = features(size, generator)
    step = uniform(8, 30, generator) * x.std()
    bias = step * (normal(1, size.columns, generator) - uniform(0.8, 1.4, generator))
    bias[:, : max(2, size.columns // 20)] = step * uniform(0.5, 1.5, generator)
    return Subject(x=(x + bias).relu().to(dtype))


def rogue_dimension(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """The outlier dimensions of a transformer: one to three that are always large and keep their sign."""
    x, _ = features(size, generator)
    rogue = torch.randperm(size.columns, generator=generator)[: choice(1, 3, generator)]
    length = (x - x.mean(0)).norm(dim=1).mean() * uniform(6, 12, generator)
    each = (0.75 + torch.rand(1, len(rogue), generator=generator) / 2) * normal(1, len(rogue), generator).sign()
    x[:, rogue] += length * each
    return Subject(x=x.to(dtype))


def units_of_their_own(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """Columns in their original units and one of another unit: a time in seconds, an area, an identifier."""
    table = measured(size, generator)
    other = 10 ** uniform(3, 4, generator) * (1 + uniform(0, 0.3, generator) * normal(len(table), 1, generator))
    return Subject(x=torch.cat([table, other], 1).to(dtype))


def rank_collapse(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """A bottleneck of one to three units before the last layer, or a matrix that lost all but those directions."""
    x, _ = features(size, generator)
    kept = torch.pca_lowrank(x, choice(1, 3, generator), niter=4)[2]
    narrow = (x - x.mean(0)) @ kept @ normal(kept.shape[1], size.columns, generator)
    return Subject(
        x=(narrow + uniform(0, 0.02, generator) * narrow.std() * normal(len(x), size.columns, generator)).to(dtype)
    )


def collapsed_on_views(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """A Siamese network trained on two views of each digit, without anything that pushes digits apart."""
    images, _ = some_digits(size.rows, generator)
    model = trained("layernorm", size.columns, generator)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(choice(250, 400, generator)):
        batch = images[torch.randint(len(images), (64,), generator=generator)]
        views = (batch + 0.2 * normal(len(batch), 64, generator) for _ in range(2))
        optimizer.zero_grad()
        with torch.enable_grad():
            (1 - F.cosine_similarity(*(model(view) for view in views))).mean().backward()
        optimizer.step()
    with torch.no_grad():
        return Subject(x=model(images).to(dtype))


PLANTS = (
    Plant("common_offset", common_offset),
    Plant("positive_only", positive_only),
    Plant("saturated_head", saturated_outputs),
    Plant("dead_units", dead_relus),
    Plant("rogue_dimension", rogue_dimension),
    Plant("rogue_dimension", units_of_their_own),
    Plant("rank_collapse", rank_collapse),
    Plant("training_collapse", collapsed_on_views),
)
