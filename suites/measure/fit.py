"""Whether a case fits in memory, known before it is tried."""

import dataclasses
import math
from collections.abc import Callable

from suites.case import BYTES, Case
from suites.measure.failure import Failure
from suites.record import Status

_SHARE = 0.9  # of what is free: the rest is for the oracle's chunks and the allocator
_MANY_COPIES = 16  # of the inputs: no sensible form takes more
_SMALL = 16  # rows of the smallest trial

Peak = Callable[[Case], int | None]
"""Runs a contestant once on a case and returns its peak beyond the inputs, in bytes."""


def require_inputs_fit(case: Case, free: int) -> None:
    """Raise a `Failure` if the inputs, and the copy that shows whether they were changed, do not fit."""
    needed = 2 * case.input_bytes
    if needed > _SHARE * free:
        raise Failure(
            Status.OUT_OF_MEMORY,
            f"not tried: its inputs and a copy of them take {_gib(needed)} and {_gib(free)} are free on {case.device}",
        )


def require_fit(case: Case, free: int, peak: Peak) -> None:
    """Raise a `Failure` if the contestant's temporaries would not fit; try it small only where that is in doubt."""
    if _pessimistic(case) <= _SHARE * free:
        return
    needed = expected_peak(case, peak)
    if needed > _SHARE * free:
        raise Failure(
            Status.OUT_OF_MEMORY,
            f"not tried: it would take about {_gib(needed)} beyond its inputs, by trials with at "
            f"most {2 * _SMALL} rows, and {_gib(free)} are free on {case.device}",
        )


def expected_peak(case: Case, peak: Peak) -> float:
    """The peak extrapolated from small trials, in bytes.

    Temporaries grow with the rows, or for all pairs with a·(N + M)/2 + b·N·M, and two
    trials give a and b. All pairs of a few rows with many grow with the many.
    """
    few, many = sorted(case.shape[:2]) if case.task == "pairwise" else (1, case.shape[0])
    if few < 2 * _SMALL:
        rows = min(_SMALL if few == 1 else 2 * _SMALL, many)
        return (peak(_with_rows(case, rows)) or 0) * many / rows
    one, two = (peak(_with_rows(case, rows)) or 0 for rows in (_SMALL, 2 * _SMALL))
    b = max(0.0, (two - 2 * one) / (2 * _SMALL**2))
    a = max(0.0, (one - b * _SMALL**2) / _SMALL)
    return a * (few + many) / 2 + b * few * many


def _with_rows(case: Case, most: int) -> Case:
    counts = 2 if case.task == "pairwise" else 1
    shape = (*(min(rows, most) for rows in case.shape[:counts]), *case.shape[counts:])
    return dataclasses.replace(case, shape=shape, inputs="gaussian")  # a user's file has one shape


def _pessimistic(case: Case) -> float:
    every_pair = BYTES[case.dtype] * math.prod(case.shape) if case.task == "pairwise" else 0
    return _MANY_COPIES * (case.input_bytes + every_pair)


def _gib(size: float) -> str:
    return f"{size / 2**30:.1f} GiB"
