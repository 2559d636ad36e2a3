"""Squares and products that overflow, of rows whose norm is well within range."""

import numpy as np
import torch

from suites.known_bugs.bug import COSINE, LOSS, NORM, NORMALIZE, Function, Sighting, bug, number, rows


@bug("pytorch/pytorch#193006", NORM, "the norm of (1e20, 1, 1) overflows")
def norm_overflows(norm: Function) -> Sighting:
    return number(norm(torch.tensor([1e20, 1.0, 1.0])).item(), 1e20, 1e-6)


@bug("pytorch/pytorch#193006", NORM, "the gradient of the norm of (1e20, 1, 1) is 0")
def gradient_vanishes(norm: Function) -> Sighting:
    x = torch.tensor([1e20, 1.0, 1.0], requires_grad=True)
    (gradient,) = torch.autograd.grad(norm(x), x)
    return number(gradient[0].item(), 1.0, 1e-6)


@bug("pytorch/pytorch#193006", NORMALIZE, "(1e20, 1, 1) is normalised to zeros")
def normalize_overflows(normalize: Function) -> Sighting:
    return number(normalize(torch.tensor([[1e20, 1.0, 1.0]]))[0, 0].item(), 1.0, 1e-6)


@bug("pytorch/pytorch#51912", COSINE, "the similarity of (2e38, 3e38) to (1, 1) is 0; it was NaN")
def cosine_overflows(similarity: Function) -> Sighting:
    x = torch.tensor([2.0775e38, 3.0262e38])
    right = x.double().sum() / x.double().norm() / 2**0.5
    return number(similarity(x, torch.tensor([1, 1]), dim=0).item(), right.item(), 1e-6)


@bug("numpy/numpy#8775", "numpy.linalg:norm", "the norm of fp16 1000 overflows")
def half_norm_overflows(norm: Function) -> Sighting:
    with np.errstate(over="ignore"):
        return number(float(norm(np.array([1000], np.float16))), 1000.0, 1e-3)


@bug("pytorch/pytorch#65298", COSINE, "the similarity of 2048 fp16 numbers to themselves is 0")
def product_overflows(similarity: Function) -> Sighting:
    x = rows(4, 2048).half()
    return number(similarity(x, x).float().min().item(), 1.0, 1e-2)


@bug("pytorch/pytorch#69512", LOSS, "the loss of 512 fp16 numbers with themselves is 1, as for a similarity of 0")
def loss_overflows(loss: Function) -> Sighting:
    x = rows(4, 512).half()
    return number(loss(x, x, torch.ones(4)).item(), 0.0, 1e-2)
