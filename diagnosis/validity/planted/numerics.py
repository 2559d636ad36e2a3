"""Faults of the arithmetic: sound features of the digits, stored or compared in too few bits or at the wrong scale."""

import torch
from torch import Generator, Tensor

from diagnosis.subject import Subject
from diagnosis.validity.planted.plant import Plant, Size
from diagnosis.validity.planted.sources import choice, feature_pairs, features, normal, uniform

HALF = torch.float16


def by_hand(x: Tensor, y: Tensor) -> Tensor:
    """The textbook formula in the dtype of its inputs, with an eps of 1e-8, which float16 rounds to 0."""
    return (x * y).sum(-1) / ((x * x).sum(-1).sqrt() * (y * y).sum(-1).sqrt() + 1e-8)


def low_precision_ties(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """Two near-identical views of everything: cosines that differ from 1 by less than the dtype can say."""
    x, _ = features(size, generator)
    amount = torch.finfo(dtype).eps ** 0.5 * uniform(0.1, 0.3, generator)
    each = amount * (0.5 + torch.rand(len(x), 1, generator=generator))
    return Subject(x=x.to(dtype), y=(x + each * x.std() * normal(len(x), size.columns, generator)).to(dtype))


def overflow(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """Activations whose squares are beyond the dtype, as at the end of a residual stream or after divergence."""
    x, y, _ = feature_pairs(size, generator)
    exponent = uniform(3, 4, generator) if dtype == HALF else uniform(19.5, 30, generator)
    x, y = (side / x.abs().max() * 10**exponent for side in (x, y))
    return Subject(x=x.to(dtype), y=y.to(dtype), similarity=by_hand if dtype == HALF else None)


def underflow_or_eps(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """Vectors so short that their squares underflow or the built-in's eps matters: gradients, small weights."""
    x, y, _ = feature_pairs(size, generator)
    exponent = uniform(3.5, 4, generator) if dtype == HALF else uniform(10, 25, generator)
    x, y = (side / x.abs().max() / 10**exponent for side in (x, y))
    return Subject(x=x.to(dtype), y=y.to(dtype), similarity=by_hand if dtype == HALF else None)


def nan_or_zero_rows(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """Empty texts, images that failed to load, a logarithm of 0: some rows are zeros, NaN or infinite."""
    x, y, _ = feature_pairs(size, generator)
    faulty = torch.rand(len(x), generator=generator) < uniform(0.03, 0.4, generator)
    faulty[0] = True
    x[faulty] = (0.0, torch.nan, torch.inf)[choice(0, 2, generator)]
    return Subject(x=x.to(dtype), y=y.to(dtype) if choice(0, 1, generator) else None)


PLANTS = (
    Plant("low_precision_ties", low_precision_ties),
    Plant("overflow", overflow),
    Plant("underflow_or_eps", underflow_or_eps),
    Plant("nan_or_zero_rows", nan_or_zero_rows),
)
