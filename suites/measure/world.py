"""The state that every contestant must leave unchanged: switches, functions, random states, threads.

Changes are noticed, named and restored. This is no sandbox: code in the same process can always evade it.
"""

import sys
import sysconfig
import threading
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import torch

from suites.failure import Failure
from suites.measure import switches
from suites.measure.functions import Functions
from suites.records.record import Status

_STANDARD_LIBRARY, _TORCH = sysconfig.get_path("stdlib"), str(Path(torch.__file__).parent)
_SWITCHES = switches.QUICK + switches.SLOW


@dataclass(frozen=True)
class World:
    """The state of this process, for comparison with a later one, and to restore."""

    switches: list[object]
    glances: list[object]
    random_states: list[object]
    functions: Functions
    threads: set[int]

    @classmethod
    def now(cls, functions: Iterable[object] = ()) -> "World":
        """The state of this process, and of further functions, such as those of contestants."""
        return cls(
            [get() for _, get, _ in _SWITCHES],
            [get() for get in switches.GLANCES],
            [get() for _, get, _ in switches.RANDOM_STATES],
            Functions.now(functions),
            _threads_at_work(),
        )

    def switched(self) -> list[str]:
        """Which switches and clocks were changed, in words, as far as a check of a few microseconds shows."""
        if [get() for get in switches.GLANCES] == self.glances and self.functions.of_the_clock():
            return []
        return self.changes(random_states=False)

    def changes(self, *, random_states: bool = True) -> list[str]:
        """All changes except for threads, in words."""
        replaced = [what for what, _ in self.functions.changes()]
        switched = [f"changed {_SWITCHES[n][0]}" for n in switches.differing(_SWITCHES, self.switches)]
        states = switches.RANDOM_STATES if random_states else ()
        drawn = [f"changed {states[n][0]}" for n in switches.differing(states, self.random_states[: len(states)])]
        return replaced + switched + drawn

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
        for _, undo in self.functions.changes():
            undo()
        switches.restore(_SWITCHES, self.switches)
        switches.restore(switches.RANDOM_STATES, self.random_states)
        self.glances[:] = [get() for get in switches.GLANCES]

    def left_at_work(self, others: Collection[int] = ()) -> list[str]:
        """New threads at work, except for `others`, in words."""
        at_work = _threads_at_work()
        self.threads.intersection_update(at_work)  # the id of an ended thread may be used again
        late = at_work - self.threads - {*others}
        names = {thread.ident: f"the thread {thread.name!r}" for thread in threading.enumerate()} if late else {}
        return [f"left work to {names.get(ident, 'a thread')}, which outlived the call" for ident in late]


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
