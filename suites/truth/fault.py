"""What is wrong with an implementation, in one line for each kind of fault, for its author."""

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch

from implementations import Implementation
from suites.failure import Failure, contestant
from suites.records.case import ALL_PAIRS, ROUNDOFFS, Case
from suites.truth import oracle
from suites.truth.bound import bounds
from suites.truth.causes import cause
from suites.truth.checks import name_of, require_form
from suites.truth.oracle import Truth
from suites.truth.top_k import all_pairs, judge


class CaseFault(NamedTuple):
    """What is wrong with a result of a task, or over a dim, and the mistake that explains it; "" if none does."""

    task: str
    dtype: str
    found: str
    why: str = ""


def fault(case: Case, entry: Implementation, x: torch.Tensor, y: torch.Tensor) -> CaseFault | None:
    """Call an implementation; return what is wrong with its result, the place and the cause, None if nothing is.

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
            result = _result(case, entry, x, y)
        found = _wrong(case, entry, x, y, result) if not _changed(given, x, y) else ""
    except Failure as failure:
        found = failure.reason
    found = _changed(given, x, y) or found
    why = cause(case, entry, *given, result) if found and not _changed(given, x, y) else ""
    return CaseFault(case.task, case.dtype, found, why) if found else None


def _result(case: Case, entry: Implementation, x: torch.Tensor, y: torch.Tensor) -> object:
    if case.task != "top_k":
        return all_pairs(entry, x, y) if case.task in ALL_PAIRS else entry.fn(x, y, case.dim)
    return entry.fn(x, entry.prepare(y) if entry.prepare else y, case.k)


def lines(name: str, faults: Iterable[CaseFault]) -> list[str]:
    """A line for each kind of fault of the implementation `name`: the first one, and where else it is.

    Faults are of one kind if one mistake explains them, or if they differ in numbers and dtypes alone. A mistake that
    explains no fault of a finer dtype is left out: it may be chance.
    """
    kinds: defaultdict[tuple[str, ...], list[CaseFault]] = defaultdict(list)
    of_looks: dict[tuple[str, ...], tuple[str, ...]] = {}
    unexplained = set()
    for one in sorted(faults, key=lambda one: ROUNDOFFS[one.dtype]):
        looks = _words(one.found)
        explained = one.why and (one.task, looks) not in unexplained
        kind = _words(one.why) if explained else of_looks.get(looks, looks)
        of_looks.setdefault(looks, kind)
        if not one.why:
            unexplained.add((one.task, looks))
        kinds[kind].append(one)
    return [_line(name, *alike) for alike in kinds.values()]


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in re.findall(r"\w+", text) if word.isalpha() and word != "or")


def _line(name: str, first: CaseFault, *others: CaseFault) -> str:
    also: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for one in others:
        if (one.task, one.dtype) != (first.task, first.dtype):
            also[one.task][one.dtype] = None
    more = ", ".join(f"{task} ({', '.join(dtypes)})" for task, dtypes in also.items())
    said = "; ".join(filter(None, (first.found, first.why, more and f"also in {more}")))
    return f"`{name}`, {first.task}, {first.dtype}: {said}"


def _changed(given: tuple[torch.Tensor, torch.Tensor], x: torch.Tensor, y: torch.Tensor) -> str:
    same = [a.shape == b.shape and torch.equal(a, b) for a, b in zip(given, (x, y), strict=True)]
    names = [name for name, equal in zip("xy", same, strict=True) if not equal]
    return f"changed its input {' and '.join(names)}: compute in new tensors (x / norm, not x /= norm)" if names else ""


def _wrong(case: Case, entry: Implementation, x: torch.Tensor, y: torch.Tensor, result: object) -> str:
    """What is wrong; "" if nothing is. A `Failure` says what is wrong with the form, or with neighbours."""
    truth = oracle.truth(case, x, y)
    if case.task == "top_k":
        judge(case, entry, result, truth)
        return ""
    output = require_form(case, result)
    values = output.detach().cpu().double().numpy()
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
