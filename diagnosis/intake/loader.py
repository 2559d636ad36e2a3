"""The first batches of a loader go through the model and become a subject."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from diagnosis.intake.checks import tensor
from diagnosis.isolation import private_copy, seeded, users_code
from diagnosis.probes.model import embed
from diagnosis.subject import DiagnosisError, Subject

ROWS = 1024
NUMBERS = 2**24  # of the inputs; 111 images of 3 x 224 x 224
EMPTY_BATCHES = 100  # in a row, before the loader is refused
FORMS = "a tensor of inputs, (inputs,), (inputs, labels), (inputs, other_inputs) or (inputs, other_inputs, labels)"


@dataclass(frozen=True, eq=False)
class Batch:
    """The tensors of one item of a loader, each `[B, ...]`."""

    inputs: torch.Tensor
    other_inputs: torch.Tensor | None = None
    labels: torch.Tensor | None = None


def gather(model: nn.Module, loader: Iterable[object]) -> Subject:
    """The embeddings of the loader's first rows, computed batch by batch by a copy of the model, in its mode.

    Reading stops at `ROWS` rows or `NUMBERS` numbers of inputs, so the loader may be endless. Items are a tensor of
    inputs, or a tuple: `(inputs,)`, `(inputs, labels)`, `(inputs, other_inputs)`, `(inputs, other_inputs, labels)`; the
    pair may be a tuple of its own. A second tensor is labels if it has one number per row, else other inputs.

    Raises:
        DiagnosisError: the loader raises, is empty, or has no rows, other items or unequal shapes; the model raises, or
            returns no embeddings.
    """
    run = private_copy(model)
    batches, xs, ys = list[Batch](), list[torch.Tensor](), list[torch.Tensor]()
    with seeded(), users_code("the loader", "iterate over it yourself: for batch in loader: ..."):
        for batch in _enough(loader):
            batches.append(batch)
            xs.append(embed(run, batch.inputs))
            if batch.other_inputs is not None:
                ys.append(embed(run, batch.other_inputs))
    return Subject(
        x=_joined(xs, "embeddings"),
        y=_joined(ys, "embeddings") if ys else None,
        labels=_joined_if_all([batch.labels for batch in batches], "labels"),
        inputs=_joined([batch.inputs for batch in batches], "inputs"),
        other_inputs=_joined_if_all([batch.other_inputs for batch in batches], "other inputs"),
        model=model,
    )


def _enough(loader: Iterable[object]) -> Iterator[Batch]:
    rows = numbers = batches = empty = 0
    for item in loader:
        batches += 1
        batch = read_batch(item)
        empty = 0 if len(batch.inputs) else empty + 1
        if empty == EMPTY_BATCHES:
            raise DiagnosisError(
                f"the loader gave {EMPTY_BATCHES} batches without rows one after the other; "
                "look at its sampler and collate_fn: a batch is [B, ...] with B of at least 1"
            )
        if not len(batch.inputs):
            continue
        yield batch
        rows, numbers = rows + len(batch.inputs), numbers + batch.inputs.numel()
        if rows >= ROWS or numbers >= NUMBERS:
            return
    if not rows:
        gave = f"gave {batches} batches, all without rows" if batches else "is empty: it gave no batch"
        raise DiagnosisError(
            f"the loader {gave}; look at len(loader.dataset), drop_last, and whether it is a generator that was used up"
        )


def read_batch(item: object) -> Batch:
    """The tensors in an item of a loader (see `gather`).

    Raises:
        DiagnosisError: the item has another form, or parts with unequal numbers of rows.
    """
    parts = item if isinstance(item, (tuple, list)) else [item]
    if parts and isinstance(parts[0], (tuple, list)):
        parts = [*parts[0], *parts[1:]]
    known = [tensor(part, "a batch") for part in parts if isinstance(part, (torch.Tensor, np.ndarray))]
    tensors = [part.clone() for part in known if part.ndim]  # the loader may fill its buffers again
    if not 1 <= len(tensors) == len(parts) <= 3:
        kinds = ", ".join(type(part).__name__ for part in parts)
        raise DiagnosisError(f"the loader gave ({kinds}); known: {FORMS}; wrap the loader so that it gives one of them")
    if len({len(tensor) for tensor in tensors}) > 1:
        shapes = ", ".join(str(tuple(tensor.shape)) for tensor in tensors)
        raise DiagnosisError(
            f"the loader gave tensors of unequal numbers of rows: {shapes}; each needs one entry per row"
        )
    inputs, *rest = tensors
    if len(rest) == 2 and rest[-1].numel() > len(rest[-1]) and rest[-1].shape == inputs.shape:
        raise DiagnosisError(
            f"the loader gave three tensors of the shape {tuple(inputs.shape)}, as triplets are; make pairs of them: "
            "(anchor, positive, ones) and (anchor, negative, zeros)"
        )
    labels = rest.pop() if rest and (len(rest) == 2 or _one_a_row(rest[-1], inputs)) else None
    if labels is not None and labels.numel() == len(labels):
        labels = labels.flatten()
    return Batch(inputs, rest[0] if rest else None, labels)


def _one_a_row(second: torch.Tensor, inputs: torch.Tensor) -> bool:
    return second.numel() == len(second) and (second.ndim == 1 or second.shape != inputs.shape)


def _joined(tensors: list[torch.Tensor], what: str) -> torch.Tensor:
    shapes = sorted({tuple(tensor.shape[1:]) for tensor in tensors})
    if len(shapes) > 1:
        raise DiagnosisError(
            f"the {what} of the batches have the shapes {shapes} a row, which can't be joined; "
            "pad or crop all to one shape, or pass one batch: loader=[batch]"
        )
    return torch.cat(tensors)[:ROWS]


def _joined_if_all(tensors: list[torch.Tensor | None], what: str) -> torch.Tensor | None:
    there = [tensor for tensor in tensors if tensor is not None]
    return _joined(there, what) if len(there) == len(tensors) else None
