"""A function becomes a module, with the modules that it calls as parts, which probes can then see and copy."""

import types
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import torch
from torch import nn

from diagnosis.subject import DiagnosisError

_SELF = "self"


def as_module(model: object) -> nn.Module:
    """The model itself, or a module that calls this function.

    The modules that a function reads from its closure or its globals, or that a bound method belongs to, become parts.

    Raises:
        DiagnosisError: the model can't be called.
    """
    if isinstance(model, nn.Module):
        return model
    if not callable(model) or isinstance(model, type):
        said = f"the class {model.__name__}" if isinstance(model, type) else f"a {type(model).__name__}"
        raise DiagnosisError(f"model is {said}; known: torch.nn.Module, or a function of a batch of inputs")
    return CalledFunction(model)


class CalledFunction(nn.Module):
    """A function of a batch of inputs, with the modules that it calls; in the mode of these.

    `parts` maps the names that the function has for its modules to those that they have here.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function
        self.parts: dict[str, str] = {}
        for name, module in _modules(function).items():
            self.parts[name] = f"{name}_" if hasattr(self, name) else name
            self.add_module(self.parts[name], module)
        self.training = any(part.training for part in self.children())

    def forward(self, inputs: torch.Tensor) -> Any:
        """What the function returns, with the parts of this module instead of its own."""
        return _calling(self.function, {name: getattr(self, part) for name, part in self.parts.items()})(inputs)


def weights_of(
    model: nn.Module | None, weights: Mapping[str, torch.Tensor] | None
) -> Mapping[str, torch.Tensor] | None:
    """A state dict by the names that the module has in `model`; of a function with several modules None."""
    if weights is None or not isinstance(model, CalledFunction):
        return weights
    parts = list(model.parts.values())
    return {f"{parts[0]}.{name}": tensor for name, tensor in weights.items()} if len(parts) == 1 else None


def _modules(function: object) -> dict[str, nn.Module]:
    """The modules that a Python function or a bound method calls, by the names that it has for them."""
    if isinstance(function, types.MethodType):
        return {_SELF: function.__self__} if isinstance(function.__self__, nn.Module) else {}
    if not isinstance(function, types.FunctionType):
        return {}
    named = {name: function.__globals__.get(name) for name in function.__code__.co_names} | _closure(function)
    return {name: value for name, value in named.items() if isinstance(value, nn.Module)}


def _closure(function: types.FunctionType) -> dict[str, object]:
    held: dict[str, object] = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with suppress(ValueError):  # the name has no value yet
            held[name] = cell.cell_contents
    return held


def _calling(function: Callable[..., Any], parts: Mapping[str, nn.Module]) -> Callable[..., Any]:
    """The function with these parts in the place of the modules of the same names."""
    if not parts:
        return function
    if isinstance(function, types.MethodType):
        return types.MethodType(function.__func__, parts[_SELF])
    assert isinstance(function, types.FunctionType)
    code = function.__code__
    cells = tuple(
        types.CellType(parts[name]) if name in parts else cell
        for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True)
    )
    called = types.FunctionType(
        code, function.__globals__ | dict(parts), function.__name__, function.__defaults__, cells
    )
    called.__kwdefaults__ = function.__kwdefaults__
    return called
