"""The first fault of an implementation on a case, as one line for its author."""

import numpy as np
import torch

from implementations import Implementation
from suites.failure import Failure, contestant
from suites.records.case import ALL_PAIRS, Case
from suites.truth import oracle
from suites.truth.bound import bounds
from suites.truth.causes import cause
from suites.truth.checks import name_of, require_form
from suites.truth.oracle import Truth
from suites.truth.top_k import all_pairs


def fault(case: Case, entry: Implementation, x: torch.Tensor, y: torch.Tensor) -> str:
    """Call an implementation; return what is wrong with its name, the dtype, the place and the cause, "" if nothing is.

    Args:
        case: what is asked.
        entry: the implementation.
        x: the first operand of the case.
        y: the second one.
    """
    given = x.clone(), y.clone()
    result: object = None
    try:
        with contestant():
            result = all_pairs(entry, x, y) if case.task in ALL_PAIRS else entry.fn(x, y, case.dim)
        found = _wrong(case, entry, x, y, require_form(case, result)) if not _changed(given, x, y) else ""
    except Failure as failure:
        found = failure.reason
    found = _changed(given, x, y) or found
    why = cause(case, entry, *given, result) if found and not _changed(given, x, y) else ""
    return f"`{entry.name}`, {case.task}, {case.dtype}: {'; '.join(filter(None, (found, why)))}" if found else ""


def _changed(given: tuple[torch.Tensor, torch.Tensor], x: torch.Tensor, y: torch.Tensor) -> str:
    same = [a.shape == b.shape and torch.equal(a, b) for a, b in zip(given, (x, y), strict=True)]
    names = [name for name, equal in zip("xy", same, strict=True) if not equal]
    return f"changed its input {' and '.join(names)}: compute in new tensors (x / norm, not x /= norm)" if names else ""


def _wrong(case: Case, entry: Implementation, x: torch.Tensor, y: torch.Tensor, output: torch.Tensor) -> str:
    truth, values = oracle.truth(case, x, y), output.detach().cpu().double().numpy()
    allowed: Truth = bounds(entry, case.length, case.dtype, name_of(output.dtype), truth)
    defined = np.isfinite(truth)
    if len(lost := np.argwhere(defined & ~np.isfinite(values))):
        first = tuple(lost[0])
        return f"{len(lost)} of {defined.sum()} results are not finite, such as {values[first]:g} at {_place(first)}"
    errors = np.where(defined, np.abs(values - truth), 0)
    share = errors / allowed
    worst = np.unravel_index(int(share.argmax()), share.shape)
    if share[worst] <= 1:
        return ""
    return f"off by {errors[worst]:.2g} at {_place(worst)} where {allowed[worst]:.2g} is allowed"


def _place(index: tuple[np.intp, ...]) -> str:
    return f"[{', '.join(map(str, index))}]"
