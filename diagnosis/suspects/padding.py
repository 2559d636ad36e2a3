"""Is most of each input padding, and do the embeddings become different once it is cropped?"""

from dataclasses import replace

import torch
from torch import nn

from diagnosis.isolation import private_copy
from diagnosis.probes.model import Source, attempted, embed, source
from diagnosis.signature.signature import Signature
from diagnosis.subject import Subject
from diagnosis.suspects.suspect import Clue


def padding_dominates(subject: Subject, signature: Signature) -> Clue | None:
    """Are most places of the inputs padding at the end of the row: token ids `[N, L]`, or frames `[N, L, F]`?"""
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
        if repaired is None:  # the model takes one length only
            return None
        return Clue(confidence=0.9, evidence=evidence, change="crop the padding", repair=lambda: repaired)
    if lengths.min() == lengths.max() or (subject.y is not None and subject.other_inputs is None):
        return Clue(confidence=0.4, evidence=evidence)  # nothing tells the padding's part of the embeddings
    change = "take away what grows with the padding"
    return Clue(confidence=0.8, evidence=evidence, change=change, repair=lambda: _unpadded(subject))


def real_lengths(inputs: torch.Tensor) -> torch.Tensor:
    """How many places of each row come before its padding, at least 1: `[N]`, int64.

    The padding is what the longest run of equal places at the end of a row consists of.
    """
    steps = inputs.flatten(2) if inputs.ndim > 2 else inputs[:, :, None]
    runs = _runs_at_the_end(steps, steps[:, -1:])
    return (inputs.shape[1] - _runs_at_the_end(steps, steps[runs.argmax(), -1])).clamp(min=1)


def _runs_at_the_end(steps: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    return (steps == value).all(2).flip(1).long().cumprod(1).sum(1)


def _cropped(subject: Subject, given: Source) -> Subject:
    """Each row alone at its own length, rows of one length together; pooled over what is left."""
    run = private_copy(given.model)
    x = _embed_cropped(run, given.inputs).to(subject.x)
    y = None if given.other_inputs is None else _embed_cropped(run, given.other_inputs).to(subject.x)
    # The inputs stay as they are, so a later look must not find the model and them again.
    return replace(subject, x=x, y=y, inputs=None, other_inputs=None, model=None)


def _embed_cropped(model: nn.Module, inputs: torch.Tensor) -> torch.Tensor:
    lengths = real_lengths(inputs)
    groups = [(length, (lengths == length).nonzero().flatten()) for length in lengths.unique().tolist()]
    parts = torch.cat([embed(model, inputs[rows, :length]) for length, rows in groups])
    return parts[torch.cat([rows for _, rows in groups]).argsort()]


def _unpadded(subject: Subject) -> Subject:
    """Without the padding's part: a mean over places is `share * real + (1 - share) * padding`, fitted to the rows."""
    given = [inputs for inputs in (subject.inputs, subject.other_inputs) if inputs is not None]
    sides = [side for side in (subject.x, subject.y) if side is not None]
    shares = torch.cat([real_lengths(inputs) / inputs.shape[1] for inputs in given[: len(sides)]]).double()
    parts, flat = torch.stack([shares, 1 - shares], 1), torch.cat(sides).flatten(1).double()
    padding = torch.linalg.lstsq(parts, flat).solution[1]
    real = (flat - parts[:, 1:] * padding).to(subject.x.dtype).reshape(-1, *subject.x.shape[1:]).split(len(subject.x))
    return replace(subject, x=real[0], y=None if subject.y is None else real[1])
