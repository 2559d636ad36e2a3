"""What a case and a finding are expected to take, in seconds, from their sizes alone. Torch-free, without a clock.

The constants are those of two cores of a server. `suites/plugin/estimate.py` corrects them by what is measured.
"""

import functools
import inspect
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from suites.records.case import Case
from suites.records.finding import Key

if TYPE_CHECKING:
    from suites.plan import Plan

COMPILER_START_S = 3.0
"""The first compilation of a process also loads the compiler."""

_BYTES_A_SECOND = {"float64": 5e9, "float32": 4e9, "float16": 5e8, "bfloat16": 2e9}
_PREPARE_S, _BYTES_PREPARED = 0.02, 2e8  # inputs, their copies and the oracle, in bytes a second
_FIRST_S, _COMPILE_S, _WARM_UP_S, _PROCESS_S = 0.02, 0.6, 0.08, 4.0
_FEWEST_SAMPLES, _CHECKED_CALLS = 16, 8
_FINDING_S = {"accuracy": 0.015, "contract": 0.1, "resolution": 0.1, "known_bugs": 1.0, "always_one": 1.4}
_OF_COMPILED_S = {"contract": 0.7, "resolution": 0.3}


class Stage(NamedTuple):
    """A part of a case, or a finding: the contestant if it is one's own, and the expected seconds.

    `kind` is what other stages have in common with it, from the general to the special.
    """

    kind: tuple[str, ...]
    seconds: float
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class Costs:
    """The expected stages of cases and findings.

    Args:
        seconds: the budget of each contestant in a case.
        processes: over how many processes a case is spread.
        compile_anew: whether compiled implementations answer what they would compile again for.
        compiled: the names of the implementations that compile.
    """

    seconds: float
    processes: int = 1
    compile_anew: bool = True
    compiled: Collection[str] = ()

    @classmethod
    def of(cls, plan: "Plan") -> "Costs":
        """The costs of a plan."""
        return cls(
            seconds=plan.grid.seconds,
            processes=plan.processes,
            compile_anew=plan.grid.compile_anew,
            compiled=frozenset(entry.name for entry in plan.implementations if compiles(entry.fn)),
        )

    def case(self, case: Case, names: Collection[str]) -> list[Stage]:
        """The stages of a case, in their order."""
        call_s, of_case = _call_s(case), (case.task, case.dtype)
        warm_up_s = max(min(self.seconds, _WARM_UP_S), 3 * call_s)
        samples_s = max(self.seconds, _FEWEST_SAMPLES * self.processes * call_s) + _CHECKED_CALLS * call_s
        apart_s = self.processes * _PROCESS_S if self.processes > 1 else 0.0
        return [
            Stage(("set-up", *of_case), _PREPARE_S + apart_s + self.processes * case.input_bytes / _BYTES_PREPARED),
            *(self._first_call(case, name, call_s) for name in names),
            Stage(("warm-up", *of_case), self.processes * warm_up_s * len(names)),
            Stage(("samples", *of_case), samples_s * (len(names) + 1)),
        ]

    def _first_call(self, case: Case, name: str, call_s: float) -> Stage:
        compiled = name in self.compiled
        graphs = 2 if case.direction == "forward+backward" else 1
        seconds = graphs * _COMPILE_S if compiled else _FIRST_S
        kind = ("first call", "compiled" if compiled else "eager", name)
        return Stage(kind, self.processes * (seconds + _CHECKED_CALLS * call_s), name)

    def finding(self, asked: Key) -> Stage:
        """A finding's only stage."""
        compiled = asked.implementation in self.compiled
        seconds = _OF_COMPILED_S.get(asked.question, 0.0) if compiled else 0.0
        if compiled and asked.question == "accuracy" and (self.compile_anew or asked.name == "prescribed"):
            seconds = _COMPILE_S
        kind = (asked.question, "compiled" if compiled else "eager")
        return Stage(kind, seconds or _FINDING_S.get(asked.question, 0.1), asked.implementation)


def _call_s(case: Case) -> float:
    if case.task == "pairwise":
        n, m, d = case.shape
        return 1e-5 + 2.0 * n * m * d * 4 / _BYTES_A_SECOND[case.dtype] / 16
    directions = 3 if case.direction == "forward+backward" else 1
    return 1e-5 + 2.0 * directions * case.input_bytes / _BYTES_A_SECOND[case.dtype]


def compiles(fn: Callable[..., object]) -> bool:
    """Whether the file of a function speaks of torch.compile: a guess, which the first call then corrects."""
    file = inspect.getsourcefile(inspect.unwrap(fn))
    return bool(file) and _mentions_compile(str(file))


@functools.cache
def _mentions_compile(file: str) -> bool:
    try:
        return "torch.compile" in Path(file).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
