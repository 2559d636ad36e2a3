"""What torch.compile did while a contestant was called: none of it shows in the result."""

import sys
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
        """What came after `before`."""
        return Compilations(*(a - b for a, b in zip(self, before, strict=True)))


def forget_compiled() -> None:
    """Let compiled functions compile anew: they count recompilations, and give up for good at the eighth."""
    if "torch._dynamo" in sys.modules:  # importing the compiler only to reset it takes seconds
        torch.compiler.reset()
