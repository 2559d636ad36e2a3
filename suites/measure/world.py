"""The state that every contestant must leave unchanged: switches of torch, random states, clocks, threads.

Changes are noticed, named and restored. This is no sandbox: code in the same process can always evade it.
"""

import random
import statistics
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from operator import is_
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch

from suites.failure import Failure
from suites.records.record import Status

_OURS = tuple(
    f"suites.{place}"
    for place in ("errors.", "failure", "families", "inputs", "measure.", "records.", "statistics", "truth.", "words")
)
_THEIRS = (time, statistics, np, torch.Tensor, torch.cuda.Event)
_TORCH_FUNCTIONS = ((torch, "equal"), (torch.cuda, "synchronize"))  # the compiler replaces others of torch's
_STANDARD_LIBRARY, _TORCH = sysconfig.get_path("stdlib"), str(Path(torch.__file__).parent)
_BACKENDS: tuple[Any, ...] = (torch.backends, torch.backends.cuda.matmul, torch.backends.mkldnn.matmul)  # type: ignore[attr-defined]


def _legacy_precision() -> str:
    try:
        return torch.get_float32_matmul_precision()
    except RuntimeError:  # after a change through the newer switches
        return ""


def _float32_precision() -> tuple[str, ...]:
    return _legacy_precision(), *(backend.fp32_precision for backend in _BACKENDS)


def _set_float32_precision(was: tuple[str, ...]) -> None:
    if was[0]:
        torch.set_float32_matmul_precision(was[0])  # changes some of the newer ones as well
    for backend, precision in zip(_BACKENDS, was[1:], strict=True):
        backend.fp32_precision = precision


Switch = tuple[str, Callable[[], object], Callable[..., object]]
_SWITCHES: tuple[Switch, ...] = (
    ("the number of threads", torch.get_num_threads, torch.set_num_threads),
    ("the default dtype", torch.get_default_dtype, torch.set_default_dtype),
    ("deterministic algorithms", torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms),
    ("gradient mode", torch.is_grad_enabled, torch.set_grad_enabled),
    ("the float32 matmul precision", _float32_precision, _set_float32_precision),
)
_GLANCES = (*(get for _, get, _ in _SWITCHES[:-1]), _legacy_precision)  # a microsecond for all five
_RANDOM_STATES: tuple[Switch, ...] = (
    ("the random state of torch", torch.get_rng_state, torch.set_rng_state),
    ("the random state of Python", random.getstate, random.setstate),
    ("the random state of NumPy", np.random.get_state, np.random.set_state),
)


@dataclass(frozen=True)
class World:
    """The state of this process, for comparison with a later one, and to restore."""

    switches: tuple[object, ...]
    glances: tuple[object, ...]
    random_states: tuple[object, ...]
    names: tuple[tuple[object, Mapping[str, object]], ...]
    threads: set[int]

    @classmethod
    def now(cls) -> "World":
        """The state of this process."""
        ours = [module for name, module in sys.modules.items() if name.startswith(_OURS)]
        return cls(
            tuple(get() for _, get, _ in _SWITCHES),
            tuple(get() for get in _GLANCES),
            tuple(get() for _, get, _ in _RANDOM_STATES),
            (
                *((owner, dict(vars(owner))) for owner in (*_THEIRS, *ours)),
                *((owner, {name: getattr(owner, name)}) for owner, name in _TORCH_FUNCTIONS),
            ),
            _threads_at_work(),
        )

    def switched(self) -> list[str]:
        """Which switches were changed, in words, as far as a check of a microsecond shows."""
        looks = zip(_SWITCHES, _GLANCES, self.glances, strict=True)
        return [f"changed {what}" for (what, *_), get, was in looks if get() != was]

    def changes(self, *, random_states: bool = True) -> list[str]:
        """All changes except for threads, in words."""
        drawn = [f"changed {what}" for what, *_ in _differing(_RANDOM_STATES, self.random_states)]
        replaced = [f"replaced {getattr(owner, '__name__', owner)}.{name}" for owner, name, _ in self._replaced()]
        switched = [f"changed {what}" for what, *_ in _differing(_SWITCHES, self.switches)]
        return replaced + switched + (drawn if random_states else [])

    def require(self, *, random_states: bool = True, others: Collection[int] = ()) -> None:
        """Restore everything; raise a `Failure` with the status `wrong` if anything had changed.

        A contestant's set-up may draw random numbers, as torch's compiler does: pass `random_states=False` for it.
        `others` are threads that were alive before the contestant began, and never count as its own.
        """
        changed = self.left_at_work(others) + self.changes(random_states=random_states)
        self.restore()
        if changed:
            raise Failure(Status.WRONG, " and ".join(changed))

    def restore(self) -> None:
        """Restore everything. A thread left at work cannot be ended; from now on it counts as known."""
        self.threads.update(_threads_at_work())
        for owner, name, was in self._replaced():
            setattr(owner, name, was)
        for _, put, was in _differing(_SWITCHES + _RANDOM_STATES, self.switches + self.random_states):
            put(was)

    def left_at_work(self, others: Collection[int] = ()) -> list[str]:
        """New threads at work, except for `others`, in words."""
        at_work = _threads_at_work()
        self.threads.intersection_update(at_work)  # the id of an ended thread may be used again
        late = at_work - self.threads - {*others}
        names = {thread.ident: f"the thread {thread.name!r}" for thread in threading.enumerate()} if late else {}
        return [f"left work to {names.get(ident, 'a thread')}, which outlived the call" for ident in late]

    def _replaced(self) -> list[tuple[object, str, object]]:
        return [
            (owner, name, was)
            for owner, before in self.names
            if not all(map(is_, before.values(), vars(owner).values()))  # mostly true, and fast: new names come last
            for name, was in before.items()
            if callable(was) and vars(owner).get(name) is not was
        ]


def _differing(
    switches: tuple[Switch, ...], before: tuple[object, ...]
) -> list[tuple[str, Callable[..., object], object]]:
    return [(what, put, was) for (what, get, put), was in zip(switches, before, strict=True) if not _same(get(), was)]


def _same(a: object, b: object) -> bool:
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        return a.numpy().tobytes() == b.numpy().tobytes()
    if isinstance(a, tuple) and isinstance(b, tuple) and any(isinstance(part, np.ndarray) for part in a):
        return all(map(np.array_equal, a, b))
    return a == b


def threads() -> set[int]:
    """The ids of this process's threads, including idle ones."""
    return {*sys._current_frames()}


def _threads_at_work() -> set[int]:
    """Other threads that run code of neither Python nor torch: those two leave idle threads behind."""
    here = threading.get_ident()
    stacks = {ident: _stack(frame) for ident, frame in sys._current_frames().items() if ident != here}
    return {ident for ident, stack in stacks.items() if any(map(_is_foreign, stack))}


def _stack(frame: FrameType | None) -> Iterator[FrameType]:
    while frame:
        yield frame
        frame = frame.f_back


def _is_foreign(frame: FrameType) -> bool:
    file = frame.f_code.co_filename
    of_python = file.startswith(_STANDARD_LIBRARY) and "site-packages" not in file
    return not (of_python or file.startswith((_TORCH, "<frozen ")))
