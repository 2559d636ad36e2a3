"""Checks of the k nearest rows: the form of a result, its values, and whether a neighbour is missing."""

import numpy as np
import numpy.typing as npt
import torch

from implementations import Implementation
from suites.failure import Failure
from suites.records.case import Case
from suites.records.record import Error, Status
from suites.truth import checks
from suites.truth.bound import bound
from suites.truth.oracle import Truth

_INDICES = (torch.int64,)


def judge(case: Case, entry: Implementation, result: object, truth: Truth, rows: torch.Tensor | None = None) -> Error:
    """The error of the values of a result, each against the true cosine of its pair.

    Args:
        case: of the task "top_k".
        entry: states the arithmetic that bounds the error.
        result: what it returned.
        truth: the true cosines of all pairs, `[N, M]`, or of some `rows` of x with all of y.
        rows: those that are judged; None for all.

    Raises:
        Failure: with the status `wrong`, if the form or a value is wrong, or a neighbour is missing.
    """
    dtypes = checks.dtypes_for(getattr(torch, case.dtype))
    values, indices = require_form(result, case.output_shape, case.shape[1], dtypes, case.device)
    values, indices = (values, indices) if rows is None else (values[rows], indices[rows])
    true = np.take_along_axis(truth, indices.cpu().numpy(), axis=1)
    found, output_dtype = checks.error_of(values, true), checks.name_of(values.dtype)
    checks.require_bound(case, entry, found, output_dtype)
    _require_nearest(true, truth, 2 * bound(entry, case.length, case.dtype, output_dtype))
    return found


def require_form(
    result: object, shape: tuple[int, ...], rows: int, dtypes: tuple[torch.dtype, ...], device: str
) -> tuple[torch.Tensor, torch.Tensor]:
    """Values and indices, if they have this shape: values sorted, the largest first, indices distinct and below `rows`.

    NaN may be anywhere. Raises a `Failure` with the status `wrong` otherwise.
    """
    if not isinstance(result, tuple) or len(result) != 2:
        raise _wrong(f"returned a {type(result).__name__}, not a tuple (values, indices)")
    values = checks.require_tensor(result[0], shape, dtypes, device)
    indices = checks.require_tensor(result[1], shape, _INDICES, device)
    if indices.numel() and not 0 <= indices.min() <= indices.max() < rows:
        odd = indices[(indices < 0) | (indices >= rows)][0]
        raise _wrong(f"returned the index {odd}, and the corpus has {rows} rows")
    if (indices.sort(1).values.diff(dim=1) == 0).any():
        raise _wrong("returned the same row of the corpus twice")
    if (values.detach().diff(dim=1) > 0).any():
        raise _wrong("returned values that are not sorted, the largest first")
    return values, indices


def nearest(cosines: Truth) -> npt.NDArray[np.intp]:
    """The places of a row of cosines, the largest first; those without a cosine come last."""
    return np.argsort(-cosines, kind="stable")


def all_pairs(entry: Implementation, x: torch.Tensor, y: torch.Tensor) -> object:
    """The unchecked similarities of all pairs, `[N, M]`, by a form of the contract "pairwise" or "top_k".

    One of "top_k" finds all M rows; its values are put in their places, with NaN for a row that it does not return.
    """
    corpus = entry.prepare(y) if entry.prepare else y
    if entry.task == "pairwise":
        return entry.fn(x, corpus)
    shape, dtypes = (len(x), len(y)), checks.dtypes_for(torch.promote_types(x.dtype, y.dtype))
    values, indices = require_form(entry.fn(x, corpus, len(y)), shape, len(y), dtypes, x.device.type)
    return torch.full(shape, torch.nan, dtype=values.dtype, device=x.device).scatter(1, indices, values)


def _require_nearest(true: Truth, truth: Truth, allowed: float) -> None:
    """Raise a `Failure` if a neighbour is missing: a returned pair is further than rounding explains.

    If no similarity is off by more than b, the j-th largest one is at most b from the j-th largest cosine and from its
    own cosine. So the two cosines differ by at most 2b, whatever the order of ties. A pair without a cosine may be
    anywhere: it is left out, and the others move up.
    """
    k = true.shape[1]
    best = -np.sort(np.partition(-truth, k - 1, axis=1)[:, :k], axis=1)
    moved_up = np.take_along_axis(true, np.argsort(np.isnan(true), axis=1, kind="stable"), axis=1)
    missed = (best - moved_up).astype(np.float64)
    if np.nanmax(missed, initial=0.0) > allowed:
        row, place = np.unravel_index(np.nanargmax(missed), missed.shape)
        raise _wrong(
            f"a neighbour is missing: in row {row}, place {place + 1}, the cosine is {moved_up[row, place]:.6g}, and "
            f"the true one {best[row, place]:.6g}; rounding explains a difference of {allowed:.3g}"
        )


def _wrong(reason: str) -> Failure:
    return Failure(Status.WRONG, reason)
