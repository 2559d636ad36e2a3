"""Does each implementation stay within its stated error bound, and how near does it come?"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from implementations import Implementation
from suites.failure import Failure, contestant
from suites.records.case import ALL_PAIRS, Case
from suites.trials.kinds import IN_RANGE, RandomRows
from suites.truth import oracle
from suites.truth.bound import bounds
from suites.truth.checks import name_of, require_form
from suites.truth.oracle import Truth
from suites.truth.top_k import all_pairs

_ROWS = ((4096, 16), (1024, 128), (64, 2048), (4, 32768))
_ALL_PAIRS = ((64, 64, 16), (32, 32, 128), (8, 8, 2048), (2, 2, 32768))
SHAPES = {  # few: a compiled contestant takes seconds for each, and torch stops compiling after eight
    "paired": _ROWS,
    "pairwise": _ALL_PAIRS,
    "top_k": _ALL_PAIRS,
    "angle": _ROWS,
}
PAIRS = len(IN_RANGE) * sum(rows for rows, _ in _ROWS)
"""Pairs per trial, for any task."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """The result of one implementation in one dtype on `PAIRS` pairs, drawn with the seed `number`.

    `error`, `bound`, `truth`, `kind` and `length` describe the pair that uses the largest share of its bound. The
    first three are absolute, in radians for angles. `broken` counts pairs beyond their bound, and `nans` counts NaN.
    NaN is broken, with one exception: an arc cosine gives NaN for a cosine beyond ±1, so it is judged as the angle of
    ±1. `reason` says why there are no pairs.
    """

    implementation: str
    task: str
    dtype: str
    number: int
    pairs: int = 0
    broken: int = 0
    nans: int = 0
    error: float = 0.0
    bound: float = 1.0
    truth: float = 0.0
    kind: str = ""
    length: int = 0
    reason: str = ""

    def joined(self, other: "Trial") -> "Trial":
        """Both trials as one; it failed if either did."""
        if self.reason or other.reason:
            return self if self.reason else other
        worst = max(self, other, key=lambda trial: trial.error / trial.bound)
        counts = {name: getattr(self, name) + getattr(other, name) for name in ("pairs", "broken", "nans")}
        return replace(worst, **counts)


def trials(entries: Sequence[Implementation], task: str, dtype: str, number: int) -> Iterator[Trial]:
    """One trial of each implementation of the task, all on the same pairs."""
    found = {e.name: Trial(implementation=e.name, task=task, dtype=dtype, number=number) for e in entries}
    for case, x, y in _questions(task, dtype, number):
        truth = oracle.angles(x, y) if task == "angle" else oracle.cosines(case, x, y)
        for entry in entries:
            if not found[entry.name].reason:
                found[entry.name] = found[entry.name].joined(_judge(entry, case, x, y, truth, number))
    yield from found.values()


def _questions(task: str, dtype: str, number: int) -> Iterator[tuple[Case, torch.Tensor, torch.Tensor]]:
    for place, shape in enumerate(SHAPES[task]):
        for kind, make in IN_RANGE.items():
            k = shape[1] if task == "top_k" else 0  # all rows: each pair is judged
            case = Case(task=task, shape=shape, dtype=dtype, device="cpu", inputs=kind, k=k)
            seed = number * len(SHAPES[task]) + place
            yield case, *make(RandomRows(shape[0], case.length, getattr(torch, dtype), seed))


def _judge(entry: Implementation, case: Case, x: torch.Tensor, y: torch.Tensor, truth: Truth, number: int) -> Trial:
    found = Trial(
        implementation=entry.name,
        task=case.task,
        dtype=case.dtype,
        number=number,
        kind=case.inputs,
        length=case.length,
    )
    try:
        with contestant(), torch.no_grad():
            result = require_form(case, all_pairs(entry, x, y) if case.task in ALL_PAIRS else entry.fn(x, y))
    except Failure as failure:
        return replace(found, reason=str(failure))
    values = result.double().numpy()
    errors, allowed = (
        _errors(entry, values, truth),
        bounds(entry, case.length, case.dtype, name_of(result.dtype), truth),
    )
    worst = np.unravel_index((errors / allowed).argmax(), errors.shape)
    return replace(
        found,
        pairs=errors.size,
        broken=int(np.count_nonzero(errors > allowed)),
        nans=int(np.count_nonzero(np.isnan(values))),
        error=float(errors[worst]),
        bound=float(allowed[worst]),
        truth=float(truth[worst]),
    )


def _errors(entry: Implementation, values: Truth, truth: Truth) -> Truth:
    """Absolute errors; NaN counts as infinite, except from an arc cosine, where it means a cosine beyond ±1."""
    if entry.task == "angle" and entry.angle_by != "atan2":
        values = np.where(np.isnan(values), np.where(truth < math.pi / 2, 0, math.pi), values)
    return np.asarray(np.nan_to_num(np.abs(values - truth), nan=np.inf))
