"""`torch.compile` of two forms, with static and with dynamic shapes."""

import functools

import torch
import torch.nn.functional as F

from implementations.registry import implementation


def _normalized(x, y, dim):
    return (F.normalize(x, dim=dim) * F.normalize(y, dim=dim)).sum(dim)


def _dot_over_norms(x, y, dim):
    return (x * y).sum(dim) / ((x * x).sum(dim).sqrt() * (y * y).sum(dim).sqrt())


@functools.cache  # importing the compiler takes seconds: only those who call it pay
def _compile(fn, dynamic):
    return torch.compile(fn, dynamic=dynamic)


@implementation()
def compiled_normalize(x, y, dim=-1):
    """Normalise, multiply, sum, compiled for these shapes: two passes over the inputs."""
    return _compile(_normalized, dynamic=False)(x, y, dim)


@implementation()
def compiled_normalize_dynamic(x, y, dim=-1):
    """Normalise, multiply, sum, compiled for any shape."""
    return _compile(_normalized, dynamic=True)(x, y, dim)


@implementation()
def compiled_dot(x, y, dim=-1):
    """Dot product over norms, compiled for these shapes: three sums in one pass over the inputs."""
    return _compile(_dot_over_norms, dynamic=False)(x, y, dim)


@implementation()
def compiled_dot_dynamic(x, y, dim=-1):
    """Dot product over norms, compiled for any shape."""
    return _compile(_dot_over_norms, dynamic=True)(x, y, dim)
