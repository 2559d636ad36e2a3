"""Contestants are taken at their results, not at their word: what they may not do, and how it is noticed.

A contestant that returned the right result once is timed in thousands of calls that nobody
looks at. So results of timed calls are compared, inputs change secretly at the same
addresses, and what a contestant may not touch is looked at and put back.
"""

import random
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from time import sleep

import torch

from implementations import Implementation
from suites.failure import Failure, contestant
from suites.measure.problem import Problem, as_tuple
from suites.measure.world import World
from suites.records.record import Flag, Status

_TRIALS = 1 / 8  # of the samples are followed by a secret trial
_SHARE = 0.02  # of the time, at most
_CHEAP = 1 << 16  # elements whose comparison costs less than a sample does
_REPLAYS = 3
_TO_GET_GOING_S, _TO_END_S = 0.01, 1.0  # for a thread that was handed work


class Inspector:
    """Looks at the results of timed calls, and now and then at what a contestant does with other inputs.

    What a contestant does to the inputs or to this process is blamed on it at once where that shows at a
    glance (torch's version counters and switches). Otherwise a secret trial finds it, and whoever does it
    again when called again is to blame.

    Args:
        problem: the case, its inputs and its truth.
        entries: name to the contestant.
        calls: name to what is timed.
        results: name to the first result, which was checked against the truth.
        world: what this process was like before all contestants.
        rng: decides when; a contestant cannot know.
        now: seconds, to keep its own share of the time small.
    """

    def __init__(
        self,
        problem: Problem,
        entries: Mapping[str, Implementation],
        calls: Mapping[str, Callable[[], object]],
        results: Mapping[str, tuple[object, ...]],
        world: World,
        rng: random.Random,
        now: Callable[[], float],
    ) -> None:
        self._problem, self._entries, self._calls, self._results = problem, entries, calls, results
        self._world, self._rng, self._now = world, rng, now
        self._versions = problem.versions()
        self._tried: set[str] = set()
        self._suspects: set[str] = set()
        self._guilty: dict[str, Failure] = {}
        self._spent, self._started = 0.0, now()
        self.flags: dict[str, tuple[Flag, ...]] = {}

    def __call__(self, name: str, result: object) -> None:
        """Look at the last result of a sample, or put right what one that failed has left.

        Raises:
            Failure: with the status `wrong`, it is not what the inputs give, or the inputs or this process
                were changed.
        """
        if isinstance(result, Failure):
            self._suspects.discard(name)
            self._put_right()
        elif name in self._guilty:
            raise self._guilty[name]
        else:
            self._look(name, result)

    def finish(self, names: Iterable[str]) -> dict[str, Failure]:
        """A last trial of each of these contestants: those that do not pass it."""
        failures = {}
        self._require_lawful("")
        for name in names:
            try:
                self._try_if_lawful(name)
            except Failure as failure:
                failures[name] = failure
        self._require_lawful("")
        return self._guilty | failures

    def _look(self, name: str, result: object) -> None:
        self._suspects.add(name)
        self._require_lawful_at_a_glance(name)
        affordable = self._spent <= _SHARE * (self._now() - self._started)
        trial = name not in self._tried or (self._rng.random() < _TRIALS and affordable)
        if trial or self._problem.truth.size <= _CHEAP:
            self._require_same(name, result, all_of_it=trial)
        if trial:
            start = self._now()
            self._require_lawful(name)
            self._try(name, result)
            self._spent += self._now() - start

    def _require_lawful_at_a_glance(self, name: str) -> None:
        changed = self._world.switched()
        if self._problem.versions() != self._versions:
            changed += self._problem.changed()
        if changed:
            raise Failure(Status.WRONG, " and ".join(changed))
        self._versions = self._problem.versions()
        if self._world.left_at_work():
            self._require_lawful(name)

    def _require_same(self, name: str, result: object, *, all_of_it: bool) -> None:
        first = self._results[name]
        compared = len(first) if all_of_it else 1  # gradients are as large as the inputs
        if _same(as_tuple(result), first, compared):
            return
        seen = tuple(t.clone() if type(t) is torch.Tensor else t for t in as_tuple(result))
        at_work = self._late_at_work()
        if not self._require_lawful(name):
            return  # somebody else had changed the inputs
        if _same(seen, first, compared):
            raise _wrong("its result was not there yet when the call returned", at_work)
        try:  # Not the same bits, as atomic additions on a GPU may give: it has to be as good as the first one then.
            self._problem.judge(self._entries[name], seen if len(seen) > 1 else seen[0])
        except Failure as failure:
            raise _wrong(f"a timed call, unlike the first one: {failure.reason}", at_work) from failure

    def _try_if_lawful(self, name: str) -> None:
        """Try a contestant; only if it fails is it looked at whether somebody had changed the inputs before."""
        try:
            self._try(name)
        except Failure:
            if self._require_lawful(name):
                raise
            self._try(name)

    def _try(self, name: str, result: object = None) -> None:
        """Call a contestant on other contents of the same buffers: whatever it remembers is wrong then."""
        self._tried.add(name)
        self._suspects.add(name)
        with self._problem.disguised(self._rng) as disguised:
            try:
                with contestant():
                    again = self._calls[name]()
                at_work = self._world.left_at_work()  # now: it may be done when the result has been looked at
                disguised.judge(self._entries[name], again)
            except Failure as failure:
                if failure.status is not Status.WRONG:
                    raise
                reason = f"does not compute anew when its inputs change in place: {failure.reason}"
                raise _wrong(reason, at_work or self._late_at_work()) from failure
        self._require_lawful_at_a_glance(name)
        if _share_memory(as_tuple(result)[0], as_tuple(again)[0]):
            evidence = "a call overwrites the result of the call before it"
            self.flags[name] = (Flag(name="reuses_result", evidence=evidence),)

    def _late_at_work(self) -> list[str]:
        """Threads at work now, or in a moment: one that was handed work may not have begun."""
        at_work = self._world.left_at_work()
        if not at_work:
            sleep(_TO_GET_GOING_S)
            at_work = self._world.left_at_work()
        return at_work

    def _require_lawful(self, name: str) -> bool:
        """Whether inputs and process are as they were. If not they are now, and whoever changed them is guilty."""
        changed, at_work = self._put_right()
        for suspect in sorted(self._suspects) if changed or at_work else ():
            surely = changed if len(self._suspects) == 1 else ""  # a thread may be another one's, and wake up late
            if deed := surely or self._deed_of(suspect):
                self._guilty[suspect] = Failure(Status.WRONG, deed)
        self._suspects.clear()
        if name in self._guilty:
            raise self._guilty[name]
        return not changed

    def _deed_of(self, name: str) -> str:
        """What a contestant changes when it is called again; "" if nothing."""
        with suppress(Failure), contestant():
            for _ in range(_REPLAYS):
                self._calls[name]()
        at_work = self._late_at_work()
        changed, still_at_work = self._put_right()
        return changed or " and ".join(at_work) or still_at_work

    def _put_right(self) -> tuple[str, str]:
        """Give inputs and process back what they were; in words, what has changed and which threads are at work."""
        at_work = self._world.left_at_work()
        waited_s = 0.0
        while self._world.left_at_work() and waited_s < _TO_END_S:  # or what it does next is done unseen
            sleep(_TO_GET_GOING_S)
            waited_s += _TO_GET_GOING_S
        changed = self._problem.changed() + self._world.changes()
        if changed:
            self._problem.restore()
        if changed or at_work:
            self._world.restore()
        self._versions = self._problem.versions()
        return " and ".join(changed), " and ".join(at_work)


def _wrong(reason: str, at_work: list[str]) -> Failure:
    return Failure(Status.WRONG, ": ".join([*at_work, reason]))


def _same(got: tuple[object, ...], first: tuple[object, ...], compared: int) -> bool:
    return len(got) == len(first) and all(map(_equal, got[:compared], first[:compared]))


def _equal(a: object, b: object) -> bool:
    """Whether both are tensors, plain ones, and the same: a lazy one would compute when it is asked."""
    if not (type(a) is type(b) is torch.Tensor and (a.shape, a.dtype, a.device) == (b.shape, b.dtype, b.device)):
        return False
    return torch.equal(a, b) or torch.allclose(a, b, rtol=0, atol=0, equal_nan=True)  # slower, for rows of zeros


def _share_memory(a: object, b: object) -> bool:
    return isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor) and a.data_ptr() == b.data_ptr()
