"""How much of each row of the inputs is padding."""

import torch


def real_lengths(inputs: torch.Tensor) -> torch.Tensor:
    """The number of places before the padding in each row, at least 1: `[N]`, int64.

    The padding value is the one with the longest run of equal places at the end of a row.
    """
    steps = inputs.flatten(2) if inputs.ndim > 2 else inputs[:, :, None]
    runs = _runs_at_the_end(steps, steps[:, -1:])
    return (inputs.shape[1] - _runs_at_the_end(steps, steps[runs.argmax(), -1])).clamp(min=1)


def _runs_at_the_end(steps: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    return (steps == value).all(2).flip(1).long().cumprod(1).sum(1)
