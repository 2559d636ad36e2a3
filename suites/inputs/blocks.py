"""What every source of inputs gives: blocks of row pairs, made one at a time so that no operand exists twice."""

import hashlib
from collections.abc import Callable, Iterator

import numpy as np
import torch

from suites.records.case import Case

BLOCK = 1 << 15
"""Elements of one operand in a block: they stay in the cache, and torch does not split them over threads, whose
barriers take longer than the copy and many times longer on a busy machine."""

Blocks = Iterator[tuple[torch.Tensor, torch.Tensor]]
"""Consecutive rows of x and equally many of y, `[rows, length]`; rows that an operand has no room for are dropped."""

Stream = Callable[[str], np.random.Generator]
"""Role to random numbers; asked again for the same role, it starts again."""


class InputError(ValueError):
    """Inputs that cannot be made: an unknown family, an impossible shape, a file that is no good."""


def stream_of(case: Case) -> Stream:
    """The random numbers of a case; the same for all dtypes, devices, memory formats and directions."""

    def stream(role: str) -> np.random.Generator:
        key = repr((case.task, case.shape, case.inputs, role))
        return np.random.Generator(np.random.SFC64(int.from_bytes(hashlib.blake2b(key.encode()).digest())))

    return stream


def spans(start: int, stop: int, length: int) -> Iterator[slice]:
    """The rows from `start` to `stop`, of `length` elements each, block by block."""
    step = max(1, BLOCK // length)
    for first in range(start, stop, step):
        yield slice(first, min(first + step, stop))
