"""A session: measures each case once, all selected contestants together, when a test first needs it."""

from collections import defaultdict
from collections.abc import Callable, Sequence

from implementations import Implementation, registry
from suites.measure import allocator
from suites.measure.phases import Phases
from suites.plan import Plan
from suites.records.case import CONTRACT, Case
from suites.records.record import End, Record


class Session:
    """Measures the cases of a plan that pytest selected, and hands on the records of each.

    Args:
        plan: cases and contestants.
        done: records of the run that is resumed. A case is complete if all its selected contestants have a record.
            Otherwise all its contestants are measured again, including those with a record.
        started: called with each case before it is measured.
        ended: called with each measured case, its contestants and their records.
        measure: one record for each of these contestants of a case.
        phases: adds up the time of each phase.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        done: Sequence[Record],
        started: Callable[[Case], None],
        ended: Callable[[Case, Sequence[Implementation], list[Record]], None],
        measure: Callable[[Case, Sequence[Implementation]], list[Record]],
        phases: Phases | None = None,
    ) -> None:
        if plan.allocator == "pinned":
            allocator.pin()
        self.plan = plan
        self.phases = phases or Phases()
        self._records: defaultdict[Case, dict[str, Record]] = defaultdict(dict)
        for record in done:
            self._records[record.case][record.implementation] = record
        self._selected: defaultdict[Case, set[str]] = defaultdict(set)
        self._started, self._measured, self._ended = started, measure, ended

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

    def end(self) -> End:
        """The end of the run: its wall time, by phase."""
        return End(wall_s=self.phases.wall_s, phases_s=dict(self.phases.seconds))

    def _is_done(self, case: Case) -> bool:
        return self._selected[case] <= self._records[case].keys()

    def _measure(self, case: Case) -> None:
        # Also those with a record already: a ratio needs both sides in the same rounds.
        taking_part = self._selected[case] | self._records[case].keys()
        names = (name for name in registry.names(CONTRACT[case.task]) if name in taking_part)
        contestants = list(map(self.plan.contestant, names))
        records = self._measured(case, contestants)
        with self.phases("saving and profiling"):
            self._ended(case, contestants, records)
        # Only now is the case done: a run whose last records could not be saved is incomplete.
        self._records[case] |= {record.implementation: record for record in records}
