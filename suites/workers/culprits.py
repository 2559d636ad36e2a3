"""Which contestants end their worker: the job is done again without the suspects, and with those that are innocent."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from suites.workers.death import Death

T = TypeVar("T")


def isolated(
    names: Sequence[str], attempt: Callable[[Sequence[str]], T | Death], fresh: Callable[[], bool], nothing: T
) -> tuple[T, dict[str, Death]]:
    """The outcome for all that can be measured together, `nothing` if nobody can, and the death of each of the others.

    The contestant that a dead worker named last is the first suspect, and the job is done again without it. With more
    than one suspect, those left out before are tried once more: one may only have been called when the memory that
    another had spoilt gave way. A contestant that ran out of time is guilty for certain.

    Args:
        names: the contestants.
        attempt: does the job with these contestants, in their order.
        fresh: whether the worker of the next attempt has done no job before; otherwise a death may be of an earlier
            job, and the attempt is repeated.
        nothing: the outcome of no contestants.
    """
    if not names:
        return nothing, {}
    was_fresh, outcome = fresh(), attempt(names)
    if isinstance(outcome, Death) and not (was_fresh or outcome.certain):
        outcome = attempt(names)
    dead = dict[str, Death]()
    while isinstance(outcome, Death):
        left = [name for name in names if name not in dead]
        if outcome.at not in left:  # nobody was called yet
            return nothing, dead | dict.fromkeys(left, outcome)
        dead[outcome.at] = outcome
        left.remove(outcome.at)
        if not left:
            return nothing, dead
        outcome = attempt(left)
    return _acquitted(names, outcome, dead, attempt)


def _acquitted(
    names: Sequence[str], outcome: T, dead: dict[str, Death], attempt: Callable[[Sequence[str]], T | Death]
) -> tuple[T, dict[str, Death]]:
    """Try the suspects once more, each alone and then with all others; not the last one: without it nobody died."""
    for suspect in list(dead)[:-1]:
        left = [name for name in names if name not in dead or name == suspect]
        if dead[suspect].certain or isinstance(attempt([suspect]), Death):
            continue
        again = attempt(left)
        if not isinstance(again, Death):
            outcome = again
            del dead[suspect]
    return outcome, dead
