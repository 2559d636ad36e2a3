"""Is most of each input padding, and do the embeddings become different once it is cropped?"""

from dataclasses import replace

import torch
from torch import nn

from diagnosis.rerun import Source, attempted, embed, source
from diagnosis.restoring import private_copy
from diagnosis.signature import Signature
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
    if subject.y is not None or lengths.min() == lengths.max():  # nothing tells the padding's part of `x`
        return None
    return Clue(
        confidence=0.8,
        evidence=evidence,
        change="take away what grows with the padding",
        repair=lambda: replace(subject, x=_unpadded(subject.x, lengths / inputs.shape[1])),
    )


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


def _unpadded(x: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
    """Without the padding's part: a mean over places is `share * real + (1 - share) * padding`, fitted to the rows."""
    parts = torch.stack([shares, 1 - shares], 1).double()
    flat = x.flatten(1).double()
    padding: torch.Tensor = torch.linalg.lstsq(parts, flat).solution[1]
    return (flat - parts[:, 1:] * padding).to(x.dtype).reshape(x.shape)
