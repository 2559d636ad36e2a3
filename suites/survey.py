"""The findings of a plan: what is asked beside speed, of implementations and of training, and what was found."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial

from implementations import registry
from suites import always_one
from suites.errors.accuracy import accuracy_of
from suites.errors.contract import contract_of
from suites.errors.resolution import resolution_of
from suites.errors.rows import Rows
from suites.failure import Failure
from suites.families import FAMILIES
from suites.known_bugs import BUGS, look
from suites.measure.compiler import Compilations, forget_compiled
from suites.measure.phases import Phases
from suites.plan import Plan
from suites.records.finding import Finding, key

Asked = tuple[str, str, str]
"""What a finding is of: the question, its subject, and the implementation."""


class Survey:
    """Makes each finding once, when it is first asked for, and hands it on.

    Args:
        plan: the grid's families, the dtypes and devices of its cases, and the contestants.
        done: findings of a run that is gone on with.
        looking: called with the name of each before it is made.
        found: called with each that was made.
        phases: told what the time went to.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        done: Iterable[Finding],
        looking: Callable[[str], None],
        found: Callable[[list[Finding]], None],
        phases: Phases,
    ) -> None:
        errors = dict(_makers(plan)) if plan.grid.families and not plan.own else {}
        self.wanted = bool(errors)
        self._makers = errors | dict(always_one.makers())
        self._compile_anew = plan.grid.compile_anew
        self._compiles: dict[str, bool] = {}
        self._findings = {key(finding): finding for finding in done}
        self._selected: set[Asked] = set()
        self._looking, self._found, self._phases = looking, found, phases
        self._compiled_for = ""

    def asked(self, question: str) -> list[Asked]:
        """Each subject of a question with each implementation that is asked it, in the order to ask them."""
        return [asked for asked in self._makers if asked[0] == question]

    def select(self, asked: Asked) -> None:
        """Tell that pytest selected a finding."""
        self._selected.add(asked)

    @property
    def left(self) -> int:
        """How many of the selected ones are still to be made."""
        return len(self._selected - self._findings.keys())

    @property
    def selected(self) -> int:
        """How many were selected."""
        return len(self._selected)

    def finding(self, asked: Asked) -> Finding:
        """What there is to find, looked for now if it was not before."""
        if asked not in self._findings:
            question, subject, _ = asked
            self._looking(f"{question} {subject}")
            self._forget_compiled(subject)
            finding = self._make(asked)
            self._found([finding])
            self._findings[asked] = finding
        return self._findings[asked]

    def _make(self, asked: Asked) -> Finding:
        make: Callable[..., Finding] = self._makers[asked]
        question, subject, name = asked
        with self._phases("training" if question == always_one.QUESTION else "error suite"):
            if question in ("accuracy", "contract") and not self._compile_anew and self._is_compiled(name, subject):
                make = partial(make, compile_anew=False)
            return make()

    def _is_compiled(self, name: str, subject: str) -> bool:
        """Whether an implementation compiles, told once, from what an ordinary call leaves with the compiler."""
        if name not in self._compiles:
            device, dtype, *_ = subject.split("-")
            before = Compilations.now()
            with suppress(Failure):
                Rows(registry.get(name), dtype, device).ordinary_error()
                self._compiles[name] = Compilations.now().frames > before.frames
        return self._compiles.get(name, False)

    def _forget_compiled(self, subject: str) -> None:
        """Families of equal rows share their compiled functions; others have many shapes, and a limit of eight."""
        device, dtype, family = [*subject.split("-"), "", ""][:3]
        shared = not self._compile_anew or family not in FAMILIES or FAMILIES[family].rows
        compiled_for = f"{device}-{dtype}" if shared else subject
        if compiled_for != self._compiled_for:
            forget_compiled()
            self._compiled_for = compiled_for


def _makers(plan: Plan) -> Iterator[tuple[Asked, Callable[[], Finding]]]:
    places = list(dict.fromkeys((case.device, case.dtype) for case in plan.cases))
    families = sorted(plan.grid.families, key=lambda name: not FAMILIES[name].rows)
    for device, dtype in places:
        for family in families:
            for entry in plan.implementations:
                asked = "accuracy", f"{device}-{dtype}-{family}", entry.name
                yield asked, partial(accuracy_of, entry, family, dtype, device)
        for entry in plan.implementations:
            taken = [place for place in places if place[0] in entry.devices and place[1] in entry.dtypes]
            structural = (device, dtype) == next(iter(taken), None)
            yield (
                ("contract", f"{device}-{dtype}", entry.name),
                partial(contract_of, entry, dtype, device, structural=structural),
            )
        for entry in plan.implementations:
            yield ("resolution", f"{device}-{dtype}", entry.name), partial(resolution_of, entry, dtype, device)
    for bug in BUGS:
        yield ("known_bugs", bug.name, ""), partial(look, bug)
