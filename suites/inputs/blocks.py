"""Blocks of row pairs, the form of all inputs: made one at a time, so no operand exists twice."""

import hashlib
from collections.abc import Callable, Iterator

import numpy as np
import torch

from suites.records.case import Case

BLOCK = 1 << 15
"""Elements of one operand in a block. They stay in the cache, and torch does not split them over threads: barriers take
longer than the copy, and many times longer on a busy machine."""

Blocks = Iterator[tuple[torch.Tensor, torch.Tensor]]
"""Consecutive rows of x and y, `[rows, length]`, as many of both while both last; rows beyond one are dropped."""

Stream = Callable[[str], np.random.Generator]
"""Role to random numbers; a second call for the same role starts them again."""


class InputError(ValueError):
    """Inputs that cannot be made: unknown inputs, an impossible shape, an unusable file."""


def stream_of(case: Case) -> Stream:
    """The random numbers of a case; the same for all dtypes, devices, memory formats and directions."""

    def stream(role: str) -> np.random.Generator:
        key = repr((case.task, case.shape, case.inputs, role))
        return np.random.Generator(np.random.SFC64(int.from_bytes(hashlib.blake2b(key.encode()).digest())))

    return stream


def spans(start: int, stop: int, length: int) -> Iterator[slice]:
    """The rows from `start` to `stop`, of `length` elements each, as blocks."""
    step = max(1, BLOCK // length)
    for first in range(start, stop, step):
        yield slice(first, min(first + step, stop))
