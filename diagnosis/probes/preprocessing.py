"""Normalisation of inputs: what the model does before its first weights, the known constants, and how to undo both."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from diagnosis.isolation import private_copy
from diagnosis.probes.model import embed
from diagnosis.probes.vectors import Transform

_MOST = 2**24  # numbers in the constant inputs, one for each channel; else one for all
_OF_PIXELS = {  # mean and standard deviation of pixels in 0 to 1
    "ImageNet's mean and deviation": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "CLIP's mean and deviation": ((0.4815, 0.4578, 0.4082), (0.2686, 0.2613, 0.2758)),
    "mean and deviation of 0.5": ((0.5,), (0.5,)),
}
_SCALES = {"0 to 1": 1, "0 to 255": 255}
_PRODUCTS = {"linear", "matmul", "__matmul__", "mm", "bmm", "addmm", "baddbmm", "einsum"}
_WEIGHTED = _PRODUCTS | {"conv1d", "conv2d", "conv3d", "gru", "lstm", "rnn_tanh", "rnn_relu"}


def first_features(model: nn.Module, inputs: torch.Tensor) -> torch.Tensor | None:
    """What reaches the first operation with weights, `[N, ...]`, by a module or in `forward`; None if none is seen."""
    watch = _First(len(inputs))
    with watch:
        embed(private_copy(model), inputs)
    return watch.found


def own_normalisation_undone(model: nn.Module, inputs: torch.Tensor) -> Transform | None:
    """A change of the inputs after which the first weights get them as they are now.

    The model's mean and deviation of each channel are read from its answers to constant inputs: 0, and 1 in one
    channel. None if its preprocessing isn't of that kind, or is none.
    """
    axis = _channels(inputs)
    count = inputs.shape[axis] if inputs.shape[axis] * inputs[0].numel() <= _MOST else 1
    constant = inputs.new_zeros(count + 1, *inputs.shape[1:])
    for channel, image in enumerate(constant[1:]):
        (image if count == 1 else image.select(axis - 1, channel)).fill_(1)
    seen = first_features(model, constant)
    if seen is None:
        return None
    level, change = seen[0].double().flatten(), (seen[1:] - seen[0]).double().flatten(1)
    reached = (change != 0).double()
    places = reached.sum(1)
    slope, start = change.sum(1) / places, (reached * level).sum(1) / places
    if not bool((slope.isfinite() & start.isfinite() & (slope > 0)).all()):
        return None
    if bool(((slope - 1).abs() < 1e-3).all() and (start.abs() < 1e-3).all()):
        return None
    return _affine(-start / slope, 1 / slope, axis)


def known_normalisation_undone(inputs: torch.Tensor) -> tuple[str, Transform] | None:
    """The known normalisation without which the inputs still look normalised: its name, and how to undo it."""
    if inputs.ndim < 2:
        return None
    axis = _channels(inputs)
    for name, mean, std in _known():
        if len(mean) not in (1, inputs.shape[axis]):
            continue
        undo = _affine(torch.tensor(mean), torch.tensor(std), axis)
        if _normalised(undo(inputs), axis):
            return name, undo
    return None


def _known() -> list[tuple[str, tuple[float, ...], tuple[float, ...]]]:
    standard = [
        (f"{name}, of pixels in {span}", tuple(scale * one for one in mean), tuple(scale * one for one in std))
        for span, scale in _SCALES.items()
        for name, (mean, std) in _OF_PIXELS.items()
    ]
    return [*standard, ("division by 255", (0.0,), (255.0,))]


def _normalised(inputs: torch.Tensor, axis: int) -> bool:
    """Whether each channel has a mean and a deviation as after one normalisation."""
    std, mean = torch.std_mean(inputs.double().movedim(axis, 0).flatten(1), 1)
    return bool((mean.abs() < 1).all() and ((std > 0.1) & (std < 3)).all())


def _affine(mean: torch.Tensor, std: torch.Tensor, axis: int) -> Transform:
    def undo(given: torch.Tensor) -> torch.Tensor:
        shape = [-1 if place == axis else 1 for place in range(given.ndim)]
        of_channels = (value.double().to(given.device).reshape(shape) for value in (std, mean))
        std_there, mean_there = of_channels
        return (given.double() * std_there + mean_there).to(given.dtype)

    return undo


def _channels(inputs: torch.Tensor) -> int:
    """The place of the channels in the shape: the smaller one of the second and the last dim."""
    return 1 if inputs.shape[1] <= inputs.shape[-1] else inputs.ndim - 1


class _First(TorchFunctionMode):
    """Keeps the batch that the first weighted operation gets."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        self.rows = rows
        self.found: torch.Tensor | None = None

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if self.found is None and getattr(func, "__name__", "") in _WEIGHTED:
            batches = (one for one in args if isinstance(one, torch.Tensor) and one.ndim and len(one) == self.rows)
            self.found = next((one.detach().clone() for one in batches), None)
        return func(*args, **(kwargs or {}))
