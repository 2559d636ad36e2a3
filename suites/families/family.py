"""A family of hard inputs, and the questions it asks a similarity."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch

from suites.truth.oracle import Truth

SimilarityCall = Callable[..., torch.Tensor]
"""`similarity(x, y, dim=-1)`: an implementation of the contract "paired", or the diagonal of one of "pairwise"."""


@dataclass(frozen=True)
class Question:
    """One call, and the right answer.

    `truth` has the result's shape, with NaN where no true value exists; None means the oracle's truth for x and y.
    `ask` makes any call other than `similarity(x, y, dim)`, and returns the value to compare with the truth. `slack`
    multiplies the implementation's error bound: 1 for one similarity, 2 for the difference of two. `allowed` replaces
    that bound by an error, where the truth is a small signal that must show.
    """

    x: torch.Tensor
    y: torch.Tensor
    dim: int | tuple[int, ...] = -1
    truth: Truth | None = None
    ask: Callable[[SimilarityCall], torch.Tensor] | None = None
    slack: float = 1.0
    allowed: float | None = None


Make = Callable[[torch.dtype, torch.Generator], Iterable[Question]]


@dataclass(frozen=True)
class Family:
    """Questions of one kind in any dtype. `expected` gives the right answer and why, `issue` the first report of it.

    Where no true value exists, an answer is NaN or one of `instead`; None allows anything. `flushed`: subnormal numbers
    are flushed to zero during the call. `rows`: all questions have rows `[N, D]`, so all-pairs forms can answer too.
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
        """Its rows in words: the first paragraph of the generator's docstring, on one line."""
        paragraph, *_ = (inspect.getdoc(self.make) or "").split("\n\n")
        return " ".join(paragraph.split())


FAMILIES: dict[str, Family] = {}
"""All families by name, in the order of reports."""


def family(
    expected: str,
    issue: str = "",
    *,
    instead: tuple[float, ...] | None = None,
    flushed: bool = False,
    rows: bool = True,
) -> Callable[[Make], Make]:
    """Add the generator below to `FAMILIES`, under its own name.

    A generator takes a dtype and a seeded `torch.Generator` (CPU), and yields questions on the CPU. It makes rows in
    float64 and rounds them once. It raises an `InputError` with the reason if its rows cannot exist in the dtype. Its
    docstring begins with the rows that it makes.
    """

    def add(make: Make) -> Make:
        name = make.__name__
        FAMILIES[name] = Family(name, make, expected, issue, instead, flushed, rows)
        return make

    return add
