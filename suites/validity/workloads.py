"""Pairs of functions with an exactly known ratio, and an optional background load."""

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
"""Equal parts of a long call: one more part is a slowdown of exactly 1 %."""

BATCH = 64
"""Short calls per batch, for methods that time a function by themselves."""


@dataclass(frozen=True)
class FunctionPair:
    """A and B, where B takes `ratio` times A's time.

    Our rounds use `calls` and `clock`, since they choose the number of calls per sample. Methods that time a function
    by themselves use `batches`; their ratio must be multiplied by `correction`.
    """

    length: str
    ratio: float
    calls: tuple[Call, Call]
    clock: Clock
    batches: tuple[Call, Call]
    correction: float


def pair(length: str, slowdown: float) -> FunctionPair:
    """Two calls of about `length` (a key of `WORK`). The second does exactly `slowdown` more work."""
    part = WORK[length]()
    if length == "5 µs":
        return _of_short_calls(length, part, slowdown)
    calls = partial(_repeat, part, PARTS), partial(_repeat, part, round(PARTS * (1 + slowdown)))
    return FunctionPair(length, 1 + slowdown, calls, host_clock, calls, 1.0)


def _of_short_calls(length: str, part: Call, slowdown: float) -> FunctionPair:
    """A short call has no parts, so B's sample holds more calls than it is divided by.

    The number of calls is rounded to a whole one; a factor corrects for the rounding.
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
    return FunctionPair(length, 1 + slowdown, (part, planted), clock, batches, BATCH * (1 + slowdown) / more)


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
def background_load(busy: bool) -> Iterator[None]:
    """With `busy`, a second process multiplies matrices on one thread inside this context."""
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
