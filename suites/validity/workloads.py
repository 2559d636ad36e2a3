"""Pairs of functions whose ratio is known, and a machine that is quiet or is not."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import repeat

import torch
import torch.nn.functional as F

from suites.measure.clock import Call, Clock, host_clock

PARTS = 100
"""A long call is made of so many equal parts: one more of them is a slowdown of exactly 1 %."""

BATCH = 64
"""Methods that time a function by itself are handed so many short calls at once."""


@dataclass(frozen=True)
class Pair:
    """A and B, where B takes `ratio` times A's time.

    `calls` and `clock` are for our rounds, which choose how many calls go into a sample; `batches` are for
    methods that time a function by themselves, and `correction` is what their ratio has to be multiplied by.
    """

    length: str
    ratio: float
    calls: tuple[Call, Call]
    clock: Clock
    batches: tuple[Call, Call]
    correction: float


def pair(length: str, slowdown: float) -> Pair:
    """Two calls of about `length` (a key of `WORK`), the second slower by `slowdown`, in real work and exactly."""
    part = WORK[length]()
    if length == "5 µs":
        return _of_short_calls(length, part, slowdown)
    calls = partial(_repeat, part, PARTS), partial(_repeat, part, round(PARTS * (1 + slowdown)))
    return Pair(length, 1 + slowdown, calls, host_clock, calls, 1.0)


def _of_short_calls(length: str, part: Call, slowdown: float) -> Pair:
    """A call that can't be divided becomes slower by making more calls than are divided by.

    What rounding to whole calls leaves of the slowdown, below one call in the sample, a factor puts right.
    """
    planted = partial(part)

    def clock(call: Call, calls: int) -> tuple[float, object]:
        if call is not planted:
            return host_clock(call, calls)
        more = round(calls * (1 + slowdown))
        seconds, result = host_clock(call, more)
        return seconds * calls * (1 + slowdown) / more, result

    more = round(BATCH * (1 + slowdown))
    batches = partial(_repeat, part, BATCH), partial(_repeat, part, more)
    return Pair(length, 1 + slowdown, (part, planted), clock, batches, BATCH * (1 + slowdown) / more)


def _repeat(part: Call, count: int) -> object:
    for _ in repeat(None, count):
        result = part()
    return result


def _rows(*shape: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(shape, generator=generator), torch.randn(shape, generator=generator)


def _normalize() -> Call:
    return partial(F.normalize, _rows(1, 64)[0], dim=-1)


def _dot() -> Call:
    return partial(torch.dot, *_rows(64))


def _cosine() -> Call:
    return partial(F.cosine_similarity, *_rows(64, 384), dim=-1)


WORK: dict[str, Callable[[], Call]] = {"5 µs": _normalize, "100 µs": _dot, "10 ms": _cosine}


@contextmanager
def load(busy: bool) -> Iterator[None]:
    """With `busy`, a second process multiplies matrices on one thread for as long as this lasts."""
    if not busy:
        yield
        return
    work = "import torch; torch.set_num_threads(1); x = torch.randn(512, 512)\nwhile True: x = (x @ x).tanh()"
    process = subprocess.Popen([sys.executable, "-c", work])
    try:
        yield
    finally:
        process.kill()
        process.wait()
