"""Whether timed calls compute what the first, checked call computed.

A contestant that returned the right result once is timed in thousands of calls whose results are thrown away. So
results of timed calls are compared with the first one, inputs change secretly at the same addresses, and inputs and
process are checked for changes and restored (suites/measure/blame.py).
"""

import random
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack

import torch

from implementations import Implementation
from suites.failure import Failure, contestant
from suites.measure.blame import Blame
from suites.measure.phases import Phases
from suites.measure.problem import Problem, as_tuple, call_of
from suites.measure.sameness import same_results, share_memory
from suites.measure.world import World
from suites.records.record import Flag, Status

_CHECKED = 1 / 8  # of the samples are followed by a spot check
_SHARE = 0.02  # of the time, at most
_CHEAP = 1 << 16  # elements that take less time to compare than a sample takes


class Inspector:
    """Checks results of timed calls, and makes spot checks: calls with secretly changed inputs.

    Args:
        problem: the case, its inputs and its truth.
        entries: name to the contestant.
        calls: name to the call that is timed.
        results: name to the first result, which was checked against the truth.
        world: this process before any contestant was called.
        rng: draws the spot checks, so a contestant cannot predict them.
        phases: its clock limits the inspector's own share of the time, and it hears which contestant is called.
        slow: contestants whose calls take so long that their samples are their spot checks.
    """

    def __init__(
        self,
        problem: Problem,
        entries: Mapping[str, Implementation],
        calls: Mapping[str, Callable[[], object]],
        results: Mapping[str, tuple[object, ...]],
        world: World,
        rng: random.Random,
        phases: Phases,
        slow: Iterable[str] = (),
    ) -> None:
        self._problem, self._entries, self._calls, self._results = problem, entries, calls, results
        self._world, self._rng, self._phases = world, rng, phases
        self._slow, self._checked = set(slow), set(slow)
        self._blame = Blame(problem, calls, world, phases, self._slow)
        self._in_samples: set[str] = set()
        self._disguised: Problem | None = None
        self._disguise = ExitStack()
        self._spent, self._started = 0.0, phases.now()
        self.flags: dict[str, tuple[Flag, ...]] = {}

    def ready(self, name: str) -> None:
        """Before a sample of a slow contestant, change its inputs in secret: no further call is spent on a check."""
        warm = len(self._problem.copies) == 1  # else it is another copy's turn
        if name in self._slow and warm and not self._entries[name].prepare:
            self._disguised = self._disguise.enter_context(self._problem.disguised(self._rng))

    def __call__(self, name: str, result: object) -> bool:
        """Check a result of a sample, or clean up after the `Failure` that ended it: whether another had caused it.

        Raises:
            Failure: with the status `wrong`, the result does not follow from the inputs, or the inputs or this process
                were changed.
        """
        disguised, self._disguised = self._disguised, None
        if disguised and not isinstance(result, Failure):
            self._inspect_disguised(name, result, disguised)
            return False
        self._disguise.close()
        if isinstance(result, Failure):
            return self._blame.clean_up(name) and result.status is not Status.WRONG  # what it did itself stays its own
        if name in self._blame.guilty:
            raise self._blame.guilty[name]
        self._inspect(name, result)
        return False

    def finish(self, names: Iterable[str]) -> dict[str, Failure]:
        """A last spot check of each of these contestants; the failures of all that do not pass.

        Those whose samples were spot checks are not called again.
        """
        failures = {}
        self._blame.check()
        for name in (name for name in names if name not in self._in_samples):
            try:
                self._retry_if_changed(name)
            except Failure as failure:
                failures[name] = failure
        self._blame.check()
        return self._blame.guilty | failures

    def _inspect(self, name: str, result: object) -> None:
        self._blame.suspect(name)
        self._blame.check_at_a_glance(name)
        affordable = self._spent <= _SHARE * (self._phases.now() - self._started)
        again = name not in self._slow and affordable and self._rng.random() < _CHECKED
        spot_check = name not in self._checked or again
        if spot_check or self._problem.truth.size <= _CHEAP:
            self._require_same(name, result, gradients_too=spot_check)
        if spot_check:
            start = self._phases.now()
            self._blame.check(name)
            self._spot_check(name, result)
            self._spent += self._phases.now() - start

    def _inspect_disguised(self, name: str, result: object, disguised: Problem) -> None:
        """Judge the result of a sample whose inputs had been changed in secret, and restore them."""
        self._blame.suspect(name)
        try:
            with self._disguise:
                self._require_anew(name, result, disguised)
        except Failure:
            self._in_samples.discard(name)
            if self._blame.check(name):
                raise
            return  # another contestant had changed the inputs: the last spot check decides
        self._in_samples.add(name)
        self._blame.check_at_a_glance(name)
        self._blame.check(name)

    def _require_same(self, name: str, result: object, *, gradients_too: bool) -> None:
        first = self._results[name]
        compared = len(first) if gradients_too else 1  # gradients are as large as the inputs
        checked = tuple(map(self._problem.checked, as_tuple(result)))
        if same_results(checked, first, compared):
            return
        seen = tuple(t.clone() if type(t) is torch.Tensor else t for t in as_tuple(result))
        at_work = self._blame.at_work()
        if not self._blame.check(name):
            return  # another contestant had changed the inputs
        if same_results(tuple(map(self._problem.checked, seen)), first, compared):
            raise _wrong("its result was not there yet when the call returned", at_work)
        try:  # Atomic additions on a GPU may give other bits: they must be as close to the truth as the first ones.
            self._problem.judge(self._entries[name], seen if len(seen) > 1 else seen[0])
        except Failure as failure:
            raise _wrong(f"a timed call, unlike the first one: {failure.reason}", at_work) from failure

    def _retry_if_changed(self, name: str) -> None:
        """Spot-check a contestant, and again if it failed because another one had changed the inputs before."""
        try:
            self._spot_check(name)
        except Failure:
            if self._blame.check(name):
                raise
            self._spot_check(name)

    def _spot_check(self, name: str, result: object = None) -> None:
        """Call a contestant on other contents of the same buffers: a remembered result is wrong there.

        One that prepares its corpus is called twice: with other queries and the corpus as it is prepared, then with
        another corpus, prepared anew.
        """
        self._checked.add(name)
        self._phases.alive(name)
        self._blame.suspect(name)
        for which in (0, 1) if self._entries[name].prepare else (None,):
            again = self._ask_anew(name, which)
        self._blame.check_at_a_glance(name)
        if share_memory(as_tuple(result)[0], as_tuple(again)[0]):
            evidence = "a call overwrites the result of the call before it"
            self.flags[name] = (Flag(name="reuses_result", evidence=evidence),)

    def _ask_anew(self, name: str, which: int | None) -> object:
        """The result with one changed row of either operand, or of operand `which`."""
        entry = self._entries[name]
        with self._problem.disguised(self._rng, which) as disguised:
            with contestant():
                anew = entry.prepare is not None and which == 1
                call = call_of(disguised.case, entry, disguised.inputs) if anew else self._calls[name]
                again = call()
            self._require_anew(name, again, disguised)
        return again

    def _require_anew(self, name: str, result: object, disguised: Problem) -> None:
        """Raise a `Failure` if a result is not that of the changed inputs."""
        at_work = self._world.left_at_work()  # now: the thread may end while the result is checked
        try:
            disguised.judge(self._entries[name], result)
        except Failure as failure:
            if failure.status is not Status.WRONG:
                raise
            reason = f"does not compute anew when its inputs change in place: {failure.reason}"
            raise _wrong(reason, at_work or self._blame.at_work()) from failure


def _wrong(reason: str, at_work: list[str]) -> Failure:
    return Failure(Status.WRONG, ": ".join([*at_work, reason]))
