"""Upstream bug reports about cosines and norms, each with a probe: does this build still have the bug on the CPU?

`python -m suites.known_bugs` prints all of them.
"""

from collections.abc import Callable
from functools import partial

from suites.failure import Failure, contestant
from suites.known_bugs import above_one, epsilon, kernel_cache, long_rows, overflow, resolution, shapes, temporaries
from suites.known_bugs.bug import Bug, Sighting
from suites.records.finding import KnownBug
from suites.records.record import Status

__all__ = ["BUGS", "Bug", "KnownBug", "Sighting", "look", "unseen"]

_SUBJECTS = (above_one, long_rows, overflow, epsilon, shapes, temporaries, resolution, kernel_cache)

BUGS = [value for subject in _SUBJECTS for value in vars(subject).values() if isinstance(value, Bug)]
"""All bugs, by subject."""


def look(bug: Bug) -> KnownBug:
    """Run the probe of a bug. If the probe fails, `happens` is None and `seen` says why; nothing is raised."""
    try:
        with contestant():
            saw = bug.probe(bug.function)
    except Failure as failure:
        absent = failure.status is Status.ABSENT  # only what is missing: the table has no room for how to install it
        return unseen(bug, failure.reason.partition(";")[0] if absent else failure.reason)
    return _report(bug)(happens=saw.happens, seen=saw.seen, right=saw.right)


def unseen(bug: Bug, why: str) -> KnownBug:
    """The finding for a bug that could not be probed."""
    return _report(bug)(happens=None, seen=why, right="")


def _report(bug: Bug) -> Callable[..., KnownBug]:
    return partial(KnownBug, name=bug.name, issue=bug.issue, package=bug.package, what=bug.what)
