"""The remaining trials, in pieces that any process can run."""

import functools
import math
import sys
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

import torch
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # comes with scikit-learn

import implementations
from implementations import Implementation
from implementations.registry import DTYPES
from suites.trials import bounds, exactness
from suites.trials.bounds import Trial
from suites.trials.exactness import Exactness
from suites.trials.kept import KeptTrials
from suites.trials.kinds import KINDS

EXACT = "accurate"
SHARE = 10
"""`EXACT` gets so many times the pairs of each implementation."""


class WorkItem(NamedTuple):
    """Trials on the same pairs: `EXACT` on one kind, or implementations of one task in one dtype."""

    number: int
    kind: str = ""
    task: str = ""
    dtype: str = ""
    names: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Number of pairs times calls, for the progress bar."""
        return bounds.PAIRS * len(self.names) if self.names else 4 * exactness.PAIRS


def on_one_core() -> None:
    """Use one thread in this process, so that sums are split the same way on every machine."""
    torch.set_num_threads(1)
    threadpool_limits(1)  # NumPy's BLAS: with two processes its spinning threads made angles ten times slower


def left(entries: Sequence[Implementation], pairs: int, kept: KeptTrials) -> Iterator[WorkItem]:
    """The work missing in `kept`: `pairs` pairs of `EXACT` over all kinds, and a share of them per entry and dtype."""
    if EXACT in [entry.name for entry in entries]:
        done = {(one.kind, one.number) for one in kept.exactness}
        numbers = range(math.ceil(pairs / exactness.PAIRS / len(KINDS)))
        yield from (WorkItem(n, kind=kind) for n in numbers for kind in KINDS if (kind, n) not in done)
    tried = {(one.implementation, one.dtype, one.number) for one in kept.trials}
    for dtype in DTYPES:
        for number in range(math.ceil(pairs / SHARE / bounds.PAIRS)):
            for task in bounds.SHAPES:
                asked = (entry.name for entry in entries if entry.task == task and dtype in entry.dtypes)
                names = tuple(n for n in asked if (n, dtype) not in kept.failed and (n, dtype, number) not in tried)
                if names:
                    yield WorkItem(number, task=task, dtype=dtype, names=names)


def found(work: WorkItem, failed: Collection[tuple[str, str]]) -> list[Exactness | Trial]:
    """The results of one piece of work, without the (implementation, dtype) pairs that `failed` before."""
    if work.kind:
        return [exactness.exactness(implementations.get(EXACT).fn, work.kind, work.number)]
    _forget_compiled(work.dtype)
    entries = [implementations.get(name) for name in work.names if (name, work.dtype) not in failed]
    return list(bounds.trials(entries, work.task, work.dtype, work.number)) if entries else []


@functools.lru_cache(maxsize=1)  # runs once per change of dtype
def _forget_compiled(dtype: str) -> None:
    """Empty the compiler's cache: torch stops compiling a function after eight shapes and dtypes."""
    if "torch._dynamo" in sys.modules:
        torch.compiler.reset()
