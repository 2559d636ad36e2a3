"""The findings of a plan: results other than speed, about implementations, torch and training loops."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial

from implementations import registry
from suites import always_one
from suites.errors.accuracy import accuracy_of
from suites.errors.black_box import BlackBox
from suites.errors.contract import contract_of
from suites.errors.resolution import resolution_of
from suites.failure import Failure
from suites.families import FAMILIES
from suites.known_bugs import BUGS, look
from suites.measure.compiler import Compilations, forget_compiled
from suites.measure.phases import Phases
from suites.plan import Plan
from suites.records.case import CONTRACT
from suites.records.finding import Finding, Key, key


class Survey:
    """Makes each finding once, when a test first needs it, and passes it on.

    Args:
        plan: the grid's families, the dtypes and devices of its cases, and the contestants.
        done: findings of the run that is resumed.
        looking: called with the key of each finding before it is made.
        found: called with each new finding.
        phases: adds up the time of each phase.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        done: Iterable[Finding],
        looking: Callable[[Key], None],
        found: Callable[[list[Finding]], None],
        phases: Phases,
    ) -> None:
        errors = dict(_makers(plan)) if plan.grid.families else {}
        self.wanted = bool(errors)
        self._makers = errors | dict(always_one.makers())
        self._compile_anew = plan.grid.compile_anew
        self._compiles: dict[str, bool] = {}
        self._findings = {key(finding): finding for finding in done}
        self._selected: set[Key] = set()
        self._looking, self._found, self._phases = looking, found, phases
        self._compiled_for = ""

    def asked(self, question: str) -> list[Key]:
        """The keys of a question's findings, in the order in which they are made."""
        return [asked for asked in self._makers if asked.question == question]

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
            self._forget_compiled(asked)
            finding = self._make(asked)
            self._found([finding])
            self._findings[asked] = finding
        return self._findings[asked]

    def _make(self, asked: Key) -> Finding:
        make: Callable[..., Finding] = self._makers[asked]
        with self._phases("training" if asked.question == "always_one" else "error suite"):
            if asked.question in ("accuracy", "contract") and not self._compile_anew and self._is_compiled(asked):
                make = partial(make, compile_anew=False)
            return make()

    def _is_compiled(self, asked: Key) -> bool:
        """Whether an implementation compiles, by the compiler's counts before and after one ordinary call; cached."""
        name = asked.implementation
        if name not in self._compiles:
            before = Compilations.now()
            with suppress(Failure):
                BlackBox(registry.get(name), asked.dtype, asked.device).ordinary_error()
                self._compiles[name] = Compilations.now().frames > before.frames
        return self._compiles.get(name, False)

    def _forget_compiled(self, asked: Key) -> None:
        """Discard compiled functions unless families of equal rows share them: torch allows a function eight shapes."""
        own_shapes = self._compile_anew and asked.question == "accuracy" and not FAMILIES[asked.name].rows
        shared = asked.dtype and not own_shapes
        compiled_for = f"{asked.device}-{asked.dtype}" if shared else asked.subject
        if compiled_for != self._compiled_for:
            forget_compiled()
            self._compiled_for = compiled_for


def _makers(plan: Plan) -> Iterator[tuple[Key, Callable[[], Finding]]]:
    met = dict.fromkeys((case.device, case.dtype, CONTRACT[case.task]) for case in plan.cases)
    families = sorted(plan.grid.families, key=lambda name: not FAMILIES[name].rows)
    for device, dtype in dict.fromkeys(place[:2] for place in met):
        implementations = [entry for entry in plan.implementations if (device, dtype, entry.task) in met]
        for family in families:
            for entry in implementations:
                asked = Key("accuracy", device, dtype, family, entry.name)
                yield asked, partial(accuracy_of, entry, family, dtype, device)
        for entry in implementations:
            own = [(d, t) for d, t, contract in met if contract == entry.task]
            taken = [(d, t) for d, t in own if d in entry.devices and t in entry.dtypes]
            structural = (device, dtype) == next(iter(taken), None)
            asked = Key("contract", device, dtype, implementation=entry.name)
            yield asked, partial(contract_of, entry, dtype, device, structural=structural)
        for entry in implementations:
            asked = Key("resolution", device, dtype, implementation=entry.name)
            yield asked, partial(resolution_of, entry, dtype, device)
    for bug in BUGS if "known_bugs" not in plan.left_out else ():
        yield Key("known_bugs", name=bug.name), partial(look, bug)
