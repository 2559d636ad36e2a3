"""Which contestant changed the inputs or this process: what changed is restored, and its cause is found."""

from collections.abc import Callable, Collection, Mapping
from time import sleep

from suites.failure import Failure, contestant
from suites.measure.phases import Phases
from suites.measure.problem import Problem
from suites.measure.world import World
from suites.records.record import Status

_REPLAYS = 3
_TO_START_S, _TO_END_S = 0.01, 1.0  # for a thread that was handed work


class Blame:
    """Watches inputs and process, and keeps the `Failure` of each contestant that changed them.

    A change that shows at a glance (in torch's version counters and switches) is blamed on the contestant that was
    just called. For any other change, each contestant called since the last check is a suspect. A suspect is
    guilty if it makes a change again when called again.

    Args:
        problem: the case and its inputs.
        calls: name to the call that is timed.
        world: this process before any contestant was called.
        phases: hears which contestant is called.
        slow: contestants that are called again once only.
    """

    def __init__(
        self,
        problem: Problem,
        calls: Mapping[str, Callable[[], object]],
        world: World,
        phases: Phases,
        slow: Collection[str] = (),
    ) -> None:
        self._slow = slow
        self._problem, self._calls, self._world, self._phases = problem, calls, world, phases
        self._versions = problem.versions()
        self._suspects: set[str] = set()
        self.guilty: dict[str, Failure] = {}

    def suspect(self, name: str) -> None:
        """Note that a contestant is about to be called, or has just been called."""
        self._suspects.add(name)

    def clean_up(self, name: str) -> bool:
        """Restore inputs and process after a contestant that failed; it is no suspect any more.

        Return whether another one had caused the failure: it makes a change again, and without it the call passes.
        """
        self._suspects.discard(name)
        changed, at_work = self._restore()
        found = {one: deed for one in sorted(self._suspects) if (changed or at_work) and (deed := self._deed_of(one))}
        self.guilty |= found
        self._suspects.clear()
        if not found:
            return False
        try:
            self._replay(name)
        except Failure:
            return False
        return not self._restore()[0]

    def check_at_a_glance(self, name: str) -> None:
        """Raise a `Failure` with the status `wrong` if a change shows without comparing the inputs."""
        changed = self._world.switched()
        if self._problem.versions() != self._versions:
            changed += self._problem.changed()
        if changed:
            raise Failure(Status.WRONG, " and ".join(changed))
        self._versions = self._problem.versions()
        if self._world.left_at_work():
            self.check(name)

    def check(self, name: str = "") -> bool:
        """Whether inputs and process were unchanged. They are now, and each contestant that changed them is guilty.

        Raises:
            Failure: with the status `wrong`, the contestant `name` is guilty.
        """
        changed, at_work = self._restore()
        for suspect in sorted(self._suspects) if changed or at_work else ():
            surely = changed if len(self._suspects) == 1 else ""  # a thread may belong to another, and start late
            if deed := Failure(Status.WRONG, surely) if surely else self._deed_of(suspect):
                self.guilty[suspect] = deed
        self._suspects.clear()
        if name in self.guilty:
            raise self.guilty[name]
        return not changed

    def at_work(self) -> list[str]:
        """Threads at work now or in a moment: a thread that was handed work may not have started."""
        at_work = self._world.left_at_work()
        if not at_work:
            sleep(_TO_START_S)
            at_work = self._world.left_at_work()
        return at_work

    def _deed_of(self, name: str) -> Failure | None:
        """What a contestant does when it is called again: it fails, or changes something; None if neither."""
        self._phases.alive(name)
        failed = None
        try:
            self._replay(name)
        except Failure as failure:
            failed = failure
        at_work = self.at_work()
        changed, still_at_work = self._restore()
        deed = changed or " and ".join(at_work) or still_at_work
        return failed or (Failure(Status.WRONG, deed) if deed else None)

    def _replay(self, name: str) -> None:
        with contestant():
            for _ in range(1 if name in self._slow else _REPLAYS):
                self._calls[name]()

    def _restore(self) -> tuple[str, str]:
        """Restore inputs and process; return, in words, what had changed and which threads are at work."""
        at_work = self._world.left_at_work()
        waited_s = 0.0
        while self._world.left_at_work() and waited_s < _TO_END_S:  # what it does after the check would go unseen
            sleep(_TO_START_S)
            waited_s += _TO_START_S
        changed = self._problem.changed() + self._world.changes()
        if changed:
            self._problem.restore()
        if changed or at_work:
            self._world.restore()
        self._versions = self._problem.versions()
        return " and ".join(changed), " and ".join(at_work)
