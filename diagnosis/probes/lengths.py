"""How much of each row of the inputs is padding, at its end or at its beginning."""

from typing import NamedTuple

import torch


class Spans(NamedTuple):
    """The places from `start` up to `end` that hold no padding, at least one a row: `[N]` of int64 each."""

    start: torch.Tensor
    end: torch.Tensor

    @property
    def lengths(self) -> torch.Tensor:
        """The number of places without padding, `[N]`."""
        return self.end - self.start


def real_spans(inputs: torch.Tensor) -> Spans:
    """The places without padding in each row of `[N, L, ...]`, whichever side the padding is on.

    The padding value is the one with the longest run of equal places at an end of a row.
    """
    steps = _steps(inputs)
    at_start, at_end = _runs_at_the_end(steps.flip(1), steps[:, :1]), _runs_at_the_end(steps, steps[:, -1:])
    padding = steps[at_end.argmax(), -1] if at_end.max() >= at_start.max() else steps[at_start.argmax(), 0]
    end = (inputs.shape[1] - _runs_at_the_end(steps, padding)).clamp(min=1)
    return Spans(torch.minimum(_runs_at_the_end(steps.flip(1), padding), end - 1), end)


def real_lengths(inputs: torch.Tensor) -> torch.Tensor:
    """The number of places before the padding at the end of each row, at least 1: `[N]`, int64.

    The padding value is the one with the longest run of equal places at the end of a row.
    """
    steps = _steps(inputs)
    runs = _runs_at_the_end(steps, steps[:, -1:])
    return (inputs.shape[1] - _runs_at_the_end(steps, steps[runs.argmax(), -1])).clamp(min=1)


def cropped_to(spans: Spans, inputs: torch.Tensor) -> torch.Tensor:
    """Rows of one length, without what is outside of their spans."""
    return _chosen(inputs, spans.start[:, None] + _places(inputs, int(spans.lengths[0])))


def filled_from(spans: Spans, inputs: torch.Tensor) -> torch.Tensor:
    """Rows of their full length, whose spans are repeated instead of the padding."""
    places = _places(inputs, inputs.shape[1]) - spans.start[:, None]
    return _chosen(inputs, spans.start[:, None] + places % spans.lengths[:, None])


def _places(inputs: torch.Tensor, count: int) -> torch.Tensor:
    return torch.arange(count, device=inputs.device)


def _chosen(inputs: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    return inputs[_places(inputs, len(inputs))[:, None], places]


def _steps(inputs: torch.Tensor) -> torch.Tensor:
    return inputs.flatten(2) if inputs.ndim > 2 else inputs[:, :, None]


def _runs_at_the_end(steps: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    return (steps == value).all(2).flip(1).long().cumprod(1).sum(1)
