"""Who takes part: every implementation registers here under its function's name.

A file registers by decorating a function; a third party's file or entry point
is handed the same decorator through its own `register(implementation)`.
"""

import contextlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

CONTRACTS = {
    "paired": "(x, y, dim=-1)",  # dim: an int or a tuple of ints, removed from the result
    "pairwise": "(x, y)",  # [N, D] x [M, D] -> [N, M]
    "angle": "(x, y, dim=-1)",  # as "paired"; radians
}
SUMMING = ("one by one", "lanes", "cascade")
"""Ways of summing, from the longest chain of additions to the shortest; suites/measure/bound.py counts them."""

DTYPES = ("float64", "float32", "float16", "bfloat16")
DEVICES = ("cpu", "cuda", "mps")

Function = Callable[..., Any]


class RegistryError(ValueError):
    """An implementation that cannot be registered, or a name that nobody registered."""


@dataclass(frozen=True, kw_only=True)
class Implementation:
    """One way of computing cosine similarity.

    `task` is the contract of `fn`, a key of `CONTRACTS`. `baseline` marks torch's
    built-in form of a task, which every ratio is taken to. `torch_memory` says that
    temporaries come from torch's allocator, so that its peak can be read there.
    `roundings`, `work`, `dot` and `norm` state its arithmetic, from which its error bound follows.
    """

    name: str
    fn: Function
    task: str
    dtypes: tuple[str, ...]
    devices: tuple[str, ...]
    baseline: bool
    torch_memory: bool
    roundings: float = 8
    work: str = ""
    dot: str = "one by one"
    norm: str = "one by one"


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
    **unknown: object,
) -> Callable[[Function], Function]:
    """Register the function below under its own name and return it unchanged.

    Args:
        task: "paired" or "angle", `fn(x, y, dim=-1)`, or "pairwise", `fn(x, y)`.
        dtypes: the input dtypes that it takes, all four unless given.
        devices: the device types that it runs on, all unless given.
        baseline: it is torch's built-in form of the task.
        torch_memory: False where it allocates outside torch (NumPy, native code).
        roundings: how many times a result between two operations is rounded on the way of a term to the cosine.
            A rounding of each norm counts once, one of each sum of squares half; the last one does not count.
        work: the dtype of those results, "float32" or "float64" where the inputs are converted first.
        dot: its way of summing the products, of `SUMMING`.
        norm: its way of summing the squares.
        **unknown: none; misspelt ones are named.

    Raises:
        RegistryError: an unknown argument, task, dtype or device, no function with the task's signature, a name taken.
    """
    if unknown:
        *known, _ = inspect.signature(implementation).parameters
        name = next(iter(unknown))
        raise RegistryError(f"@implementation takes no argument {name!r}{did_you_mean(name, tuple(known))}")
    if callable(task):
        raise RegistryError(
            f"{getattr(task, '__name__', task)}: write @implementation() above it, with the parentheses"
        )
    (task,) = _known("task", task, tuple(CONTRACTS))
    dtypes, devices = _known("dtype", dtypes, DTYPES), _known("device", devices, DEVICES)
    for way in (dot, norm):
        _known("way of summing", way, SUMMING)
    if work:
        _known("dtype", work, DTYPES)
    if isinstance(roundings, bool) or not isinstance(roundings, int | float) or not 0 <= roundings < 1000:
        raise RegistryError(f"roundings is {roundings!r}; it has to be a number from 0 on, such as 5.5")

    def register(fn: Function) -> Function:
        _require_function(fn, task)
        entry = Implementation(
            name=fn.__name__,
            fn=fn,
            task=task,
            dtypes=dtypes,
            devices=devices,
            baseline=baseline,
            torch_memory=torch_memory,
            roundings=roundings,
            work=work,
            dot=dot,
            norm=norm,
        )
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


def did_you_mean(name: str, known: tuple[str, ...]) -> str:
    """The end of an error about an unknown name: the nearest one, and all that are known."""
    near = get_close_matches(name, known, n=1, cutoff=0.4)
    return (f"; did you mean {near[0]!r}?" if near else ";") + f" known: {', '.join(known)}"


def _known(kind: str, given: tuple[str, ...] | str, known: tuple[str, ...]) -> tuple[str, ...]:
    values = tuple(given) if isinstance(given, tuple | list) else (given,)
    for value in values:
        if value not in known:
            raise RegistryError(f"unknown {kind} {value!r}{did_you_mean(str(value), known)}")
    return values


def _require_function(fn: Function, task: str) -> None:
    """Its name becomes the implementation's, and its signature is the task's."""
    if not inspect.isfunction(fn) or inspect.iscoroutinefunction(fn) or not fn.__name__.isidentifier():
        raise RegistryError(f"{fn!r} is no plain function with a name: write def NAME{CONTRACTS[task]} around it")
    signature = inspect.signature(fn)
    with contextlib.suppress(TypeError):
        signature.bind("x", "y")
        if task == "pairwise" or (signature.bind("x", "y", -1) and "dim" in signature.parameters):
            return
    raise RegistryError(
        f"{fn.__name__}{signature} has the wrong signature for the task {task!r}: "
        f"write it as {fn.__name__}{CONTRACTS[task]}"
    )


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
