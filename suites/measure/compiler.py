"""What torch.compile did while a contestant was called: none of it shows in the result."""

import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch


class Compilations(NamedTuple):
    """Counts: Python frames that were compiled, those of them that fell back to eager, and breaks of a graph."""

    frames: int = 0
    fallen_back: int = 0
    graph_breaks: int = 0

    @classmethod
    def now(cls) -> "Compilations":
        """The counts of this process since the compiler was last reset; zeros where it was never loaded."""
        dynamo = sys.modules.get("torch._dynamo.utils")  # importing the compiler only to ask takes seconds
        if dynamo is None:
            return cls()
        frames = dynamo.counters["frames"]
        breaks = sum(dynamo.counters["graph_break"].values())
        return cls(frames["total"], frames["total"] - frames["ok"], breaks)

    def since(self, before: "Compilations") -> "Compilations":
        """What came after `before`; all of it if the counts began anew since."""
        return Compilations(*(a - b if a >= b else a for a, b in zip(self, before, strict=True)))

    def plus(self, more: "Compilations") -> "Compilations":
        """Both together."""
        return Compilations(*(a + b for a, b in zip(self, more, strict=True)))


class Compiled:
    """What torch.compile did for each contestant of a case, in all of its calls: `with compiled(name): ...`."""

    def __init__(self) -> None:
        self._found: defaultdict[str, Compilations] = defaultdict(Compilations)

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        before = Compilations.now()
        try:
            yield
        finally:
            self._found[name] = self._found[name].plus(Compilations.now().since(before))

    def of(self, name: str) -> Compilations:
        """What it did for this contestant so far."""
        return self._found[name]


def forget_compiled() -> None:
    """Let compiled functions compile anew: they count recompilations, and give up for good at the eighth."""
    if "torch._dynamo" in sys.modules:  # importing the compiler only to reset it takes seconds
        torch.compiler.reset()
