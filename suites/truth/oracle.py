"""The oracle: true cosines, angles and gradients in float64 or wider, independent of every contestant.

Products of two 16- or 32-bit numbers are exact in float64, and the error of their sum is below n * 2^-53 * Σ|x_i y_i|.
float64 inputs are summed in NumPy's long double (64 bits of mantissa on x86), with a relative error of 2^-64 a step. A
row of zeros has no cosine: its truth is NaN.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from suites.records.case import ALL_PAIRS, Case

Truth = npt.NDArray[Any]  # float64, or long double for float64 inputs
CHUNK = 1 << 22
"""Elements that are in float64 or wider at a time: three float64 temporaries of a chunk take 100 MB."""


def truth(case: Case, x: torch.Tensor, y: torch.Tensor) -> Truth:
    """The true cosines, or angles in radians, in the shape of the case's output; all cosines `[N, M]` for "top_k"."""
    return angles(x, y) if case.task == "angle" else cosines(case, x, y)


def cosines(case: Case, x: torch.Tensor, y: torch.Tensor) -> Truth:
    """The true cosines, in the shape of the case's output; all cosines `[N, M]` for "top_k"."""
    return of_all_pairs(x, y) if case.task in ALL_PAIRS else true_answers("paired", x, y, case.dim)


def true_answers(task: str, x: torch.Tensor, y: torch.Tensor, dim: int | tuple[int, ...]) -> Truth:
    """The true answers of any call: x and y are broadcast, of any dtype, not empty; `dim` is removed."""
    x, y = torch.broadcast_tensors(x, y)
    dims = (dim,) if isinstance(dim, int) else dim
    last = tuple(range(-len(dims), 0))
    x, y = (t.movedim(dims, last).flatten(-len(dims)) for t in (x, y))
    of_pairs = angles if task == "angle" else _cosines_of_pairs
    return of_pairs(x.reshape(-1, x.shape[-1]), y.reshape(-1, y.shape[-1])).reshape(x.shape[:-1])


@np.errstate(invalid="ignore", over="ignore")
def angles(x: torch.Tensor, y: torch.Tensor) -> Truth:
    """The true angles of pairs of rows, in radians: 2 atan2(‖x̂ - ŷ‖, ‖x̂ + ŷ‖), accurate however small (W. Kahan).

    How Futile are Mindless Assessments of Roundoff in Floating-Point Computation?, 2006, §12.
    """
    wide = _long_double if _has_float64(x, y) else _float64

    def unit(t: torch.Tensor) -> Truth:
        rows = wide(_rows(t))
        return np.asarray(rows / np.sqrt(np.vecdot(rows, rows))[:, None])

    x_unit, y_unit = unit(x), unit(y)
    sides = [np.sqrt(np.vecdot(side, side)) for side in (x_unit - y_unit, x_unit + y_unit)]
    return np.asarray(2 * np.arctan2(*sides))


def gradients(case: Case, x: torch.Tensor, y: torch.Tensor, truth: Truth) -> tuple[torch.Tensor, torch.Tensor]:
    """d(sum of all cosines)/dx and /dy, as float64 rows `[rows, length]` on the CPU.

    ∂c/∂x = (ŷ - c x̂) / ‖x‖, summed over the pairs of x. For an angle it is divided by -sin θ: NaN at 0 and π.
    """
    x_norm, y_norm = norms(x), norms(y)
    x_unit, y_unit = _rows(x).double().cpu() / x_norm, _rows(y).double().cpu() / y_norm
    c = torch.from_numpy(truth.astype(np.float64))
    if case.task == "angle":
        sine, c = -c.sin()[:, None], c.cos()
        x_norm, y_norm = (torch.where(sine.abs() < 1e-9, torch.nan, sine * norm) for norm in (x_norm, y_norm))
    if case.task == "pairwise":
        return (
            (y_unit.sum(0) - c.sum(1, keepdim=True) * x_unit) / x_norm,
            (x_unit.sum(0) - c.sum(0)[:, None] * y_unit) / y_norm,
        )
    return (y_unit - c[:, None] * x_unit) / x_norm, (x_unit - c[:, None] * y_unit) / y_norm


def norms(t: torch.Tensor) -> torch.Tensor:
    """‖row‖ in float64, `[rows, 1]` on the CPU, without an intermediate overflow; NaN for a row of zeros."""
    rows = _rows(t).double().cpu()
    largest = rows.abs().amax(1, keepdim=True)
    return largest * (rows / largest).square().sum(1, keepdim=True).sqrt()


@np.errstate(invalid="ignore", divide="ignore", over="ignore")
def _cosines_of_pairs(x: torch.Tensor, y: torch.Tensor) -> Truth:
    dot, xx, yy = _row_sums(_rows(x), _rows(y))
    return np.asarray(dot / (np.sqrt(xx) * np.sqrt(yy)))


@np.errstate(invalid="ignore", divide="ignore")
def of_all_pairs(x: torch.Tensor, y: torch.Tensor, x_norms: Truth | None = None, y_norms: Truth | None = None) -> Truth:
    """The true cosines `[N, M]` of all pairs of rows, chunk by chunk of y, a corpus of any size.

    `x_norms` and `y_norms` are those that `row_norms` gives, where they are known.
    """
    x, y = _rows(x), _rows(y)
    parts = y.split(max(1, CHUNK // y.shape[1]))
    if _has_float64(x, y):
        scaled = _long_double(x)
        dots = [_exact_products(scaled, _long_double(part)) for part in parts]
    else:
        wide = x.double()
        dots = [(wide @ part.double().T).cpu().numpy() for part in parts]
    x_norms = row_norms(x) if x_norms is None else x_norms
    y_norms = row_norms(y) if y_norms is None else y_norms
    return np.asarray(np.concatenate(dots, axis=1) / x_norms[:, None] / y_norms)


def row_norms(t: torch.Tensor) -> Truth:
    """‖row‖ for `of_all_pairs`, which scales rows of float64 by a power of two."""
    rows = _rows(t)
    return np.asarray(np.sqrt(np.concatenate([_squares(part) for part in rows.split(max(1, CHUNK // rows.shape[1]))])))


def _squares(rows: torch.Tensor) -> Truth:
    """The sum of squares of each row."""
    if rows.dtype == torch.float64:
        scaled = _long_double(rows)
        return np.asarray((scaled * scaled).sum(axis=1))
    wide = rows.double()
    return np.asarray((wide * wide).sum(1).cpu().numpy())


def _has_float64(x: torch.Tensor, y: torch.Tensor) -> bool:
    """Whether products of the inputs are inexact in float64."""
    return torch.float64 in (x.dtype, y.dtype)


def _rows(t: torch.Tensor) -> torch.Tensor:
    rows = t.detach().flatten(1)
    return rows.cpu() if rows.device.type == "mps" else rows  # it has no float64


def _float64(t: torch.Tensor) -> Truth:
    return t.cpu().double().numpy()


def _long_double(t: torch.Tensor) -> Truth:
    """Each row scaled below 1 by a power of two, which changes no cosine: squares stay in range."""
    rows = t.double().cpu().numpy()
    _, exponents = np.frexp(np.abs(rows).max(axis=1, keepdims=True))
    return np.asarray(np.ldexp(rows.astype(np.longdouble), -exponents))


def _row_sums(x: torch.Tensor, y: torch.Tensor) -> tuple[Truth, Truth, Truth]:
    """x·y, x·x and y·y of each pair of rows, chunk by chunk."""
    step = max(1, CHUNK // x.shape[1])
    parts = [_chunk_sums(*pair) for pair in zip(x.split(step), y.split(step), strict=True)]
    dot, xx, yy = (np.concatenate(part) for part in zip(*parts, strict=True))
    return dot, xx, yy


def _chunk_sums(x: torch.Tensor, y: torch.Tensor) -> list[Truth]:
    if _has_float64(x, y):
        a, b = _long_double(x), _long_double(y)
        return [(p * q).sum(axis=1) for p, q in ((a, b), (a, a), (b, b))]
    x, y = x.double(), y.double()  # torch's float64 sums are pairwise and run on all cores
    return [(p * q).sum(1).cpu().numpy() for p, q in ((x, y), (x, x), (y, y))]


def _exact_products(x: Truth, y: Truth) -> Truth:
    """x @ y.T of rows below 1 to about 2^-60 of ‖x‖‖y‖, at the speed of a few float64 matrix products.

    Each row is cut into slices of few bits: products of two slices add up exactly in float64 (Ozaki, Ogita, Oishi,
    Rump: Error-free transformations of matrix multiplication, Numerical Algorithms 59, 2012).
    """
    bits = (53 - math.ceil(math.log2(x.shape[1] + 1))) // 2
    slices, others = _slices(x, bits), _slices(y, bits)
    count = len(slices)
    total = np.zeros((len(x), len(y)), dtype=np.longdouble)
    for i, j in sorted(((i, j) for i in range(count) for j in range(count) if i + j < count), key=sum, reverse=True):
        total += slices[i] @ others[j].T  # the small ones first
    return total


def _slices(rows: Truth, bits: int) -> list[npt.NDArray[np.float64]]:
    """Rows of numbers below 1, cut into float64 slices of `bits` bits."""
    rest, slices = rows, []
    for n in range(1, math.ceil(64 / bits) + 1):
        part = np.ldexp(np.rint(np.ldexp(rest, n * bits)), -n * bits)
        slices.append(part.astype(np.float64))
        rest = rest - part
    return slices
