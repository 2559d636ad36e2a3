"""Healthy networks trained on the digits, with their inputs and outputs."""

import copy
from functools import partial

import torch
from torch import Generator

from diagnosis.subject import Subject
from diagnosis.validity.planted.healthy.pairs import scaled_logits
from diagnosis.validity.planted.plant import Plant, Size
from diagnosis.validity.planted.sources import Architecture, choice, digit_pairs, some_digits, trained


def classifier(kind: Architecture, size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """A network in eval mode with the right weights, images and their classes."""
    images, classes = some_digits(size.rows, generator)
    model = trained(kind, size.columns, generator).to(dtype)
    with torch.no_grad():
        x = model(images.to(dtype))
    weights = copy.deepcopy(model.state_dict())
    return Subject(x=x, inputs=images.to(dtype), labels=classes, model=model, weights=weights)


def siamese(kind: Architecture, size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """Pairs through one network, in eval mode or in train mode, with a sound loss and learning rate."""
    pairs, model = digit_pairs(size.rows, generator), trained(kind, size.columns, generator).to(dtype)
    model.train(bool(choice(0, 1, generator)))
    inputs, others = pairs.x.to(dtype), pairs.y.to(dtype)
    with torch.no_grad():
        x, y = model(inputs), model(others)
    return Subject(
        x=x,
        y=y,
        labels=pairs.labels,
        inputs=inputs,
        other_inputs=others,
        model=model,
        loss=scaled_logits,
        learning_rate=1e-3,
    )


PLANTS = (
    Plant("classifier with BatchNorm", partial(classifier, "batchnorm")),
    Plant("classifier with LayerNorm", partial(classifier, "layernorm")),
    Plant("siamese network with BatchNorm", partial(siamese, "batchnorm")),
    Plant("siamese network with LayerNorm", partial(siamese, "layernorm")),
    Plant("siamese convolutional network", partial(siamese, "conv")),
)
