"""How long a run will take: planned before it starts, corrected by what was measured since. Torch-free."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from time import perf_counter
from typing import TYPE_CHECKING

from suites.plugin.costs import COMPILED, COMPILER_START_S, SECOND_CALL, WAITING, WORK, Costs, Stage, StageKind
from suites.plugin.factors import Factors
from suites.records.case import Case
from suites.records.finding import Key

if TYPE_CHECKING:
    from suites.plan import Plan

_LEAST_S = 1e-3  # while anything is left; sums of differences end near 0
_OVERDUE = 0.25  # what is overdue is expected to take this share of the time since the last sign of life, again
_TRUSTED = 0.25  # from this share on, the pace of a stage alone says how long it takes
_SLOW_S = 0.02  # from here on a call counts for more than what surrounds it
_LONG_S = 0.5  # from here on a reader wonders why nothing moves


def planned_s(plan: "Plan", cases: Mapping[Case, Collection[str]], findings: Iterable[Key]) -> float:
    """The expected seconds of a run, before anything is measured.

    Args:
        plan: the budget, the processes and the contestants.
        cases: each case to measure, with the names of its contestants.
        findings: the key of each finding to make.
    """
    return Estimate(Costs.of(plan), cases, findings).left_s


class Estimate:
    """The seconds that are left of a run.

    Each case is a list of stages, and each finding is one. What a stage takes corrects the stages of its kind (see
    `Factors`); a wait for a quiet machine has no part in it. The second call of a contestant, after whatever its first
    call prepares, shows its pace: slow ones are planned anew in all their cases of the task.

    Args:
        costs: what stages are expected to take.
        cases: each case to measure, with the names of its contestants.
        findings: the key of each finding to make.
        now: a clock, in seconds.
    """

    def __init__(
        self,
        costs: Costs,
        cases: Mapping[Case, Collection[str]],
        findings: Iterable[Key],
        now: Callable[[], float] = perf_counter,
    ) -> None:
        self._now, self._costs, self._cases = now, costs, dict(cases)
        self._to_do: dict[Case | Key, list[Stage]] = {case: costs.case(case, names) for case, names in cases.items()}
        self._to_do |= {asked: [stage] for asked, stage in costs.findings(findings).items()}
        planned = [stage for stages in self._to_do.values() for stage in stages]
        self._left_s = defaultdict[StageKind, float](float)
        self._add(planned)
        self._factor = Factors(planned)
        self._start_s = COMPILER_START_S * any(stage.compiles for stage in planned)
        self._work: Case | Key | None = None
        self._running: Stage | None = None
        self._next: list[Stage] = []
        self.long_calls_s: dict[str, float] = {}  # seconds a call of those who are long in the case that runs
        self._calls: tuple[str, float] | None = None  # who makes its second call, and since when
        self._since = self._starts_s = 0.0  # when the stage began; the compiler's start in it
        # its share done, when that was said, and when it began anew
        self._share = self._share_s = self._again_s = 0.0
        self._waits_since: float | None = None
        self._waited_s = 0.0  # in the stage that runs

    def begin(self, work: Case | Key) -> None:
        """A case or a finding begins."""
        self._work, self._next = work, self._to_do.pop(work, [])
        if self._next:
            self._enter()
        self.long_calls_s = {}
        if isinstance(work, Case):
            for name in self._cases.get(work, ()):
                self._note_call(name, self._costs.call_s(work, name))

    def at(self, phase: str, name: str, share: float) -> None:
        """A case is in a phase, at a contestant, with a share of the phase done. Unknown phases are part of others."""
        self._stop()
        if phase == WAITING:
            self._waits_since = self._now()
        if phase == SECOND_CALL:
            self._calls = name, self._now()
        known = [self._running, *self._next] if self._running else []
        place = next((n for n, stage in enumerate(known) if stage.phase == phase and stage.name in ("", name)), None)
        if place is None:
            return
        if place:
            self._leave()
            self._skip_to(place - 1)
            self._enter()
        if share < self._share:
            self._again_s = self._spent_s
        self._share, self._share_s = share, self._spent_s

    def end(self) -> None:
        """The case or the finding that began last is done."""
        self._stop()
        self._leave()
        self._drop(self._next)
        self._next = []

    @property
    def left_s(self) -> float:
        """Seconds for the rest; 0 only if nothing is left."""
        if not (self._to_do or self._next or self._running):
            return 0.0
        left_s = self.running_s
        left_s += sum(seconds * self._factor(kind) for kind, seconds in self._left_s.items())
        if any(seconds > _LEAST_S for kind, seconds in self._left_s.items() if COMPILED in kind):
            left_s += self._start_s * self._factor.typical((WORK,))
        return max(_LEAST_S, left_s)

    @property
    def running_s(self) -> float:
        """Seconds for the rest of the stage that runs."""
        if not self._running:
            return 0.0
        whole_s, trust = self._usual_s, min(1.0, self._share / _TRUSTED)
        if self._share:
            paced_s = self._again_s + (self._share_s - self._again_s) / self._share
            whole_s = (1 - trust) * whole_s + trust * paced_s
        return max(whole_s - self._spent_s, _OVERDUE * (self._spent_s - self._share_s))

    @property
    def _spent_s(self) -> float:
        return self._now() - self._since

    @property
    def _usual_s(self) -> float:
        assert self._running
        start_s = self._starts_s * self._factor.typical((WORK,))
        return self._running.seconds * self._factor(self._running.kind) + start_s

    def _stop(self) -> None:
        """A wait or a second call is over. It shows a pace: if that matters, plan the cases of the task anew."""
        if self._waits_since is not None:
            self._waited_s += self._now() - self._waits_since
        self._waits_since = None
        calls, self._calls = self._calls, None
        if not (calls and isinstance(case := self._work, Case)):
            return
        name, took_s = calls[0], self._now() - calls[1]
        self._note_call(name, took_s)
        if name in self._cases.get(case, ()) and max(took_s, self._costs.call_s(case, name)) > _SLOW_S:
            self._costs = self._costs.corrected(case, name, took_s)
            self._plan_anew(case)

    def _note_call(self, name: str, seconds: float) -> None:
        self.long_calls_s.pop(name, None)
        if seconds >= _LONG_S:
            self.long_calls_s[name] = seconds

    def _plan_anew(self, running: Case) -> None:
        for case in self._to_do:
            if isinstance(case, Case) and case.task == running.task:
                self._drop(self._to_do[case])
                self._to_do[case] = self._costs.case(case, self._cases[case])
                self._add(self._to_do[case])
        anew = {(stage.phase, stage.name): stage for stage in self._costs.case(running, self._cases[running])}
        if self._running:
            self._running = anew[self._running.phase, self._running.name]
        self._drop(self._next)
        self._next = [anew[stage.phase, stage.name] for stage in self._next]
        self._add(self._next)

    def _enter(self) -> None:
        self._running, self._since = self._next.pop(0), self._now()
        self._drop([self._running])
        if self._running.compiles:
            self._starts_s, self._start_s = self._start_s, 0.0
        self._share = self._share_s = self._again_s = self._waited_s = 0.0

    def _leave(self) -> None:
        if self._running:
            whole = self._running._replace(seconds=self._running.seconds + self._starts_s)
            self._factor.learn(whole, self._spent_s - self._waited_s)
        self._running, self._starts_s = None, 0.0

    def _skip_to(self, place: int) -> None:
        """Put one of the next stages first; those of earlier phases are left out, contestants come in any order."""
        stage, before = self._next[place], self._next[:place]
        self._drop(one for one in before if one.phase != stage.phase)
        self._next[: place + 1] = [stage, *(one for one in before if one.phase == stage.phase)]

    def _add(self, stages: Iterable[Stage]) -> None:
        for stage in stages:
            self._left_s[stage.kind] += stage.seconds

    def _drop(self, stages: Iterable[Stage]) -> None:
        for stage in stages:
            self._left_s[stage.kind] -= stage.seconds
