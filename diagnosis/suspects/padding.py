"""Detectors of `padding_dominates`: most of each input is padding, and cropping it changes the embeddings."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import torch
from torch import nn

from diagnosis.isolation import private_copy
from diagnosis.probes.lengths import real_lengths
from diagnosis.probes.model import Source, attempted, embed, on_inputs, source
from diagnosis.signature.signature import Signature
from diagnosis.subject import Subject
from diagnosis.suspects.suspect import Clue

Crop = Callable[[torch.Tensor], torch.Tensor]


def padding_dominates(subject: Subject, signature: Signature) -> Clue | None:
    """Is most of the inputs, token ids `[N, L]` or frames `[N, L, F]`, padding at the end of the row?"""
    inputs = subject.inputs
    if inputs is None or inputs.ndim not in (2, 3) or (inputs.ndim == 2 and inputs.is_floating_point()):
        return None
    lengths = real_lengths(inputs)
    share = 1 - float(lengths.double().mean()) / inputs.shape[1]
    if share < 1 / 2:
        return None
    evidence = {"share_of_padding": share, "longest_row": int(lengths.max()), "padded_to": inputs.shape[1]}
    found = source(subject)
    if found:
        repaired = attempted(lambda: _cropped(subject, found))
        if repaired is None:  # the model accepts one length only
            return None
        return Clue(confidence=0.9, evidence=evidence, change="crop the padding", repair=lambda: repaired)
    if lengths.min() == lengths.max() or (subject.y is not None and subject.other_inputs is None):
        return Clue(confidence=0.4, evidence=evidence)  # the padding's part of the embeddings is unknown
    change = "subtract the part that grows with the padding"
    return Clue(confidence=0.8, evidence=evidence, change=change, repair=lambda: _unpadded(subject))


def _cropped(subject: Subject, given: Source) -> Subject:
    """Embeds rows at their own length, those of one length together."""
    run = private_copy(given.model)
    x = _embed_cropped(run, given.inputs).to(subject.x)
    y = None if given.other_inputs is None else _embed_cropped(run, given.other_inputs).to(subject.x)
    # The model and the inputs still have the padding: later probes must not run them again.
    return replace(subject, x=x, y=y, inputs=None, other_inputs=None, model=None)


def _embed_cropped(model: nn.Module, inputs: torch.Tensor) -> torch.Tensor:
    lengths = real_lengths(inputs)
    groups = [(length, (lengths == length).nonzero().flatten()) for length in lengths.unique().tolist()]
    parts = torch.cat([embed(model, inputs[rows, :length]) for length, rows in groups])
    return parts[torch.cat([rows for _, rows in groups]).argsort()]


def _unpadded(subject: Subject) -> Subject:
    """Subtracts the padding's part, by a fit of `share * real + (1 - share) * padding`, the mean over places."""
    given = [inputs for inputs in (subject.inputs, subject.other_inputs) if inputs is not None]
    sides = [side for side in (subject.x, subject.y) if side is not None]
    shares = torch.cat([real_lengths(inputs) / inputs.shape[1] for inputs in given[: len(sides)]]).double()
    parts, flat = torch.stack([shares, 1 - shares], 1), torch.cat(sides).flatten(1).double()
    padding = torch.linalg.lstsq(parts, flat).solution[1]
    real = (flat - parts[:, 1:] * padding).to(subject.x.dtype).reshape(-1, *subject.x.shape[1:]).split(len(subject.x))
    return replace(subject, x=real[0], y=None if subject.y is None else real[1])


def padding_around(subject: Subject, signature: Signature) -> Clue | None:
    """Do images, `[N, H, W]`, `[N, C, H, W]` or `[N, H, W, C]`, differ in less than half of their places?"""
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

    repaired = _without_border(subject, crop)
    if repaired is None:  # the model accepts one size only, or the border's part of the embeddings is unknown
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


def _without_border(subject: Subject, crop: Crop) -> Subject | None:
    if source(subject):
        return attempted(partial(on_inputs, subject, crop))
    cropped = [_pixels(*side, crop) for side in ((subject.x, subject.inputs), (subject.y, subject.other_inputs))]
    if cropped[0] is None or (subject.y is not None and cropped[1] is None):
        return None
    return replace(subject, x=cropped[0], y=cropped[1], inputs=None, other_inputs=None)


def _pixels(side: torch.Tensor | None, inputs: torch.Tensor | None, crop: Crop) -> torch.Tensor | None:
    """Cropped images, if the embeddings are the images themselves."""
    if side is None or inputs is None or side.numel() != inputs.numel():
        return None
    if not torch.equal(side.flatten(1), inputs.flatten(1).to(side)):
        return None
    return crop(inputs).flatten(1).to(side)
