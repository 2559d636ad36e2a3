"""The registry: every implementation registers here under its function's name.

A file of this folder decorates a function. A third party's file or entry point has a function
`register(implementation)`, which gets the same decorator.
"""

import inspect
from collections.abc import Callable
from pathlib import Path

from implementations.contracts import (
    DEVICES,
    DTYPES,
    Function,
    Implementation,
    RegistryError,
    require_function,
)
from nearest import did_you_mean

__all__ = [
    "DEVICES",
    "DTYPES",
    "Function",
    "Implementation",
    "RegistryError",
    "absent",
    "get",
    "implementation",
    "load",
    "mark_absent",
    "names",
    "sources",
]

sources: list[Callable[[], None]] = []
"""Functions that register implementations. Each is called once, when an implementation is first requested."""

ALL = "python -m implementations"
"""The command that lists all implementations."""

_present: dict[str, Implementation] = {}
_absent: dict[str, str] = {}


def implementation(
    task: str = "paired",
    *,
    dtypes: tuple[str, ...] | str = DTYPES,
    devices: tuple[str, ...] | str = DEVICES,
    baseline: bool = False,
    torch_memory: bool = True,
    roundings: float = 8,
    work: str = "",
    dot: str = "one by one",
    norm: str = "one by one",
    angle_by: str = "",
    prepare: Function | None = None,
    **unknown: object,
) -> Callable[[Function], Function]:
    """Register the decorated function under its own name and return it unchanged.

    `Implementation` documents the arguments. Without a stated arithmetic the loosest bound applies. `unknown` collects
    misspelt arguments, to name them in the error.

    Raises:
        RegistryError: an argument or its value is unknown, the signature is not the task's, or the name is taken.
    """
    if unknown:
        (name, *_), (*known, _) = unknown, inspect.signature(implementation).parameters
        raise RegistryError(f"@implementation takes no argument {name!r}{did_you_mean(name, known)}")
    if callable(task):
        raise RegistryError(
            f"{getattr(task, '__name__', task)}: write @implementation() above it, with the parentheses"
        )

    def register(fn: Function) -> Function:
        entry = Implementation(
            name=getattr(fn, "__name__", ""),
            fn=fn,
            task=task,
            dtypes=_tuple(dtypes),
            devices=_tuple(devices),
            baseline=baseline,
            torch_memory=torch_memory,
            roundings=roundings,
            work=work,
            dot=dot,
            norm=norm,
            angle_by=angle_by,
            prepare=prepare,
        )
        require_function(fn, task)
        _require_free(entry)
        _present[entry.name] = entry
        return fn

    return register


def get(name: str) -> Implementation:
    """The implementation called `name`. Without one, the `RegistryError` suggests the nearest name."""
    load()
    if name in _present:
        return _present[name]
    if name in _absent:
        raise RegistryError(f"implementation {name!r} is absent: {_absent[name]}")
    missing = {other: f"; {other} is absent: {why}" for other, why in absent().items()}
    ours = {path.stem for path in Path(__file__).parent.glob("*.py")}
    theirs = "".join(missing.pop(other) for other in absent() if other not in ours)
    near = did_you_mean(name, names(), every=ALL)
    hints = [near, theirs] if "did you mean" in near else [theirs, near]  # a user's file may hold the one asked for
    raise RegistryError("".join([f"unknown implementation {name!r}", *hints, *missing.values()]))


def names(task: str | None = None) -> tuple[str, ...]:
    """The names of the present implementations, of one task or of all, sorted."""
    load()
    return tuple(sorted(n for n, i in _present.items() if task in (None, i.task)))


def absent() -> dict[str, str]:
    """The files and entry points that need a module which is not installed, each with the reason."""
    load()
    return dict(sorted(_absent.items()))


def mark_absent(name: str, reason: str) -> None:
    """Note that the implementations of the file or entry point `name` take no part, and why."""
    _absent[name] = reason


def load() -> None:
    """Let the sources register their implementations, once."""
    while sources:
        sources.pop(0)()


def _tuple(values: tuple[str, ...] | str) -> tuple[str, ...]:
    return tuple(values) if isinstance(values, tuple | list) else (values,)


def _require_free(entry: Implementation) -> None:
    """Raise a `RegistryError` if the name is taken, or the task has a baseline already."""
    for other in _present.values():
        if entry.name == other.name:
            here, there = (inspect.getsourcefile(inspect.unwrap(fn)) for fn in (entry.fn, other.fn))
            raise RegistryError(
                f"two implementations are called {entry.name!r}: one in {there}, one in {here}; rename one of them"
            )
        if entry.baseline and other.baseline and entry.task == other.task:
            raise RegistryError(
                f"{entry.name!r} can't be the baseline of the task {entry.task!r}: "
                f"{other.name!r} is; leave baseline out"
            )
