"""What an implementation is, what it may state of itself, and what is said where that is wrong."""

import contextlib
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

CONTRACTS = {
    "paired": "(x, y, dim=-1)",  # dim: an int or a tuple of ints, removed from the result
    "pairwise": "(x, y)",  # [N, D] x [M, D] -> [N, M]
    "angle": "(x, y, dim=-1)",  # as "paired"; radians
}
DTYPES = ("float64", "float32", "float16", "bfloat16")
DEVICES = ("cpu", "cuda", "mps")
SUMMING = ("one by one", "lanes", "cascade")
"""Ways of summing, from the longest chain of additions to the shortest; suites/truth/bound.py counts them."""
ANGLES = ("acos", "atan2")
"""What an angle is taken by: the arc cosine of a cosine, or the arc tangent of two norms (W. Kahan)."""

Function = Callable[..., Any]


class RegistryError(ValueError):
    """An implementation that cannot be registered, or a name that nobody registered."""


@dataclass(frozen=True, kw_only=True)
class Implementation:
    """One way of computing cosine similarity.

    Attributes:
        name: of the function.
        fn: the function.
        task: its contract, a key of `CONTRACTS`.
        dtypes: the input dtypes that it takes.
        devices: the device types that it runs on.
        baseline: it is torch's built-in form of the task, which every ratio is taken to.
        torch_memory: its temporaries come from torch's allocator, so that its peak can be read there.
        roundings: how many times a result between two operations is rounded on the way of a term to the answer. A
            rounding of each norm counts once, one of each sum of squares half; the answer's own does not count.
        work: the dtype of those results, "float32" or "float64" where the inputs are converted first.
        dot: its way of summing the products, of `SUMMING`; for "atan2" the squares of the sums and the differences.
        norm: its way of summing the squares of the rows.
        angle_by: of `ANGLES`, for the task "angle"; "" is taken for "acos".

    Raises:
        RegistryError: one of these that nobody knows.
    """

    name: str
    fn: Function
    task: str
    dtypes: tuple[str, ...]
    devices: tuple[str, ...]
    baseline: bool
    torch_memory: bool
    roundings: float
    work: str
    dot: str
    norm: str
    angle_by: str

    def __post_init__(self) -> None:
        _require_known("task", [self.task], tuple(CONTRACTS))
        _require_known("dtype", self.dtypes, DTYPES)
        _require_known("device", self.devices, DEVICES)
        _require_known("dtype", [self.work], ("", *DTYPES))
        _require_known("way of summing", [self.dot, self.norm], SUMMING)
        _require_known("way to an angle", [self.angle_by], ("", *ANGLES))
        if self.angle_by and self.task != "angle":
            raise RegistryError(f"angle_by is for the task 'angle', and {self.task!r} gives cosines; leave it out")
        number = isinstance(self.roundings, int | float) and not isinstance(self.roundings, bool)
        if not number or not 0 <= self.roundings < 1000:
            raise RegistryError(f"roundings is {self.roundings!r}; it has to be a number from 0 on, such as 5.5")


def require_function(fn: Function, task: str) -> None:
    """Raise a `RegistryError` if it is no plain function whose name is certain, or its signature is not the task's."""
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


def did_you_mean(name: str, known: tuple[str, ...]) -> str:
    """The end of an error about an unknown name: the nearest one, and all that are known."""
    near = get_close_matches(name, known, n=1, cutoff=0.4)
    return (f"; did you mean {near[0]!r}?" if near else ";") + f" known: {', '.join(filter(None, known))}"


def _require_known(kind: str, values: Iterable[str], known: tuple[str, ...]) -> None:
    for value in values:
        if value not in known:
            raise RegistryError(f"unknown {kind} {value!r}{did_you_mean(str(value), known)}")
