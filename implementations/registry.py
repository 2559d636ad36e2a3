"""Who takes part: every implementation registers here under its function's name.

A file registers by decorating a function; a third party's file or entry point
is handed the same decorator through its own `register(implementation)`.
"""

import inspect
from collections.abc import Callable

from implementations.contracts import (
    DEVICES,
    DTYPES,
    Function,
    Implementation,
    RegistryError,
    did_you_mean,
    require_function,
)

__all__ = [
    "DEVICES",
    "DTYPES",
    "Function",
    "Implementation",
    "RegistryError",
    "absent",
    "did_you_mean",
    "get",
    "implementation",
    "load",
    "mark_absent",
    "names",
    "sources",
]

sources: list[Callable[[], None]] = []
"""What registers implementations when one is first asked for; each is called once."""

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
    **unknown: object,
) -> Callable[[Function], Function]:
    """Register the function below under its own name and return it unchanged.

    `Implementation` says what each argument is. Who states no arithmetic is held to the loosest bound. `unknown` takes
    none: misspelt ones are named.

    Raises:
        RegistryError: an argument or its value that nobody knows, no function with the task's signature, a name taken.
    """
    if unknown:
        (name, *_), (*known, _) = unknown, inspect.signature(implementation).parameters
        raise RegistryError(f"@implementation takes no argument {name!r}{did_you_mean(name, tuple(known))}")
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
        )
        require_function(fn, task)
        _require_free(entry)
        _present[entry.name] = entry
        return fn

    return register


def get(name: str) -> Implementation:
    """The implementation called `name`; `RegistryError` with the nearest name if there is none."""
    load()
    if name in _present:
        return _present[name]
    if name in _absent:
        raise RegistryError(f"implementation {name!r} is absent: {_absent[name]}")
    unknown = f"unknown implementation {name!r}{did_you_mean(name, names())}"
    raise RegistryError("; ".join([unknown, *(f"{other} is absent: {why}" for other, why in absent().items())]))


def names(task: str | None = None) -> tuple[str, ...]:
    """The names of all implementations that are present, of one task or of all, sorted."""
    load()
    return tuple(sorted(n for n, i in _present.items() if task in (None, i.task)))


def absent() -> dict[str, str]:
    """What could not be registered because a module is not installed: file or entry point to the reason."""
    load()
    return dict(sorted(_absent.items()))


def mark_absent(name: str, reason: str) -> None:
    """Note that what the file or entry point `name` has takes no part in this run, and why."""
    _absent[name] = reason


def load() -> None:
    """Let the sources register their implementations, once."""
    while sources:
        sources.pop(0)()


def _tuple(values: tuple[str, ...] | str) -> tuple[str, ...]:
    return tuple(values) if isinstance(values, tuple | list) else (values,)


def _require_free(entry: Implementation) -> None:
    """Each name is taken once, and each task has one baseline."""
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
