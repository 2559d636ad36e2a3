"""Detectors of `padding_dominates`: the embeddings are those of the padding, and change without it."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import torch

from diagnosis.probes.lengths import real_spans
from diagnosis.probes.model import attempted, mean_row_cosine, on_inputs, source
from diagnosis.probes.padding import cropped, equal_to_padding, filled, read_at_tokens, time_of
from diagnosis.signature.rows import row_hashes
from diagnosis.signature.signature import Signature
from diagnosis.subject import Subject
from diagnosis.suspects.suspect import Clue
from diagnosis.verdict import Value

Crop = Callable[[torch.Tensor], torch.Tensor]


def padding_dominates(subject: Subject, signature: Signature) -> Clue | None:
    """Is padding pooled: is it most of ids `[N, L]` or frames `[N, L, F]`, or does the model separate them without?"""
    inputs, found = subject.inputs, source(subject)
    if inputs is None or inputs.ndim not in (2, 3) or (inputs.ndim == 2 and inputs.is_floating_point() and not found):
        return None
    time = time_of(inputs)
    spans, longest = real_spans(inputs.movedim(time, 1)), inputs.shape[time]
    share = 1 - float(spans.lengths.double().mean()) / longest
    evidence: dict[str, Value] = {
        "share_of_padding": share,
        "padded_rows": float((spans.lengths < longest).double().mean()),
        "padded_at": "the start" if spans.start.sum() > (longest - spans.end).sum() else "the end",
        "longest_row": int(spans.lengths.max()),
        "padded_to": longest,
    }
    if found:
        several = float((spans.lengths <= longest - 2).double().mean())  # one alone can be [CLS] or [SEP]
        return _pooled(subject, evidence) if several >= 0.2 else None
    if share < 1 / 2:
        return None
    if spans.lengths.min() == spans.lengths.max() or (subject.y is not None and subject.other_inputs is None):
        return Clue(confidence=0.4, evidence=evidence)  # the padding's part of the embeddings is unknown
    change = "subtract the part that grows with the padding"
    return Clue(confidence=0.8, evidence=evidence, change=change, repair=lambda: _unpadded(subject))


def _pooled(subject: Subject, evidence: dict[str, Value]) -> Clue | None:
    """The clue if the model can run without the padding."""
    ways = {"crop the padding": cropped, "take the state of a real place": read_at_tokens}
    found = {change: attempted(partial(way, subject)) for change, way in ways.items()}
    table = subject.inputs is not None and subject.inputs.ndim == 2 and subject.inputs.is_floating_point()
    if found["crop the padding"] is None and not table:  # the model takes one length only
        found["repeat each row in the place of its padding"] = attempted(partial(filled, subject))
    repaired = {change: subject for change, subject in found.items() if subject}
    if not repaired:
        return None
    change = min(repaired, key=lambda change: _sameness(repaired[change].x))
    without = repaired[change]
    equal = attempted(lambda: equal_to_padding(subject)) or 0.0
    if equal:
        evidence = evidence | {"padded_rows_with_the_embedding_of_padding_alone": equal}
    return Clue(confidence=0.9, evidence=evidence, change=change, repair=lambda: without)


def _sameness(x: torch.Tensor) -> float:
    """How similar rows are, and how many are repeated: repairs above 0 are compared by it."""
    repeated = 1 - len(np.unique(row_hashes(x.flatten(1)))) / len(x)
    return max(mean_row_cosine(x), 0.0) + repeated


def _unpadded(subject: Subject) -> Subject:
    """Subtracts the padding's part, by a fit of `share * real + (1 - share) * padding`, the mean over places."""
    given = [inputs for inputs in (subject.inputs, subject.other_inputs) if inputs is not None]
    sides = [side for side in (subject.x, subject.y) if side is not None]
    shares = torch.cat([_share_of_tokens(inputs) for inputs in given[: len(sides)]]).double()
    parts, flat = torch.stack([shares, 1 - shares], 1), torch.cat(sides).flatten(1).double()
    padding = torch.linalg.lstsq(parts, flat).solution[1]
    real = (flat - parts[:, 1:] * padding).to(subject.x.dtype).reshape(-1, *subject.x.shape[1:]).split(len(subject.x))
    return replace(subject, x=real[0], y=None if subject.y is None else real[1])


def _share_of_tokens(inputs: torch.Tensor) -> torch.Tensor:
    time = time_of(inputs)
    return real_spans(inputs.movedim(time, 1)).lengths / inputs.shape[time]


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
    inner = [_pixels(*side, crop) for side in ((subject.x, subject.inputs), (subject.y, subject.other_inputs))]
    if inner[0] is None or (subject.y is not None and inner[1] is None):
        return None
    return replace(subject, x=inner[0], y=inner[1], inputs=None, other_inputs=None)


def _pixels(side: torch.Tensor | None, inputs: torch.Tensor | None, crop: Crop) -> torch.Tensor | None:
    """Cropped images, if the embeddings are the images themselves."""
    if side is None or inputs is None or side.numel() != inputs.numel():
        return None
    if not torch.equal(side.flatten(1), inputs.flatten(1).to(side)):
        return None
    return crop(inputs).flatten(1).to(side)
