"""How long a run will take: planned before it starts, corrected by what was measured since. Torch-free."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

from suites.plugin.costs import COMPILED, COMPILER_START_S, WAITING, WORK, Costs, Stage, StageKind
from suites.records.case import Case
from suites.records.finding import Key

if TYPE_CHECKING:
    from suites.plan import Plan

_PRIOR, _PRIOR_S = 0.02, 0.5  # the kind above weighs as much as this share of a kind, at most as these seconds of it
_LEAST_S = 1e-3  # while anything is left; sums of differences end near 0
_OVERDUE = 0.25  # what is overdue is expected to take this share of the time since the last sign of life, again
_DOUBT = 3  # the kind above counts as much as so many kinds just below
_TRUSTED = 0.25  # from this share on, the pace of a stage alone says how long it takes


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

    Each case is a list of stages, and each finding is one. What a stage takes corrects the stages of its kind: by the
    ratio of their measured to their expected seconds. It starts from the median over the kinds next to it.
    A wait for a quiet machine has no part in it.

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
        self._now = now
        self._to_do: dict[Case | Key, list[Stage]] = {case: costs.case(case, names) for case, names in cases.items()}
        self._to_do |= {asked: [costs.finding(asked)] for asked in findings}
        planned = [stage for stages in self._to_do.values() for stage in stages]
        self._left_s, self._whole_s, self._expected_s, self._measured_s = (
            defaultdict[StageKind, float](float) for _ in range(4)
        )
        self._below = defaultdict[StageKind, set[StageKind]](set)
        self._factors: dict[StageKind, float] = {}  # since the last stage ended
        for stage in planned:
            self._left_s[stage.kind] += stage.seconds
            for level in levels(stage.kind):
                self._whole_s[level] += stage.seconds
                self._below[level[:-1]].add(level)
        self._start_s = COMPILER_START_S * any(stage.compiles for stage in planned)
        self._running: Stage | None = None
        self._next: list[Stage] = []
        self._since = 0.0  # when the stage began; its share done, when that was said, and when it began anew
        self._share = self._share_s = self._again_s = 0.0
        self._waits_since: float | None = None
        self._waited_s = 0.0  # in the stage that runs

    def begin(self, work: Case | Key) -> None:
        """A case or a finding begins."""
        self._next = self._to_do.pop(work, [])
        if self._next:
            self._enter()

    def at(self, phase: str, name: str, share: float) -> None:
        """A case is in a phase, at a contestant, with a share of the phase done. Unknown phases are part of others."""
        self._stop_waiting()
        if phase == WAITING:
            self._waits_since = self._now()
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
        self._stop_waiting()
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
            left_s += self._start_s * self._typical((WORK,), 1.0)
        return max(_LEAST_S, left_s)

    @property
    def running_s(self) -> float:
        """Seconds for the rest of the stage that runs."""
        if not self._running:
            return 0.0
        whole_s, trust = self._usual_s(self._running), min(1.0, self._share / _TRUSTED)
        if self._share:
            paced_s = self._again_s + (self._share_s - self._again_s) / self._share
            whole_s = (1 - trust) * whole_s + trust * paced_s
        return max(whole_s - self._spent_s, _OVERDUE * (self._spent_s - self._share_s))

    @property
    def _spent_s(self) -> float:
        return self._now() - self._since

    def _stop_waiting(self) -> None:
        if self._waits_since is not None:
            self._waited_s += self._now() - self._waits_since
        self._waits_since = None

    def _enter(self) -> None:
        stage = self._next.pop(0)
        self._left_s[stage.kind] -= stage.seconds
        if stage.compiles:
            stage, self._start_s = stage._replace(seconds=stage.seconds + self._start_s), 0.0
        self._running, self._since = stage, self._now()
        self._share = self._share_s = self._again_s = self._waited_s = 0.0

    def _leave(self) -> None:
        if self._running:
            for level in levels(self._running.kind):
                self._expected_s[level] += self._running.seconds
                self._measured_s[level] += self._spent_s - self._waited_s
            self._factors.clear()
        self._running = None

    def _skip_to(self, place: int) -> None:
        """Put one of the next stages first; those of earlier phases are left out, contestants come in any order."""
        stage, before = self._next[place], self._next[:place]
        self._drop(one for one in before if one.phase != stage.phase)
        self._next[: place + 1] = [stage, *(one for one in before if one.phase == stage.phase)]

    def _drop(self, stages: Iterable[Stage]) -> None:
        for stage in stages:
            self._left_s[stage.kind] -= stage.seconds

    def _usual_s(self, stage: Stage) -> float:
        return stage.seconds * self._factor(stage.kind)

    def _factor(self, kind: StageKind) -> float:
        """Measured over expected seconds of a kind; what is not measured yet is taken from the kind above."""
        if kind not in self._factors:
            factor = 1.0
            for level in levels(kind[:-1]):
                factor = self._typical(level, factor)
            self._factors[kind] = self._ratio(kind, factor)
        return self._factors[kind]

    def _ratio(self, level: StageKind, factor: float) -> float:
        prior_s = min(_PRIOR_S, _PRIOR * self._whole_s[level])
        expected_s = self._expected_s[level] + prior_s
        return (self._measured_s[level] + prior_s * factor) / expected_s if expected_s else factor

    def _typical(self, level: StageKind, factor: float) -> float:
        """The median over the measured kinds just below: one that is far off says little about the others."""
        below = [kind for kind in self._below[level] if self._expected_s[kind]]
        return median([factor] * _DOUBT + [self._measured_s[kind] / self._expected_s[kind] for kind in below])


def levels(kind: StageKind) -> Iterator[StageKind]:
    """The kinds that a kind is part of, from the most general to itself."""
    return (kind[:end] for end in range(1, len(kind) + 1))
