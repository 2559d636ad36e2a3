"""The preparation of a corpus, measured apart from the calls: its time and its memory."""

from dataclasses import dataclass
from functools import partial
from statistics import median

import torch

from implementations import Implementation
from suites.measure import memory
from suites.measure.clock import Clock

_MOST, _ENOUGH_S = 5, 1.0  # a few times, and fewer where each takes long


@dataclass(frozen=True)
class Preparation:
    """Seconds to prepare a corpus once, and the bytes that it then holds beyond y; None if nothing reports them."""

    seconds: float
    held_bytes: int | None


def preparation(entry: Implementation, y: torch.Tensor, device: str, clock: Clock) -> Preparation | None:
    """Prepare y a few times, after a warm call; None if the implementation prepares nothing."""
    if entry.prepare is None:
        return None
    prepare, seconds, held = partial(entry.prepare, y), list[float](), list[object]()
    prepare()
    while len(seconds) < _MOST and sum(seconds) < _ENOUGH_S:
        seconds.append(clock(prepare, 1)[0])

    def hold() -> None:
        held.append(prepare())

    used = memory.measure(hold, device, in_torch=entry.torch_memory)
    return Preparation(float(f"{median(seconds):.6e}"), used.kept_bytes if used else None)
