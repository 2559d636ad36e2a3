"""The experiment: which loops are trained from which seeds, and the finding of each."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from functools import partial

import torch
from torch import nn

from suites.always_one.changes import NO_CHANGE, Change, changes
from suites.always_one.images import Images, split
from suites.always_one.loop import AS_WRITTEN, LOOPS
from suites.always_one.network import small_vgg
from suites.always_one.training import train
from suites.always_one.verification import verify
from suites.records.finding import Key, Training, key
from suites.records.record import Status

NO_TRAINING = "no_training"
SEEDS = range(8)
UNTRAINED: Mapping[str, Callable[[int], nn.Module]] = {
    "raw_pixels": lambda seed: nn.Flatten(),
    "untrained_network": lambda seed: small_vgg(AS_WRITTEN.channels, linear_head=AS_WRITTEN.linear_head, seed=seed),
}
"""The baselines that training has to beat."""


def makers() -> Iterator[tuple[Key, Callable[[], Training]]]:
    """The key of each finding with the call that makes it, seed by seed: compared loops run within seconds."""
    return ((key(head), make) for head, make in _planned())


def unfinished(asked: Key, status: Status, reason: str) -> Training:
    """The finding of a training that ended early, with the reason."""
    head = next(head for head, _ in _planned() if key(head) == asked)
    return dataclasses.replace(head, status=status, reason=reason)


def _planned() -> Iterator[tuple[Training, Callable[[], Training]]]:
    """Each finding without its results, and the call that makes it."""
    for seed in SEEDS:
        for name in UNTRAINED:
            yield Training(loop=NO_TRAINING, change=name, seed=seed, status=Status.OK), partial(untrained, name, seed)
        for loop in LOOPS:
            for change in (NO_CHANGE, *changes(LOOPS[loop])):
                yield _head(loop, change, seed), partial(trained, loop, change, seed)


def _head(loop: str, change: Change, seed: int) -> Training:
    return Training(loop=loop, change=change.name, advice=change.advice, what=change.what, seed=seed, status=Status.OK)


def untrained(name: str, seed: int) -> Training:
    """The finding for the vectors of `UNTRAINED[name]`, on the images held out for `seed`."""
    found = Training(loop=NO_TRAINING, change=name, seed=seed, status=Status.OK)
    return _verified(found, UNTRAINED[name](seed), split(seed)[1])


def trained(name: str, change: Change, seed: int) -> Training:
    """The finding for a loop of `LOOPS` with one change, trained on the images of `seed`."""
    loop = change.apply(LOOPS[name])
    images, held_out = split(seed, loop.dtype, normalised=loop.normalised)
    result = train(loop, images, seed)
    cosines, losses = zip(*result.steps, strict=True)
    found = dataclasses.replace(
        _head(name, change, seed),
        first_cosine=cosines[0],
        second_cosine=cosines[1],
        lowest_loss=min(losses),
        step_s=result.step_s,
        peak_bytes=result.peak_bytes,
    )
    return _verified(found, result.network, held_out)


def _verified(found: Training, network: nn.Module, held_out: Images) -> Training:
    with torch.no_grad():
        vectors = network(held_out.pixels)
    if not vectors.isfinite().all():
        found = dataclasses.replace(found, first_cosine=None, second_cosine=None, lowest_loss=None)
        return dataclasses.replace(found, status=Status.WRONG, reason="it diverged: vectors are not finite")
    return dataclasses.replace(found, **dataclasses.asdict(verify(vectors, held_out.classes)))
