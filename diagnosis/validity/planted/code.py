"""Faults in the code around a trained network: the embeddings are sound, but the wrong tensors are compared."""

import copy

import torch
from torch import Generator

from diagnosis.subject import Subject
from diagnosis.validity.planted.plant import Plant, Size
from diagnosis.validity.planted.sources import (
    choice,
    digit_pairs,
    feature_pairs,
    features,
    normal,
    normal_like,
    some_digits,
    trained,
    uniform,
)


def same_tensor(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """`vector2 = vector1`, with the labels of the intended pairs."""
    x, _, labels = feature_pairs(size, generator)
    x = x.to(dtype)
    return Subject(x=x, y=x, labels=labels if choice(0, 1, generator) else None)


def shared_storage(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """Both calls write to one buffer, and both sides are views of it."""
    first, second, labels = feature_pairs(size, generator)
    buffer = torch.empty(len(first) + choice(0, 8, generator), size.columns, dtype=dtype)
    x = buffer[: len(first)].copy_(first)
    y = buffer[: len(second)].copy_(second)
    return Subject(x=x, y=y, labels=labels if choice(0, 1, generator) else None)


def carried_over(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """A film of digits that turn into one another, and `vector2 = vector1` at the end of each step."""
    keys, _ = some_digits(size.rows // choice(8, 16, generator) + 2, generator)
    place = torch.linspace(0, len(keys) - 1.01, size.rows)
    frames = torch.lerp(keys[place.long()], keys[place.long() + 1], place.frac()[:, None])
    with torch.no_grad():
        x = trained("layernorm", size.columns, generator)(frames).to(dtype)
    y = torch.cat([x[:1], x[:-1]])
    return Subject(x=x, y=y, labels=torch.randint(2, (len(x),), generator=generator))


def kept_from_before(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """A bank of embeddings from some steps ago, looked up with the index of the pair's first image, not its second."""
    pairs, model = digit_pairs(size.rows, generator), trained("layernorm", size.columns, generator)
    before = copy.deepcopy(model)
    amount = uniform(0.02, 0.1, generator)
    with torch.no_grad():
        for weights in model.parameters():
            weights.add_(amount * weights.std() * normal_like(weights, generator))
        x, y = model(pairs.x).to(dtype), before(pairs.x).to(dtype)
    return Subject(x=x, y=y, inputs=pairs.x, other_inputs=pairs.y, model=model, labels=pairs.labels)


def wrong_dim(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """Sequences `[B, T, D]` of similar tokens, compared over the tokens, since `dim` is 1 by default."""
    tokens = 2 ** choice(2, 3, generator)
    sentences, _ = features(Size(size.rows // tokens, size.columns), generator)
    own = normal(len(sentences) * tokens, size.columns, generator).reshape(-1, tokens, size.columns)
    x = sentences[:, None] + sentences.std() * uniform(0.05, 0.2, generator) * own
    return Subject(x=x.to(dtype), dim=1)


def size_one_dim(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """`[N, 1, D]` with `dim` 1, or `[N, D, 1]` with `dim` -1: one `unsqueeze` too many."""
    x, y, _ = feature_pairs(size, generator)
    place, dim = (1, 1) if choice(0, 1, generator) else (2, -1)
    return Subject(x=x.unsqueeze(place).to(dtype), y=y.unsqueeze(place).to(dtype), dim=dim)


def scaled_copies(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """Brightness as the only augmentation of ReLU layers without bias, which map `a * x` to `a` times the output."""
    images, _ = some_digits(size.rows, generator)
    brightness = torch.exp(uniform(0.2, 1, generator) * normal(len(images), 1, generator))
    first, second = (normal(*shape, generator) / shape[0] ** 0.5 for shape in ((64, 128), (128, size.columns)))
    x, y = ((side @ first).relu() @ second for side in (images, brightness * images))
    return Subject(x=x.to(dtype), y=y.to(dtype))


def duplicate_rows(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """An index that repeats the first few samples."""
    x, _ = features(size, generator)
    distinct = max(3, round(len(x) * uniform(0.02, 0.3, generator)))
    return Subject(x=x[torch.arange(len(x)) % distinct].to(dtype))


PLANTS = (
    Plant("same_tensor", same_tensor),
    Plant("shared_storage", shared_storage),
    Plant("carried_over", carried_over),
    Plant("carried_over", kept_from_before),
    Plant("wrong_dim", wrong_dim),
    Plant("size_one_dim", size_one_dim),
    Plant("scaled_copies", scaled_copies),
    Plant("duplicate_rows", duplicate_rows),
)
