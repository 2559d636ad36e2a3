"""Causes in the data: a pair is the same sample twice, or all inputs are equal."""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import nn

from diagnosis.probes.layers import ENOUGH, calls
from diagnosis.probes.lengths import real_lengths
from diagnosis.probes.model import on_inputs, source
from diagnosis.probes.vectors import other_partners
from diagnosis.signature.rows import equal_share, generator, row_hashes, same_memory, take
from diagnosis.signature.signature import Signature
from diagnosis.subject import Subject
from diagnosis.suspects.suspect import Clue

_ENOUGH = 8  # rows that show a geometry


def same_sample_twice(subject: Subject, signature: Signature) -> Clue | None:
    """Is each pair the same sample twice: equal inputs, or equal embeddings in separate memory?"""
    if subject.y is None or subject.x.shape != subject.y.shape or same_memory(subject.x, subject.y):
        return None
    inputs, others = subject.inputs, subject.other_inputs
    known = inputs is not None and others is not None
    share = equal_share(subject.x, subject.y) if inputs is None or others is None else equal_share(inputs, others)
    if share < 1 / 2:
        return None
    return Clue(
        confidence=0.99 if known else 0.95,
        evidence={"share_of_pairs_with_the_same_sample": share, "seen_in": "inputs" if known else "embeddings"},
        change="compare with another sample",
        repair=lambda: other_partners(subject),
    )


def constant_inputs(subject: Subject, signature: Signature) -> Clue | None:
    """Is one input repeated again and again?"""
    if subject.inputs is None:
        return None
    hashes = row_hashes(_of_one_length(subject.inputs).reshape(len(subject.inputs), -1))
    values, first, counts = np.unique(hashes, return_index=True, return_counts=True)
    most, share = counts.argmax(), float(counts.max()) / len(hashes)
    if counts.max() < 3 or share < 1 / 3:
        return None
    exactly = equal_share(subject.inputs, subject.inputs[first[most]].expand_as(subject.inputs))
    change, repair = _instead(subject, torch.from_numpy(hashes != values[most]))
    evidence = {"share_of_the_commonest_input": share, "distinct_inputs": len(values)}
    return Clue(confidence=1.0 if exactly > 0.9 else 0.9, evidence=evidence, change=change, repair=repair)


def _of_one_length(inputs: torch.Tensor) -> torch.Tensor:
    """Rows that repeat one token, such as `[UNK]`, between any first and last one, extended with it to full length."""
    if inputs.ndim != 2 or inputs.is_floating_point() or inputs.shape[1] < 3:
        return inputs
    lengths, places = real_lengths(inputs), torch.arange(inputs.shape[1], device=inputs.device)
    first, token, padding = inputs[:, :1], inputs[:, 1:2], inputs[lengths.argmin(), -1]
    last = inputs.gather(1, lengths[:, None] - 1)
    within = (places > 0) & (places < lengths[:, None] - 1)
    one = ((inputs == token) | ~within).all(1) & (lengths > 2) & (token[:, 0] != padding)
    same = torch.cat([first, token.expand(-1, inputs.shape[1] - 2), last], 1)
    return torch.where(one[:, None], same, inputs)


def _instead(subject: Subject, others: torch.Tensor) -> tuple[str, Callable[[], Subject] | None]:
    if others.sum() >= _ENOUGH:
        return "leave the repeated input out", lambda: take(subject, others)
    found = source(subject)
    if found:
        return "feed noise instead", lambda: on_inputs(subject, partial(_noise, model=found.model))
    return "", None


def _noise(inputs: torch.Tensor, model: nn.Module) -> torch.Tensor:
    """Different inputs that the model accepts: standard normal numbers, or known token ids."""
    drawn = generator()
    if inputs.is_floating_point():
        return torch.randn(inputs.shape, generator=drawn).to(inputs)
    return torch.randint(_vocabulary(inputs, model), inputs.shape, generator=drawn).to(inputs)


def _vocabulary(inputs: torch.Tensor, model: nn.Module) -> int:
    """The number of token ids of the embedding layer for the inputs; without one, up to the largest id."""
    sizes = [
        call.module.num_embeddings
        for call in calls(model, inputs)
        if isinstance(call.module, (nn.Embedding, nn.EmbeddingBag)) and torch.equal(call.given, inputs[:ENOUGH])
    ]
    return min(sizes, default=int(inputs.max()) + 1)
