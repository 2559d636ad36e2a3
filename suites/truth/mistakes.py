"""What common mistakes return instead of a cosine or an angle, each with what it is and the next step."""

from collections.abc import Iterator

import numpy as np
import torch

from suites.records.case import Case
from suites.truth import oracle
from suites.truth.oracle import Truth

ENOUGH = 3
"""Pairs that have to agree with a mistake: one number may agree by chance."""


@np.errstate(invalid="ignore", divide="ignore", over="ignore")
def mistakes(case: Case, x: torch.Tensor, y: torch.Tensor) -> Iterator[tuple[str, Truth]]:
    """Each mistake in words, and the float64 result that it gives for these operands."""
    truth = oracle.truth(case, x, y).astype(np.float64)
    yield from _of_angles(truth) if case.task == "angle" else _of_cosines(case, x, y, truth)
    if x.ndim == 2 and x.shape == y.shape and x.shape[0] == x.shape[1] and case.task != "pairwise":
        task = "angle" if case.task == "angle" else "paired"
        columns = oracle.true_answers(task, x, y, 0).astype(np.float64)
        yield "it sums over dim 0: sum over the dim that is passed", columns
    if case.task == "pairwise" and len(x) == len(y):
        yield "it is transposed: return [N, M], a row for each row of x", truth.T


def same(values: Truth, expected: Truth, limit: float = 1e-2) -> bool:
    """Whether these are the same numbers to `limit`, which is relative above 1."""
    finite = np.isfinite(expected)
    if finite.sum() < min(ENOUGH, expected.size) or not np.isfinite(values[finite]).all():
        return False
    return bool((np.abs(values - expected)[finite] <= limit * np.maximum(1, np.abs(expected[finite]))).all())


def _of_angles(angle: Truth) -> Iterator[tuple[str, Truth]]:
    yield "it is the cosine: take the arc cosine of it, or atan2", np.cos(angle)
    yield "it is in degrees: return radians", np.degrees(angle)
    yield "it is in units of pi: return radians", angle / np.pi
    yield "it is the angle to -y: the sign of a product is wrong", np.pi - angle


def _of_cosines(case: Case, x: torch.Tensor, y: torch.Tensor, cosine: Truth) -> Iterator[tuple[str, Truth]]:
    norms = [oracle.norms(t).numpy()[:, 0] for t in (x, y)]
    first, second = np.broadcast_arrays(norms[0][:, None], norms[1]) if case.task == "pairwise" else norms
    yield "it is 1 - cosine, a distance: return 1 minus that", 1 - cosine
    yield "the sign is wrong: it is -cosine", -cosine
    yield "it is the dot product: divide by both norms", cosine * first * second
    yield "it is divided by the norm of x alone: divide by that of y as well", cosine * second
    yield "it is divided by the norm of y alone: divide by that of x as well", cosine * first
    yield "it is divided by the squared norms: take their root", cosine / (first * second)
    yield "it is the angle: return its cosine", np.arccos(np.clip(cosine, -1, 1))
    yield "it is the absolute cosine: keep the sign", np.abs(cosine)
    yield "it is cut off at 0: keep negative cosines", np.maximum(cosine, 0)
    yield "it is (1 + cosine) / 2: leave the rescaling out", (1 + cosine) / 2
    yield "it is the squared cosine: leave the square out", cosine**2
    yield "it is the distance of the normalised rows: return x·y of them", np.sqrt(np.maximum(2 - 2 * cosine, 0))
    yield "it is the correlation of centred rows: leave the centring out", _correlation(case, x, y)
    yield "it is always 1: it compares an operand with itself", np.ones_like(cosine)


def _correlation(case: Case, x: torch.Tensor, y: torch.Tensor) -> Truth:
    rows = [t.detach().cpu().double().flatten(1) for t in (x, y)]
    centred = [t - t.mean(1, keepdim=True) for t in rows]
    a, b = (t / t.norm(dim=1, keepdim=True) for t in centred)
    return np.asarray(a @ b.T if case.task == "pairwise" else (a * b).sum(1))
