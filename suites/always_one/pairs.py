"""The pairs of images of every step of a loop."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch

from suites.always_one.images import Images, shifted
from suites.always_one.loop import Loop

BATCH = 64


@dataclass(frozen=True)
class Pairs:
    """The images of one step, and row by row their partners."""

    first: Images
    second: Images

    @property
    def positive(self) -> torch.Tensor:
        """1 where both images are of one class, else 0; `[N]`, in the images' dtype."""
        return (self.first.classes == self.second.classes).to(self.first.pixels.dtype)


def steps(loop: Loop, images: Images, generator: torch.Generator) -> Iterator[Pairs]:
    """The pairs of each step, without end."""
    drawn = _batches(images, generator)
    batches = (shifted(batch, generator) for batch in drawn) if loop.shifted else drawn
    if loop.pairs == "last_batch":
        yield from _with_the_last(batches, itself_first=loop.itself_first)
    for batch in batches:
        partners = images[_PARTNERS[loop.pairs](batch.classes, images.classes, generator)]
        yield Pairs(batch, shifted(partners, generator) if loop.shifted else partners)


def _batches(images: Images, generator: torch.Generator) -> Iterator[Images]:
    while True:
        for rows in torch.randperm(len(images), generator=generator).split(BATCH):
            if len(rows) == BATCH:
                yield images[rows]


def _with_the_last(batches: Iterator[Images], *, itself_first: bool) -> Iterator[Pairs]:
    last = next(batches)
    if itself_first:
        yield Pairs(last, last)
    for batch in batches:
        yield Pairs(batch, last)
        last = batch


def _random(classes: torch.Tensor, among: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    return torch.randint(len(among), classes.shape, generator=generator)


def _balanced(classes: torch.Tensor, among: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Rows of `among`: of the same class for a random half of `classes`, of any other class for the rest."""
    by_class, counts = among.argsort(stable=True), among.bincount()
    own = counts[classes]
    start = (counts.cumsum(0) - counts)[classes]
    positive = torch.randperm(len(classes), generator=generator) < len(classes) // 2
    drawn = torch.rand(len(classes), generator=generator) * torch.where(positive, own, len(among) - own)
    place = start + drawn.long() + torch.where(positive, 0, own)  # others begin after the own class, and wrap around
    return by_class[place % len(among)]


_PARTNERS: Mapping[str, Callable[[torch.Tensor, torch.Tensor, torch.Generator], torch.Tensor]] = {
    "random": _random,
    "balanced": _balanced,
}
