"""Makes findings in this process: the errors of an implementation, a known bug, a training."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

from implementations import registry
from suites import always_one
from suites.contestants import against
from suites.errors.accuracy import accuracy_of
from suites.errors.black_box import BlackBox, finding
from suites.errors.contract import contract_of
from suites.errors.resolution import resolution_of
from suites.failure import Failure
from suites.families import FAMILIES
from suites.known_bugs import BUGS, look, unseen
from suites.measure.compiler import Compilations, forget_compiled
from suites.records.finding import Accuracy, Contract, Finding, Key, Resolution, Training
from suites.records.record import Status


@dataclass(frozen=True)
class Examination:
    """Make the finding `key`; what each question means is in `contract_of`."""

    key: Key
    structural: bool = True
    compile_anew: bool = True


class Examiner:
    """Makes findings one after the other; compiled functions are shared by those that follow each other.

    Args:
        baseline: that of --baseline, "" for each contract's own.
    """

    def __init__(self, baseline: str = "") -> None:
        self._baseline = baseline
        self._compiles: dict[str, bool] = {}
        self._compiled_for = ""

    def make(self, asked: Examination) -> Finding:
        """The finding."""
        key = asked.key
        self._forget_compiled(asked)
        if key.question == "known_bugs":
            return look(next(bug for bug in BUGS if bug.name == key.name))
        if key.question == "always_one":
            return _trainings()[key]()
        entry = against(registry.get(key.implementation), self._baseline)
        if key.question == "resolution":
            return resolution_of(entry, key.dtype, key.device)
        anew = asked.compile_anew or not self._is_compiled(key)
        if key.question == "accuracy":
            return accuracy_of(entry, key.name, key.dtype, key.device, compile_anew=anew)
        return contract_of(entry, key.dtype, key.device, structural=asked.structural, compile_anew=anew)

    def _is_compiled(self, key: Key) -> bool:
        """Whether an implementation compiles, by the compiler's counts before and after one ordinary call; cached."""
        name = key.implementation
        if name not in self._compiles:
            before = Compilations.now()
            with suppress(Failure):
                BlackBox(registry.get(name), key.dtype, key.device).ordinary_error()
                self._compiles[name] = Compilations.now().frames > before.frames
        return self._compiles.get(name, False)

    def _forget_compiled(self, asked: Examination) -> None:
        """Discard compiled functions unless families of equal rows share them: torch allows a function eight shapes."""
        key = asked.key
        own_shapes = asked.compile_anew and key.question == "accuracy" and not FAMILIES[key.name].rows
        shared = key.dtype and not own_shapes
        compiled_for = f"{key.device}-{key.dtype}" if shared else key.subject
        if compiled_for != self._compiled_for:
            forget_compiled()
            self._compiled_for = compiled_for


def unmade(key: Key, baseline: str, status: Status, reason: str) -> Finding:
    """The finding that could not be made, with the reason."""
    if key.question == "known_bugs":
        return unseen(next(bug for bug in BUGS if bug.name == key.name), f"{status}: {reason}")
    if key.question == "always_one":
        return always_one.unfinished(key, status, reason)
    entry = against(registry.get(key.implementation), baseline)
    if key.question == "accuracy":
        return finding(Accuracy, entry, key.dtype, key.device)(family=key.name, status=status, reason=reason)
    if key.question == "contract":
        return finding(Contract, entry, key.dtype, key.device)(status=status, reason=reason)
    return finding(Resolution, entry, key.dtype, key.device)(status=status, reason=reason)


@cache
def _trainings() -> dict[Key, Callable[[], Training]]:
    return dict(always_one.makers())
