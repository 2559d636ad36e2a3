"""A session: measures each case once, all selected contestants together, when a test first needs it."""

import dataclasses
import gc
from collections import defaultdict
from collections.abc import Callable, Sequence

from implementations import Implementation, registry
from suites.inputs import make_inputs
from suites.measure import allocator
from suites.measure.phases import Phases, SignOfLife
from suites.measure.problem import Pair
from suites.measure.quiet import HostWatch
from suites.measure.rounds import Budget
from suites.plan import Plan
from suites.records.case import CONTRACT, Case
from suites.records.record import End, Record
from suites.replicates import Job, measure_apart, measure_here


class Session:
    """Measures the cases of a plan that pytest selected, and hands on the records of each.

    Args:
        plan: cases and contestants.
        done: records of the run that is resumed. A case is complete if all its selected contestants have a record.
            Otherwise all its contestants are measured again, including those with a record.
        started: called with each case before it is measured.
        ended: called with each measured case, its contestants and their records.
        alive: called while a case is measured, between timed calls.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        done: Sequence[Record],
        started: Callable[[Case], None],
        ended: Callable[[Case, Sequence[Implementation], list[Record]], None],
        alive: SignOfLife | None = None,
    ) -> None:
        if plan.allocator == "pinned":
            allocator.pin()
        gc.freeze()  # else each case's collection scans all loaded objects for a quarter of a second
        self.plan = plan
        self.phases, self._watch = Phases(alive=alive), HostWatch()
        self._records: defaultdict[Case, dict[str, Record]] = defaultdict(dict)
        for record in done:
            self._records[record.case][record.implementation] = record
        self._selected: defaultdict[Case, set[str]] = defaultdict(set)
        self._started, self._ended = started, ended

    def select(self, task: str, case_id: str, name: str) -> None:
        """Note that pytest selected a contestant of a case; the others are not measured."""
        self._selected[self.plan.case(task, case_id)].add(name)

    @property
    def left(self) -> dict[Case, frozenset[str]]:
        """The cases still to be measured, each with the names of its contestants."""
        return {case: names for case, names in self.selected.items() if not self._is_done(case)}

    @property
    def selected(self) -> dict[Case, frozenset[str]]:
        """The cases that pytest selected, each with the names of its contestants."""
        return {case: frozenset(names) for case, names in self._selected.items()}

    def record(self, task: str, case_id: str, name: str) -> Record:
        """The record of an implementation on a case, measured now unless it exists."""
        case = self.plan.case(task, case_id)
        if not self._is_done(case):
            self._started(case)
            self._measure(case)
        return self._records[case][name]

    def make_inputs(self, case: Case) -> Pair:
        """x and y of a case, always the same."""
        return make_inputs(case, files=self.plan.inputs)

    def end(self) -> End:
        """The end of the run: its wall time, by phase."""
        return End(wall_s=self.phases.wall_s, phases_s=dict(self.phases.seconds))

    @property
    def _budget(self) -> Budget:
        return Budget(seconds=self.plan.grid.seconds, precision=self.plan.grid.precision)

    def _is_done(self, case: Case) -> bool:
        return self._selected[case] <= self._records[case].keys()

    def _measure(self, case: Case) -> None:
        # Also those with a record already: a ratio needs both sides in the same rounds.
        taking_part = self._selected[case] | self._records[case].keys()
        contestants = [registry.get(name) for name in registry.names(CONTRACT[case.task]) if name in taking_part]
        if self.plan.processes > 1:
            records = self._measure_apart(case, contestants)
        else:
            records = measure_here(case, contestants, self.plan.inputs, self._budget, self.phases, self._watch)
        with self.phases("saving and profiling"):
            self._ended(case, contestants, records)
        # Only now is the case done: a run whose last records could not be saved is incomplete.
        self._records[case] |= {record.implementation: record for record in records}

    def _measure_apart(self, case: Case, contestants: Sequence[Implementation]) -> list[Record]:
        plan, processes = self.plan, self.plan.processes
        job = Job(
            case=case,
            names=tuple(entry.name for entry in contestants),
            files=plan.files,
            inputs=plan.inputs[case.inputs].source if case.inputs in plan.inputs else None,
            allocator=plan.allocator,
            budget=dataclasses.replace(self._budget, seconds=self._budget.seconds / processes),
        )
        return measure_apart(job, processes, self.phases)
