"""The findings of a plan: results other than speed, about implementations, torch and training loops."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from suites import always_one
from suites.examiner import Examination
from suites.families import FAMILIES
from suites.known_bugs import BUGS
from suites.plan import Plan
from suites.records.case import CONTRACT
from suites.records.finding import Finding, Key, key


class Survey:
    """Makes each finding once, when a test first needs it, and passes it on.

    Args:
        plan: the grid's families, the dtypes and devices of its cases, and the contestants.
        done: findings of the run that is resumed.
        make: makes a finding.
        looking: called with the key of each finding before it is made.
        found: called with each new finding.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        done: Iterable[Finding],
        make: Callable[[Examination], Finding],
        looking: Callable[[Key], None],
        found: Callable[[list[Finding]], None],
    ) -> None:
        errors = {one.key: one for one in _examinations(plan)} if plan.grid.families else {}
        self.wanted = bool(errors)
        self._asked = errors | {asked: Examination(asked) for asked, _ in always_one.makers()}
        self._findings = {key(finding): finding for finding in done}
        self._selected: set[Key] = set()
        self._make, self._looking, self._found = make, looking, found

    def asked(self, question: str) -> list[Key]:
        """The keys of a question's findings, in the order in which they are made."""
        return [asked for asked in self._asked if asked.question == question]

    def select(self, asked: Key) -> None:
        """Note that pytest selected a finding."""
        self._selected.add(asked)

    @property
    def left(self) -> int:
        """How many selected findings are still to be made."""
        return len(self._selected - self._findings.keys())

    @property
    def selected(self) -> int:
        """How many findings pytest selected."""
        return len(self._selected)

    def finding(self, asked: Key) -> Finding:
        """The finding with this key, made now unless the run has it."""
        if asked not in self._findings:
            self._looking(asked)
            finding = self._make(self._asked[asked])
            self._found([finding])
            self._findings[asked] = finding
        return self._findings[asked]


def _examinations(plan: Plan) -> Iterator[Examination]:
    met = dict.fromkeys((case.device, case.dtype, CONTRACT[case.task]) for case in plan.cases)
    families = sorted(plan.grid.families, key=lambda name: not FAMILIES[name].rows)
    make = partial(Examination, compile_anew=plan.grid.compile_anew)
    for device, dtype in dict.fromkeys(place[:2] for place in met):
        implementations = [entry for entry in plan.implementations if (device, dtype, entry.task) in met]
        for family in families:
            for entry in implementations:
                yield make(Key("accuracy", device, dtype, family, entry.name))
        for entry in implementations:
            own = [(d, t) for d, t, contract in met if contract == entry.task]
            taken = [(d, t) for d, t in own if d in entry.devices and t in entry.dtypes]
            structural = (device, dtype) == next(iter(taken), None)
            yield make(Key("contract", device, dtype, implementation=entry.name), structural=structural)
        for entry in implementations:
            yield make(Key("resolution", device, dtype, implementation=entry.name))
    for bug in BUGS if "known_bugs" not in plan.left_out else ():
        yield make(Key("known_bugs", name=bug.name))
