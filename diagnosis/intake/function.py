"""A function becomes a module, with the modules that it calls as parts, which probes can then see and copy."""

import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import torch
from torch import nn

from diagnosis.subject import DiagnosisError

_Parts = Mapping[int, nn.Module]  # by the id of the module that the function knows


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

    `parts` maps the id of each module that the function knows to its name here.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.owner: nn.Module | None = None
        if isinstance(function, types.MethodType) and isinstance(function.__self__, nn.Module):
            self.owner, function = function.__self__, function.__func__
        self.function = function
        self.parts: dict[int, str] = {}
        for name, module in () if self.owner is not None else _modules(function):
            if id(module) not in self.parts:
                self.parts[id(module)] = f"{name}_{len(self.parts)}" if hasattr(self, name) else name
                self.add_module(self.parts[id(module)], module)
        self.training = any(part.training for part in self.children())

    def forward(self, inputs: torch.Tensor) -> Any:
        """What the function returns, with the parts of this module instead of its own."""
        if self.owner is not None:
            return self.function(self.owner, inputs)
        return _calling(self.function, {known: getattr(self, name) for known, name in self.parts.items()})(inputs)


def weights_of(
    model: nn.Module | None, weights: Mapping[str, torch.Tensor] | None
) -> Mapping[str, torch.Tensor] | None:
    """A state dict by the names that the module has in `model`; of a function with several modules None."""
    if weights is None or not isinstance(model, CalledFunction):
        return weights
    parts = [name for name, _ in model.named_children()]
    return {f"{parts[0]}.{name}": tensor for name, tensor in weights.items()} if len(parts) == 1 else None


def _modules(function: object) -> Iterator[tuple[str, nn.Module]]:
    """The modules that a Python function calls, by the names that it has for them; decorators are looked through."""
    if isinstance(function, partial):
        yield from _modules(function.func)
    if not isinstance(function, types.FunctionType):
        return
    named = {name: function.__globals__.get(name) for name in function.__code__.co_names} | _closure(function)
    for name, value in (*named.items(), *(("default", value) for value in function.__defaults__ or ())):
        if isinstance(value, nn.Module):
            yield name, value
        elif name in function.__code__.co_freevars and value is not function:
            yield from _modules(value)


def _closure(function: types.FunctionType) -> dict[str, object]:
    held: dict[str, object] = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with suppress(ValueError):  # the name has no value yet
            held[name] = cell.cell_contents
    return held


def _calling(function: Callable[..., Any], parts: _Parts) -> Callable[..., Any]:
    """The function with these parts in the place of the modules that it knows."""
    if isinstance(function, partial) and parts:
        return partial(_calling(function.func, parts), *function.args, **function.keywords)
    if not isinstance(function, types.FunctionType) or not parts:
        return function
    code, held = function.__code__, _closure(function)
    cells = tuple(
        types.CellType(_part(held[name], parts)) if name in held and held[name] is not function else cell
        for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True)
    )
    named = {name: _part(function.__globals__[name], parts) for name in code.co_names if name in function.__globals__}
    defaults = tuple(_part(value, parts) for value in function.__defaults__ or ())
    called = types.FunctionType(code, function.__globals__ | named, function.__name__, defaults, cells)
    called.__kwdefaults__ = function.__kwdefaults__
    return called


def _part(value: object, parts: _Parts) -> object:
    if isinstance(value, types.FunctionType | partial):
        return _calling(value, parts) if any(id(module) in parts for _, module in _modules(value)) else value
    return parts.get(id(value), value)
