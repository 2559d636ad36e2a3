"""The subject of a diagnosis: embeddings, and how they were computed as far as known."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import nn

Similarity = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class DiagnosisError(ValueError):
    """Input that can't be diagnosed. The message gives the value, the known alternatives and the next step."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Subject:
    """Embeddings in their original dtype and memory, and all that is known of their origin; None if unknown.

    Args:
        x: embeddings, `[N, ..., D]`, floating point.
        y: the other side of the pairs, in the shape of `x`.
        dim: the dimension that the cosine is computed over.
        labels: `[N]`; of pairs 1 for positive and 0 or -1 for negative ones, of embeddings alone their classes.
        inputs: `[N, ...]`, the model's inputs for `x`.
        other_inputs: the same for `y`.
        similarity: `(x, y) -> [N]`, the user's function; the built-in cosine over `dim` if None.
        model: computes `x` from `inputs`; in its original mode, train or eval.
        loss: `(similarities, labels) -> scalar`.
        weights: the state dict that the model should hold.
        learning_rate: the rate that the model is trained with.
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
