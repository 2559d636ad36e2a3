"""An implementation and what it states about itself, with the checks of those statements."""

import contextlib
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from nearest import did_you_mean

CONTRACTS = {
    "paired": "(x, y, dim=-1)",  # dim: an int or a tuple of ints, removed from the result
    "pairwise": "(x, y)",  # [N, D] x [M, D] -> [N, M]
    "top_k": "(x, y, k)",  # [N, D] x [M, D] -> the k largest of each row, values and int64 indices [N, k], best first
    "angle": "(x, y, dim=-1)",  # as "paired"; radians
}
DTYPES = ("float64", "float32", "float16", "bfloat16")
DEVICES = ("cpu", "cuda", "mps")
SUMMING = ("one by one", "lanes", "cascade")
"""Ways of summing, from the longest chain of additions to the shortest; suites/truth/bound.py counts them."""
ANGLES = ("acos", "atan2")
"""How an angle is computed: as the arc cosine of a cosine, or as the arc tangent of two norms (W. Kahan)."""

Function = Callable[..., Any]


class RegistryError(ValueError):
    """An implementation that cannot be registered, or a name that is not registered."""


@dataclass(frozen=True, kw_only=True)
class Implementation:
    """One way of computing cosine similarity.

    Attributes:
        name: the function's name.
        fn: the function.
        task: its contract, a key of `CONTRACTS`.
        dtypes: the input dtypes that it takes.
        devices: the device types that it runs on.
        baseline: it is torch's built-in form of the task. Every ratio is relative to the baseline.
        torch_memory: its temporaries come from torch's allocator, which reports its peak.
        roundings: how many intermediate results are rounded between a term and the answer. Rounding each norm counts
            once, rounding each sum of squares half. The answer's own rounding does not count.
        work: the dtype of intermediate results: "float32" or "float64" if the inputs are converted first.
        dot: how it sums the products, one of `SUMMING`; for "atan2" the squares of the sums and differences.
        norm: how it sums the squares of the rows, one of `SUMMING`.
        angle_by: how it computes an angle, one of `ANGLES`; "" means "acos". For the task "angle" only.
        prepare: what it does once for a corpus: a function `y -> prepared y`. `fn` then receives the prepared corpus in
            place of y. For the tasks "pairwise" and "top_k" only; None if it prepares nothing.

    Raises:
        RegistryError: a value is unknown, or does not fit the task.
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
    prepare: Function | None = None

    def __post_init__(self) -> None:
        _require_known("task", [self.task], tuple(CONTRACTS))
        _require_known("dtype", self.dtypes, DTYPES)
        _require_known("device", self.devices, DEVICES)
        _require_known("dtype", [self.work], ("", *DTYPES))
        _require_known("way of summing", [self.dot, self.norm], SUMMING)
        _require_known("way to an angle", [self.angle_by], ("", *ANGLES))
        if self.angle_by and self.task != "angle":
            raise RegistryError(f"angle_by is for the task 'angle', and {self.task!r} gives cosines; leave it out")
        _require_preparation(self.prepare, self.task)
        number = isinstance(self.roundings, int | float) and not isinstance(self.roundings, bool)
        if not number or not 0 <= self.roundings < 1000:
            raise RegistryError(f"roundings is {self.roundings!r}; it has to be a number from 0 on, such as 5.5")


def require_function(fn: Function, task: str) -> None:
    """Raise a `RegistryError` unless this is a plain named function with the signature of the task."""
    if not inspect.isfunction(fn) or inspect.iscoroutinefunction(fn) or not fn.__name__.isidentifier():
        raise RegistryError(f"{fn!r} is no plain function with a name: write def NAME{CONTRACTS[task]} around it")
    signature = inspect.signature(fn)
    with contextlib.suppress(TypeError):
        signature.bind("x", "y", *([10] if task == "top_k" else []))
        if "dim" not in CONTRACTS[task] or (signature.bind("x", "y", -1) and "dim" in signature.parameters):
            return
    raise RegistryError(
        f"{fn.__name__}{signature} has the wrong signature for the task {task!r}: "
        f"write it as {fn.__name__}{CONTRACTS[task]}"
    )


def _require_preparation(prepare: Function | None, task: str) -> None:
    """Raise a `RegistryError` unless this is None or takes the corpus of a task that has one."""
    if prepare is None:
        return
    if "dim" in CONTRACTS[task]:
        raise RegistryError(f"prepare is for a corpus, of the tasks 'pairwise' and 'top_k', not {task!r}; leave it out")
    try:
        inspect.signature(prepare).bind("y")
    except (TypeError, ValueError) as error:
        raise RegistryError(f"prepare is {prepare!r}; it has to be a function that takes the corpus y alone") from error


def _require_known(kind: str, values: Iterable[str], known: tuple[str, ...]) -> None:
    for value in values:
        if value not in known:
            raise RegistryError(f"unknown {kind} {value!r}{did_you_mean(value, known)}")
