"""Memory fit: predicts whether a case fits in memory before measuring it."""

import dataclasses
import math
from collections import Counter
from collections.abc import Callable, Mapping

from suites.failure import Failure
from suites.measure.cache import copies
from suites.measure.sampled import checked_rows
from suites.records.case import ALL_PAIRS, BYTES, Case
from suites.records.record import Status
from suites.truth.oracle import CHUNK

_SHARE = 0.9  # of free memory: the rest is for the oracle's chunks and the allocator
_MANY_COPIES = 16  # of the inputs: no sensible implementation takes more
_SMALL = 16  # rows of the smallest probe
_PAGED = 1 << 25  # bytes of input, or of all pairs, that make a process's peak, in pages, larger than its noise
_INDEX = 8  # bytes of an int64
_LIFTED = 6  # copies in the oracle's dtype, to compute the truth and compare it with a result

Peak = Callable[[Case], int | None]
"""Probes a contestant: runs it once on a case and returns its peak beyond the inputs, in bytes."""


def own_bytes(case: Case, contestants: int, prepared: int = 0) -> Mapping[str, int]:
    """Device to the bytes that the suite itself needs for a case, before the first call.

    It is what `held_bytes` says, and the oracle's tensors, on the host in float64 or wider, of the rows it checks.
    """
    elements = case.input_bytes // BYTES[case.dtype]
    all_pairs, backward = case.task in ALL_PAIRS, case.direction == "forward+backward"
    wide = 16 if case.dtype == "float64" else 8
    lifted = _checked_outputs(case) + (elements if backward else 0)
    if all_pairs:  # the oracle takes the corpus in chunks, its gradients as a whole
        corpus = math.prod(case.operand_shapes[1])
        lifted = checked_rows(case) * case.shape[1] + elements - (0 if backward else max(0, corpus - CHUNK))
    held = Counter(held_bytes(case, contestants, prepared))
    return held + Counter({"cpu": wide * (_LIFTED * lifted - _truths(case))})


def held_bytes(case: Case, contestants: int, prepared: int = 0) -> Mapping[str, int]:
    """Device to the bytes that the suite holds while contestants are called.

    It holds the inputs (many copies for a cold cache), one untouched copy, the checked rows of the first result of
    each contestant, the corpus of each of the `prepared` ones, and on the host the truth.
    """
    wide, value = 16 if case.dtype == "float64" else 8, max(4, BYTES[case.dtype])
    result = (value + (_INDEX if case.k else 0)) * _checked_outputs(case)
    result += case.input_bytes if case.direction == "forward+backward" else 0
    corpora = prepared * copies(case) * value * math.prod(case.operand_shapes[1])
    inputs = (1 + copies(case)) * case.input_bytes
    return Counter({case.device: inputs + contestants * result + corpora}) + Counter({"cpu": wide * _truths(case)})


def require_case_fits(case: Case, contestants: int, free_bytes: Callable[[str], int], prepared: int = 0) -> None:
    """Raise a `Failure` if the memory that the suite itself needs for the case is not free."""
    for device, needed in own_bytes(case, contestants, prepared).items():
        if needed > _SHARE * (free := free_bytes(device)):
            raise Failure(
                Status.OUT_OF_MEMORY,
                f"not tried: its inputs, copies of them, the results of {contestants} contestants and the oracle "
                f"take {_gib(needed)} and {_gib(free)} are free on {device}",
            )


def require_fit(case: Case, free: int, peak: Peak, *, in_torch: bool = True) -> None:
    """Raise a `Failure` if the contestant's temporaries would not fit. It is probed only in case of doubt."""
    if _pessimistic(case) <= _SHARE * free:
        return
    needed = expected_peak(case, peak, in_torch=in_torch)
    if needed > _SHARE * free:
        raise Failure(
            Status.OUT_OF_MEMORY,
            f"not tried: by small probes it would take about {_gib(needed)} beyond its inputs, "
            f"and {_gib(free)} are free on {case.device}",
        )


def expected_peak(case: Case, peak: Peak, *, in_torch: bool = True) -> float:
    """The peak in bytes, extrapolated from small probes.

    Temporaries grow with the rows, or for all pairs with a·(N + M)/2 + b·N·M, where two probes give a and b. All pairs
    of few rows with many grow with the many. A peak outside torch is known in pages only, and needs larger probes.
    """
    small = _SMALL if in_torch else _paged_rows(case)
    few, many = sorted(case.shape[:2]) if case.task in ALL_PAIRS else (1, case.shape[0])
    if few < 2 * small:
        rows = min(small if few == 1 else 2 * small, many)
        return (peak(_with_rows(case, rows)) or 0) * many / rows
    one, two = (peak(_with_rows(case, rows)) or 0 for rows in (small, 2 * small))
    b = max(0.0, (two - 2 * one) / (2 * small**2))
    a = max(0.0, (one - b * small**2) / small)
    return a * (few + many) / 2 + b * few * many


def _checked_outputs(case: Case) -> int:
    return checked_rows(case) * math.prod(case.output_shape[1:])


def _truths(case: Case) -> int:
    return checked_rows(case) * (case.shape[1] if case.task in ALL_PAIRS else 1)


def _with_rows(case: Case, most: int) -> Case:
    counts = 2 if case.task in ALL_PAIRS else 1
    shape = (*(min(rows, most) for rows in case.shape[:counts]), *case.shape[counts:])
    k = min(case.k, shape[1])
    return dataclasses.replace(case, shape=shape, k=k, inputs="gaussian")


def _paged_rows(case: Case) -> int:
    elements = _PAGED // BYTES[case.dtype]
    return max(_SMALL, math.isqrt(elements) if case.task in ALL_PAIRS else elements // case.length)


def _pessimistic(case: Case) -> float:
    every_pair = BYTES[case.dtype] * math.prod(case.shape) if case.task in ALL_PAIRS else 0
    return _MANY_COPIES * (case.input_bytes + every_pair)


def _gib(size: float) -> str:
    return f"{size / 2**30:.1f} GiB"
