"""Trains one loop from one seed on one CPU thread, and records its steps, time and memory."""

import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from suites.always_one.images import Images
from suites.always_one.loop import Loop
from suites.always_one.losses import LOSSES
from suites.always_one.network import small_vgg
from suites.always_one.pairs import Pairs, steps
from suites.measure.memory import measure


class Step(NamedTuple):
    """The mean cosine of a step's pairs, and its loss, before the weights change."""

    cosine: float
    loss: float


@dataclass(frozen=True)
class Trained:
    """A trained network, all its steps, the median seconds of a step, and its peak bytes beyond the weights."""

    network: nn.Module
    steps: tuple[Step, ...]
    step_s: float
    peak_bytes: int | None


def train(loop: Loop, images: Images, seed: int, now: Callable[[], float] = perf_counter) -> Trained:
    """Train a new network by `loop`. Apart from the seconds, the result is the same for the same seed."""
    siamese = Siamese(loop, seed)
    drawn = steps(loop, images, torch.Generator().manual_seed(seed))
    seen, seconds = [], []
    with _one_thread():
        for _ in range(loop.steps):
            pairs = next(drawn)
            start = now()
            seen.append(siamese.step(pairs))
            seconds.append(now() - start)
        last = next(drawn)
        took = measure(lambda: siamese.gradients(last), "cpu")
    return Trained(siamese.network, tuple(seen), statistics.median(seconds), took.peak_bytes if took else None)


class Siamese:
    """The network, its optimiser, and the vectors carried from step to step."""

    def __init__(self, loop: Loop, seed: int) -> None:
        self.loop, self._loss = loop, LOSSES[loop.loss]
        network = small_vgg(loop.channels, linear_head=loop.linear_head, seed=seed)
        self.network = network.to(getattr(torch, loop.dtype))
        self._optimiser = torch.optim.Adam(network.parameters(), loop.learning_rate, weight_decay=loop.l2)
        self._carried: torch.Tensor | None = None

    def step(self, pairs: Pairs) -> Step:
        """Train on one batch of pairs."""
        vector1, vector2, loss = self.gradients(pairs)
        self._optimiser.step()
        self._carried = vector1.detach()
        with torch.no_grad():
            return Step(float(F.cosine_similarity(vector1, vector2).mean()), float(loss))

    def gradients(self, pairs: Pairs) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Both vectors and the loss; its gradients are in the weights."""
        vector1 = self.network(pairs.first.pixels)
        vector2 = self._second(pairs, vector1)
        positive = pairs.positive if self.loop.own_labels else pairs.positive[:1].expand(len(pairs.first))
        loss = self._loss(vector1, vector2, positive)
        if self.loop.l1:
            loss = loss + self.loop.l1 * sum(weight.abs().sum() for weight in self.network.parameters())
        self._optimiser.zero_grad()
        loss.backward()
        return vector1, vector2, loss

    def _second(self, pairs: Pairs, vector1: torch.Tensor) -> torch.Tensor:
        if pairs.second is pairs.first:
            return vector1
        if self.loop.second == "carried" and self._carried is not None:
            return self._carried
        vector2: torch.Tensor = self.network(pairs.second.pixels)
        return vector2 if self.loop.second == "fresh" else vector2.detach()


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the same order of sums on every machine; so small a network gains nothing from more
    try:
        yield
    finally:
        torch.set_num_threads(threads)
