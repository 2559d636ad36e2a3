"""How much of each row of the inputs is padding."""

import torch


def real_lengths(inputs: torch.Tensor) -> torch.Tensor:
    """How many places of each row come before its padding, at least 1: `[N]`, int64.

    The padding is what the longest run of equal places at the end of a row consists of.
    """
    steps = inputs.flatten(2) if inputs.ndim > 2 else inputs[:, :, None]
    runs = _runs_at_the_end(steps, steps[:, -1:])
    return (inputs.shape[1] - _runs_at_the_end(steps, steps[runs.argmax(), -1])).clamp(min=1)


def _runs_at_the_end(steps: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    return (steps == value).all(2).flip(1).long().cumprod(1).sum(1)
