"""Is most of each image a border that is the same in all of them?"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import torch

from diagnosis.probes.model import attempted, on_inputs, source
from diagnosis.signature.signature import Signature
from diagnosis.subject import Subject
from diagnosis.suspects.suspect import Clue

Crop = Callable[[torch.Tensor], torch.Tensor]


def padding_around(subject: Subject, signature: Signature) -> Clue | None:
    """Do images, `[N, H, W]`, `[N, C, H, W]` or `[N, H, W, C]`, differ in less than half of their places only?"""
    inputs = subject.inputs
    if inputs is None or inputs.ndim not in (3, 4) or len(inputs) < 2:
        return None
    last = inputs.ndim == 4 and inputs.shape[1] not in (1, 3, 4)
    differ = (inputs != inputs[:1]).any(0)
    places = differ.any(-1) if last else differ.any(0) if inputs.ndim == 4 else differ
    if not places.any():
        return None
    (top, bottom), (left, right) = (_ends(places.any(1)), _ends(places.any(0)))
    share = 1 - (bottom - top) * (right - left) / places.numel()
    if share < 1 / 2:
        return None

    def crop(images: torch.Tensor) -> torch.Tensor:
        return images[:, top:bottom, left:right] if last else images[..., top:bottom, left:right]

    repaired = _cropped(subject, crop)
    if repaired is None:  # the model takes one size only, or nothing tells the border's part of the embeddings
        return None
    return Clue(
        confidence=0.9,
        evidence={"share_of_border": share, "height": places.shape[0], "width": places.shape[1]},
        change="crop the border",
        repair=lambda: repaired,
    )


def _ends(taken: torch.Tensor) -> tuple[int, int]:
    places = taken.nonzero().flatten()
    return int(places[0]), int(places[-1]) + 1


def _cropped(subject: Subject, crop: Crop) -> Subject | None:
    if source(subject):
        return attempted(partial(on_inputs, subject, crop))
    cropped = [_pixels(*side, crop) for side in ((subject.x, subject.inputs), (subject.y, subject.other_inputs))]
    if cropped[0] is None or (subject.y is not None and cropped[1] is None):
        return None
    return replace(subject, x=cropped[0], y=cropped[1], inputs=None, other_inputs=None)


def _pixels(side: torch.Tensor | None, inputs: torch.Tensor | None, crop: Crop) -> torch.Tensor | None:
    """Embeddings that are the images themselves, cropped."""
    if side is None or inputs is None or side.numel() != inputs.numel():
        return None
    if not torch.equal(side.flatten(1), inputs.flatten(1).to(side)):
        return None
    return crop(inputs).flatten(1).to(side)
