"""A family of inputs that hurt, and the questions that it asks a similarity."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch

from suites.truth.oracle import Truth

Similarity = Callable[..., torch.Tensor]
"""`similarity(x, y, dim=-1)`: an implementation of the contract "paired", or the diagonal of one of "pairwise"."""


@dataclass(frozen=True)
class Question:
    """One call, and what is right.

    `truth` has the result's shape, NaN where there is no true value; None stands for the oracle's truth for x and y.
    `ask` makes the call, where it is not `similarity(x, y, dim)`, and returns what is compared with the truth.
    `slack` is how many times the implementation's error bound may be used: 1 for one similarity, 2 for the difference
    of two. `allowed` is an error that stands in place of that bound, where the truth is a signal that must be heard.
    """

    x: torch.Tensor
    y: torch.Tensor
    dim: int | tuple[int, ...] = -1
    truth: Truth | None = None
    ask: Callable[[Similarity], torch.Tensor] | None = None
    slack: float = 1.0
    allowed: float | None = None


Make = Callable[[torch.dtype, torch.Generator], Iterable[Question]]


@dataclass(frozen=True)
class Family:
    """Questions of one kind in any dtype; `expected` says what is right and why, `issue` who met it first.

    `instead` is what an answer may be beside NaN where there is no true value; None: anything. `flushed`: asked while
    subnormal numbers are flushed to zero. `rows`: all questions are of rows `[N, D]`, which all-pairs forms can
    answer too.
    """

    name: str
    make: Make
    expected: str
    issue: str = ""
    instead: tuple[float, ...] | None = None
    flushed: bool = False
    rows: bool = True

    @property
    def made(self) -> str:
        """What its rows are: the first paragraph of the generator's docstring, on one line."""
        paragraph, *_ = (inspect.getdoc(self.make) or "").split("\n\n")
        return " ".join(paragraph.split())


FAMILIES: dict[str, Family] = {}
"""All of them by name, in the order of the reference."""


def family(
    expected: str,
    issue: str = "",
    *,
    instead: tuple[float, ...] | None = None,
    flushed: bool = False,
    rows: bool = True,
) -> Callable[[Make], Make]:
    """Add the generator below to `FAMILIES`, under its own name.

    A generator is handed a dtype and a seeded generator (on the CPU), and yields questions on the CPU. It makes rows in
    float64 and rounds once. It raises an `InputError` that says why if its rows cannot exist in the dtype. Its
    docstring begins with what it makes.
    """

    def add(make: Make) -> Make:
        name = make.__name__
        FAMILIES[name] = Family(name, make, expected, issue, instead, flushed, rows)
        return make

    return add
