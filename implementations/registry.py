"""Who takes part: every implementation registers here under its function's name.

A file registers by decorating a function; a third party's file or entry point
is handed the same decorator through its own `register(implementation)`.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

CONTRACTS = {
    "paired": "(x, y, dim=-1)",  # dim: an int or a tuple of ints, removed from the result
    "pairwise": "(x, y)",  # [N, D] x [M, D] -> [N, M]
}
DTYPES = ("float64", "float32", "float16", "bfloat16")
DEVICES = ("cpu", "cuda", "mps")
ENTRY_POINTS = "cosinebench.implementations"

Function = Callable[..., Any]


class RegistryError(ValueError):
    """An implementation that cannot be registered, or a name that nobody registered."""


@dataclass(frozen=True, kw_only=True)
class Implementation:
    """One way of computing cosine similarity.

    `task` is the contract of `fn`, a key of `CONTRACTS`. `baseline` marks torch's
    built-in form of a task, which every ratio is taken to. `torch_memory` says that
    temporaries come from torch's allocator, so that its peak can be read there.
    """

    name: str
    fn: Function
    task: str
    dtypes: tuple[str, ...]
    devices: tuple[str, ...]
    baseline: bool
    torch_memory: bool
    summary: str
    source: str


_present: dict[str, Implementation] = {}
_absent: dict[str, str] = {}


def implementation(
    task: str = "paired",
    *,
    dtypes: tuple[str, ...] | str = DTYPES,
    devices: tuple[str, ...] | str = DEVICES,
    baseline: bool = False,
    torch_memory: bool = True,
) -> Callable[[Function], Function]:
    """Register the function below under its own name and return it unchanged.

    Args:
        task: "paired", `fn(x, y, dim=-1)`, or "pairwise", `fn(x, y)`.
        dtypes: the input dtypes that it takes, all four unless given.
        devices: the device types that it runs on, all unless given.
        baseline: it is torch's built-in form of the task.
        torch_memory: False where it allocates outside torch (NumPy, native code).

    Raises:
        RegistryError: an unknown task, dtype or device, a wrong signature, a name taken.
    """
    if callable(task):
        raise RegistryError(f"{task}: write @implementation() above it, with the parentheses")
    dtypes, devices = _several(dtypes), _several(devices)
    _require("task", (task,), tuple(CONTRACTS))
    _require("dtype", dtypes, DTYPES)
    _require("device", devices, DEVICES)

    def register(fn: Function) -> Function:
        name, source = fn.__name__, inspect.getsourcefile(fn) or "unknown source"
        _require_signature(fn, task)
        if not name.isidentifier():
            raise RegistryError(f"an implementation is called by its function's name, and {name!r} is none: use def")
        other = next((i.name for i in _present.values() if baseline and i.baseline and i.task == task), None)
        if other:
            raise RegistryError(
                f"{name!r} can't be the baseline of the task {task!r}: {other!r} is; leave baseline out"
            )
        if name in _present:
            raise RegistryError(
                f"two implementations are called {name!r}: one in {_present[name].source}, "
                f"one in {source}; rename one of the functions"
            )
        _present[name] = Implementation(
            name=name,
            fn=fn,
            task=task,
            dtypes=dtypes,
            devices=devices,
            baseline=baseline,
            torch_memory=torch_memory,
            summary=(inspect.getdoc(fn) or "").partition("\n")[0],
            source=source,
        )
        return fn

    return register


def get(name: str) -> Implementation:
    """The implementation called `name`; `RegistryError` with the nearest name if there is none."""
    load()
    if name in _absent:
        raise RegistryError(f"implementation {name!r} is absent: {_absent[name]}")
    _require("implementation", (name,), tuple(_present))
    return _present[name]


def names(task: str | None = None) -> tuple[str, ...]:
    """The names of all implementations that are present, of one task or of all, sorted."""
    load()
    return tuple(sorted(n for n, i in _present.items() if task in (None, i.task)))


def absent() -> dict[str, str]:
    """Name to reason for each implementation whose optional package is not installed."""
    load()
    return dict(sorted(_absent.items()))


def mark_absent(name: str, reason: str) -> None:
    """Note that `name` takes no part in this run, and why."""
    _absent[name] = reason


def load() -> None:
    """Register this folder's implementations and the installed entry points, once."""
    from implementations import discovery

    discovery.load()


def did_you_mean(name: str, known: tuple[str, ...]) -> str:
    """The end of an error about an unknown name: the nearest one, and all that are known."""
    near = get_close_matches(name, known, n=1, cutoff=0.4)
    return (f"; did you mean {near[0]!r}?" if near else ";") + f" known: {', '.join(known)}"


def _several(value: tuple[str, ...] | str) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _require(kind: str, given: tuple[str, ...], known: tuple[str, ...]) -> None:
    for value in given:
        if value not in known:
            raise RegistryError(f"unknown {kind} {value!r}{did_you_mean(value, known)}")


def _require_signature(fn: Function, task: str) -> None:
    arguments = ("x", "y", (1, 2)) if task == "paired" else ("x", "y")
    signature = inspect.signature(fn)
    try:
        signature.bind(*arguments)
        signature.bind("x", "y")
        fits = task == "pairwise" or "dim" in signature.parameters
    except TypeError:
        fits = False
    if not fits:
        raise RegistryError(
            f"{fn.__name__}{signature} has the wrong signature for the task {task!r}: "
            f"write it as {fn.__name__}{CONTRACTS[task]}"
        )
