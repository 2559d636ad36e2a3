"""Data for planted cases: handwritten digits, and their embeddings by small networks trained on them."""

import copy
import functools
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from diagnosis.validity.planted.plant import Size

Architecture = Literal["batchnorm", "layernorm", "conv"]
NETWORKS = 4
"""Networks of each kind and width, which differ only in their seed."""

STEPS = 80  # of training; a network then classifies more than 95 % of the digits


class LabelledPairs(NamedTuple):
    """Two sides `[N, D]`, and labels `[N]`: 1 for a positive pair (one class), 0 for a negative pair."""

    x: Tensor
    y: Tensor
    labels: Tensor


def uniform(low: float, high: float, generator: Generator) -> float:
    """A uniform random number from `low` to `high`."""
    return low + (high - low) * float(torch.rand((), generator=generator))


def choice(low: int, high: int, generator: Generator) -> int:
    """A uniform random integer from `low` to `high`, both included."""
    return int(torch.randint(low, high + 1, (), generator=generator))


def normal(rows: int, columns: int, generator: Generator) -> Tensor:
    """Independent standard normal numbers, `[rows, columns]`."""
    return torch.randn(rows, columns, generator=generator)


def normal_like(x: Tensor, generator: Generator) -> Tensor:
    """Independent standard normal numbers in the shape of `x`."""
    return torch.randn(x.shape, generator=generator)


@functools.cache
def digits() -> tuple[Tensor, Tensor]:
    """The 1797 digits of scikit-learn: pixels in 0 to 1, `[1797, 64]`, and classes, `[1797]`."""
    from sklearn.datasets import load_digits  # type: ignore[import-untyped]  # two seconds to import

    found = load_digits()
    return torch.from_numpy(found.data / 16).float(), torch.from_numpy(found.target)


def some_digits(rows: int, generator: Generator) -> tuple[Tensor, Tensor]:
    """At most `rows` digits in random order, with their classes."""
    images, classes = digits()
    chosen = torch.randperm(len(images), generator=generator)[:rows]
    return images[chosen], classes[chosen]


def measured(size: Size, generator: Generator) -> Tensor:
    """Rows `[N, 4 to 30]` of one of scikit-learn's tables (flowers, wines, tumours), in their original units."""
    from sklearn.datasets import load_breast_cancer, load_iris, load_wine

    table = torch.from_numpy((load_iris, load_wine, load_breast_cancer)[choice(0, 2, generator)]().data)
    return table[torch.randperm(len(table), generator=generator)[: size.rows]]


def digit_pairs(rows: int, generator: Generator) -> LabelledPairs:
    """Pairs for verification: about half are positive, two images of one class."""
    images, classes = digits()
    chosen = torch.randperm(len(images), generator=generator)[:rows]
    labels = torch.randint(2, (len(chosen),), generator=generator)
    possible = (classes[chosen, None] == classes) == labels[:, None].bool()
    possible[torch.arange(len(chosen)), chosen] = False
    partners = torch.multinomial(possible.float(), 1, generator=generator).squeeze(1)
    return LabelledPairs(images[chosen], images[partners], labels)


def trained(kind: Architecture, columns: int, generator: Generator, classes: int = 10) -> nn.Sequential:
    """A copy, in eval mode, of a network trained on the first `classes` digits: `[N, 64]` to `[N, columns]`."""
    return copy.deepcopy(_trained(kind, columns, choice(0, NETWORKS - 1, generator), classes))


def features(size: Size, generator: Generator) -> tuple[Tensor, Tensor]:
    """Digits as a trained network embeds them, `[N, columns]`, and their classes."""
    images, classes = some_digits(size.rows, generator)
    with torch.no_grad():
        return trained("layernorm", size.columns, generator)(images), classes


def feature_pairs(size: Size, generator: Generator) -> LabelledPairs:
    """`digit_pairs` as a trained network embeds them."""
    pairs, model = digit_pairs(size.rows, generator), trained("layernorm", size.columns, generator)
    with torch.no_grad():
        return LabelledPairs(model(pairs.x), model(pairs.y), pairs.labels)


def _body(kind: Architecture, columns: int) -> nn.Sequential:
    if kind == "conv":
        image = nn.Unflatten(1, (1, 8, 8))
        conv = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2))
        return nn.Sequential(image, conv, nn.Flatten(), nn.Linear(128, columns))
    norm = nn.BatchNorm1d(128) if kind == "batchnorm" else nn.LayerNorm(128)
    return nn.Sequential(nn.Linear(64, 128), norm, nn.ReLU(), nn.Dropout(0.1), nn.Linear(128, columns))


@functools.cache
def _trained(kind: Architecture, columns: int, seed: int, count: int) -> nn.Sequential:
    images, classes = digits()
    images, classes = images[classes < count], classes[classes < count]
    with torch.random.fork_rng(devices=()), torch.enable_grad():
        torch.manual_seed(seed)
        body, head = _body(kind, columns), nn.Linear(columns, 10)
        optimizer = torch.optim.Adam([*body.parameters(), *head.parameters()], lr=3e-3)
        for _ in range(STEPS):
            batch = torch.randint(len(images), (128,))
            loss = F.cross_entropy(head(body(images[batch])), classes[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return body.eval().requires_grad_(True)
