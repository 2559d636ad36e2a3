"""A session: each case is measured once, all of its selected contestants together, when it is first asked for."""

import dataclasses
import gc
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from implementations import Implementation, registry
from suites.inputs import make_inputs
from suites.measure import allocator
from suites.measure.phases import Phases
from suites.measure.problem import Pair
from suites.measure.rounds import Budget
from suites.plan import Plan
from suites.records.case import CONTRACT, Case
from suites.records.record import End, Record
from suites.replicates import Job, measure_apart, measure_here


class Session:
    """Measures what a plan and pytest's selection ask for, and hands on the records of each case as it ends.

    Args:
        plan: cases and contestants.
        done: records of a run that is gone on with; a case whose selected contestants all have one is not
            measured again, and one that is has all that have one in it again.
        started: called with each case before it is measured.
        ended: called with each case, its contestants and their records when it was.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        done: Sequence[Record],
        started: Callable[[Case], None],
        ended: Callable[[Case, Sequence[Implementation], list[Record]], None],
    ) -> None:
        if plan.allocator == "pinned":
            allocator.pin()
        gc.freeze()  # what is loaded stays: looking through it before each case's rounds takes a quarter of a second
        self.plan = plan
        self.phases = Phases()
        self._records: defaultdict[Case, dict[str, Record]] = defaultdict(dict)
        for record in done:
            self._records[record.case][record.implementation] = record
        self._selected: defaultdict[Case, set[str]] = defaultdict(set)
        self._started, self._ended = started, ended

    def select(self, task: str, case_id: str, name: str) -> None:
        """Tell that pytest selected a contestant of a case; those that it did not select are not measured."""
        self._selected[self.plan.case(task, case_id)].add(name)

    @property
    def left(self) -> dict[Case, int]:
        """The cases that are still to be measured, with the count of their contestants."""
        return {case: len(names) for case, names in self._selected.items() if not self._is_done(case)}

    @property
    def selected(self) -> int:
        """How many cases were selected."""
        return len(self._selected)

    def record(self, task: str, case_id: str, name: str) -> Record:
        """The record of an implementation on a case, which is measured now if it was not before."""
        case = self.plan.case(task, case_id)
        if not self._is_done(case):
            self._started(case)
            self._measure(case)
        return self._records[case][name]

    def make_inputs(self, case: Case) -> Pair:
        """x and y of a case, always the same."""
        return make_inputs(case, file=self.plan.own)

    def describe(self, absent: Mapping[str, str]) -> list[str]:
        """What is about to be measured, and who takes no part."""
        plan, cases = self.plan, _counted(len(self._selected), "case")
        counts = f"{cases} on {' and '.join(plan.devices)}, {_counted(len(plan.implementations), 'implementation')}"
        sampled = f"each ratio to ± {plan.grid.precision * 100:.3g} % or {plan.grid.seconds:g} s a contestant"
        if plan.processes > 1:
            sampled += f", over {plan.processes} processes"
        if done := len(self._selected) - len(self.left):
            sampled += f"; {_counted(done, 'case')} done already"
        return [
            f"grid {plan.grid.name}: {counts}, {sampled}",
            *([f"inputs {plan.own.description}"] if plan.own else []),
            *(f"{task} is left out: {reason}" for task, reason in plan.left_out.items()),
            *(f"{name} is absent: {reason}" for name, reason in absent.items()),
        ]

    def end(self) -> End:
        """How long the session took, and for what."""
        return End(wall_s=self.phases.wall_s, phases_s=dict(self.phases.seconds))

    @property
    def _budget(self) -> Budget:
        return Budget(seconds=self.plan.grid.seconds, precision=self.plan.grid.precision)

    def _is_done(self, case: Case) -> bool:
        return self._selected[case] <= self._records[case].keys()

    def _measure(self, case: Case) -> None:
        # Those that the run has already too: a ratio needs both in the same rounds.
        taking_part = self._selected[case] | self._records[case].keys()
        contestants = [registry.get(name) for name in registry.names(CONTRACT[case.task]) if name in taking_part]
        if self.plan.processes > 1:
            records = self._measure_apart(case, contestants)
        else:
            records = measure_here(case, contestants, self.plan.own, self._budget, self.phases)
        with self.phases("saving and profiling"):
            self._ended(case, contestants, records)
        # Only now is the case done: a run whose last records could not be saved has not come to its end.
        self._records[case] |= {record.implementation: record for record in records}

    def _measure_apart(self, case: Case, contestants: Sequence[Implementation]) -> list[Record]:
        plan, processes = self.plan, self.plan.processes
        job = Job(
            case=case,
            names=tuple(entry.name for entry in contestants),
            files=plan.files,
            inputs=plan.inputs,
            allocator=plan.allocator,
            budget=dataclasses.replace(self._budget, seconds=self._budget.seconds / processes),
        )
        return measure_apart(job, processes, self.phases)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" + "s" * (number != 1)
