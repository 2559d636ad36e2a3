"""What the functions of torch, NumPy, Python and this suite are, by identity, for comparison and to restore."""

import builtins
import functools
import gc
import itertools
import math
import operator
import os
import resource
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter, is_
from types import FunctionType
from typing import Any

import numpy as np
import torch

from suites.measure import clock

_MEASURING = ("errors.", "failure", "families", "inputs", "measure.", "records.", "statistics", "truth.", "words")
_OURS = ("implementations.", *(f"suites.{place}" for place in _MEASURING))
_PYTHON = (builtins, functools, gc, itertools, math, operator, os, resource, statistics, threading, time)
_TORCH = (torch, torch.autograd, torch.cuda, torch.cuda.Event, torch.fft, torch.linalg, torch.special, torch.Tensor)
_THEIRS = (*_PYTHON, np, np.linalg, *_TORCH, torch.nn.functional)
_TORCHS_OWN = ("Storage", "manual_seed")  # which the default dtype and the loading of the compiler replace
_OF_THE_COMPILER = "__"  # it puts __compiled_fn_1 and the like into the modules of what it compiles, and removes them
_HOLDERS: dict[type, str] = {
    staticmethod: "__func__",
    classmethod: "__func__",
    property: "fget",
    functools.cached_property: "func",
    functools.partial: "func",
}
_TYPES = {FunctionType, type(functools.cache(len)), *_HOLDERS}
_NOTHING: dict[str, Any] = {}
_PARTS = attrgetter("__code__", "__defaults__", "__kwdefaults__")
_WORDS = {"__code__": "code", "__defaults__": "defaults", "__kwdefaults__": "defaults"}

_CLOCKS, _TIMING = (time, clock), ("suites.measure.clock", "suites.measure.rounds")
_LATEST: list["Functions"] = []

Replacement = tuple[str, Callable[[], object]]
"""What was changed, in words, and a function that undoes it."""


class Functions:
    """The callables that modules and classes hold by name, and the code and the defaults of those written in Python.

    Args:
        more: further functions, such as those of contestants.
    """

    def __init__(self, more: Iterable[object] = ()) -> None:
        self._key = _key(more)
        self._names = [(owner, dict(vars(owner))) for owner in _owners()]
        held = [value for _, names in self._names for value in names.values() if type(value) in _TYPES]
        functions = filter(None, map(_written_in_python, (*held, *more)))
        self._functions = list(dict.fromkeys(functions))
        self._parts: list[tuple[Any, ...]] = list(map(_PARTS, self._functions))
        self._keywords = [(keywords, dict(keywords)) for *_, keywords in self._parts if keywords]

        self._clocks = [(owner, names) for owner, names in self._names if owner in _CLOCKS]
        self._timing = [function for function in self._functions if function.__module__ in _TIMING]
        self._timing_parts = list(map(_PARTS, self._timing))

    @classmethod
    def now(cls, more: Iterable[object] = ()) -> "Functions":
        """What they are now; the same object as before if nothing has changed."""
        more = tuple(more)
        if not (_LATEST and _LATEST[0]._key == _key(more) and not _LATEST[0].changes()):
            _LATEST[:] = [cls(more)]
        return _LATEST[0]

    def of_the_clock(self) -> bool:
        """Whether those that time calls are what they were: a check of a few microseconds."""
        return list(map(_PARTS, self._timing)) == self._timing_parts and all(
            all(map(is_, names.values(), vars(owner).values())) for owner, names in self._clocks
        )

    def changes(self) -> list[Replacement]:
        """What was replaced since, and how to undo it."""
        return [*self._of_names(), *self._of_parts()]

    def _of_names(self) -> Iterator[Replacement]:
        for owner, before in self._names:
            now = vars(owner)
            if len(now) == len(before) and all(map(is_, before.values(), now.values())):  # mostly true, and fast
                continue
            for name, was in before.items():
                if callable(was) and now.get(name) is not was and not _of_torch(owner, name):
                    yield f"replaced {_name(owner, name)}", functools.partial(setattr, owner, name, was)
            for name in [name for name in now if name not in before and _hides(owner, name)]:
                yield f"replaced {_name(owner, name)}", functools.partial(delattr, owner, name)

    def _of_parts(self) -> Iterator[Replacement]:
        now = list(map(_PARTS, self._functions))
        if now != self._parts:  # tuples compare by identity first
            for function, before in zip(self._functions, self._parts, strict=True):
                for (part, word), was in zip(_WORDS.items(), before, strict=True):
                    if getattr(function, part) is not was:
                        undo = functools.partial(setattr, function, part, was)
                        yield f"replaced the {word} of {function.__module__}.{function.__qualname__}", undo
        for held, keywords in self._keywords:
            if len(held) != len(keywords) or not all(map(is_, keywords.values(), held.values())):
                yield f"replaced the defaults of {', '.join(keywords)}", functools.partial(_refill, held, keywords)


def _key(more: Iterable[object]) -> tuple[int, ...]:
    return len(sys.modules), *map(id, more)


def _owners() -> Iterator[Any]:
    """The modules and classes whose names must stay what they are: others' and all of ours."""
    yield from _THEIRS
    for module in [module for name, module in sys.modules.items() if name.startswith(_OURS)]:
        yield module
        for value in list(vars(module).values()):
            if isinstance(value, type) and value.__module__ == module.__name__:
                yield value


def _written_in_python(value: Any) -> FunctionType | None:
    """The function behind a name: of a method, a property, a cached or a decorated function the one that it holds."""
    if held := _HOLDERS.get(type(value)):
        value = getattr(value, held)
    while wrapped := getattr(value, "__dict__", _NOTHING).get("__wrapped__"):
        value = wrapped
    return value if type(value) is FunctionType else None


def _hides(owner: Any, name: str) -> bool:
    """Whether a new name hides another one: a builtin in a module of ours, or what a class inherits."""
    if isinstance(owner, type):
        return any(name in vars(base) for base in owner.__mro__[1:])
    return hasattr(builtins, name) and owner.__name__.startswith(_OURS)


def _of_torch(owner: object, name: str) -> bool:
    """Whether torch itself may replace a name."""
    compiled = name.startswith(_OF_THE_COMPILER) and not isinstance(owner, type)
    return compiled or (owner is torch and name in _TORCHS_OWN)


def _refill(held: dict[str, object], before: dict[str, object]) -> None:
    held.clear()
    held.update(before)


def _name(owner: Any, name: str) -> str:
    qualified = f"{owner.__module__}.{owner.__qualname__}" if isinstance(owner, type) else owner.__name__
    return f"{qualified}.{name}"
