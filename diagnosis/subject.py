"""What is diagnosed: embeddings, and whatever is known of where they came from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import nn

Similarity = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class DiagnosisError(ValueError):
    """Something that can't be diagnosed: says what, which value, what is known, and the next step."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Subject:
    """Embeddings, in the dtype and memory that they came in, and what else is known; None where it is not.

    Args:
        x: embeddings, `[N, ..., D]`, floating point.
        y: those that `x` is compared with, pair by pair, in the shape of `x`.
        dim: the dim that the cosine is taken over.
        labels: `[N]`; of pairs 1 for alike and 0 or -1 for not, of embeddings alone their classes.
        inputs: `[N, ...]`, what `x` was computed from.
        other_inputs: the same of `y`.
        similarity: `(x, y) -> [N]`, the user's own; the built-in cosine over `dim` if None.
        model: which `inputs` go through; in the mode (train or eval) that it was handed over in.
        loss: `(similarities, labels) -> scalar`.
        weights: the state dict that the model should hold.
        learning_rate: that it is trained with.
    """

    x: torch.Tensor
    y: torch.Tensor | None = None
    dim: int = -1
    labels: torch.Tensor | None = None
    inputs: torch.Tensor | None = None
    other_inputs: torch.Tensor | None = None
    similarity: Similarity | None = None
    model: nn.Module | None = None
    loss: Loss | None = None
    weights: Mapping[str, torch.Tensor] | None = None
    learning_rate: float | None = None
