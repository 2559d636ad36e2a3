"""The modules and activation functions that a model calls, and the model without some of them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from diagnosis.isolation import private_copy
from diagnosis.probes.model import embed

WEIGHTED = (nn.Linear, nn.modules.conv._ConvNd)
ENOUGH = 256  # rows for which the output of each layer is kept
RELU = frozenset({"relu", "relu_", "relu6", "hardtanh"})  # F.relu6 is a hardtanh
SATURATING = frozenset({"sigmoid", "sigmoid_", "softmax", "tanh", "tanh_", "hardsigmoid", "expit"})


@dataclass(frozen=True, eq=False)
class LayerCall:
    """One call of a leaf module: its input and its output."""

    name: str
    module: nn.Module
    given: torch.Tensor
    output: torch.Tensor


def calls(model: nn.Module, inputs: torch.Tensor) -> list[LayerCall]:
    """The calls of the leaf modules of a copy of the model, on `ENOUGH` inputs at most, in order."""
    run, seen = private_copy(model), list[LayerCall]()

    def note(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, given: tuple[object, ...], output: object) -> None:
            if given and isinstance(given[0], torch.Tensor) and isinstance(output, torch.Tensor):
                seen.append(LayerCall(name, module, given[0].clone(), output.clone()))  # in-place layers overwrite both

        return hook

    for name, module in run.named_modules():
        if not any(True for _ in module.children()):
            module.register_forward_hook(note(name))
    embed(run, inputs[:ENOUGH])
    return seen


@dataclass(frozen=True, eq=False)
class Activation:
    """One call of an activation function, by a module or in `forward`: its name and its output."""

    name: str
    output: torch.Tensor


def activations(model: nn.Module, inputs: torch.Tensor) -> list[Activation]:
    """The calls of ReLU-like and saturating functions by a copy of the model, on `ENOUGH` inputs at most, in order."""
    watch = _Watch()
    with watch:
        embed(private_copy(model), inputs[:ENOUGH])
    return watch.seen


def without(model: nn.Module, positions: Iterable[int]) -> nn.Module:
    """The model without the activation functions at these positions in `activations`.

    A saturating function is left out. In a ReLU, each dead unit gets its mean as threshold; the other units stay.
    """
    return WithoutActivations(model, frozenset(positions))


@dataclass(eq=False)
class _Watch(TorchFunctionMode):
    """Records every activation function, module or function, and skips some."""

    skipped: frozenset[int] = frozenset()
    seen: list[Activation] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        name = getattr(func, "__name__", "")
        if name not in RELU | SATURATING:
            return func(*args, **(kwargs or {}))
        given = args[0] if args else (kwargs or {})["input"]
        if len(self.seen) not in self.skipped:
            output = func(*args, **(kwargs or {}))
        else:
            output = given if name in SATURATING else (given - given.mean(0) * (given.amax(0) <= 0)).relu()
        self.seen.append(Activation(name.rstrip("_"), output.detach().clone()))
        return output


class WithoutActivations(nn.Module):
    """A model whose dead units get a threshold: their mean over the batch, so its rows depend on each other."""

    def __init__(self, model: nn.Module, skipped: frozenset[int]) -> None:
        super().__init__()
        self.model, self.skipped = model, skipped
        self.training = model.training

    def forward(self, inputs: torch.Tensor) -> Any:
        with _Watch(self.skipped):
            return self.model(inputs)
