"""What a case and a finding are expected to take, in seconds, from their sizes alone. Torch-free, without a clock.

The constants are those of two cores of a server. `suites/plugin/estimate.py` corrects them by what is measured.
"""

import functools
import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from implementations import Implementation
from suites.records.case import Case
from suites.records.finding import Key

if TYPE_CHECKING:
    from suites.plan import Plan

COMPILER_START_S = 3.0
"""The first compilation of a process also loads the compiler."""

WORK, BUDGET, COMPILED = "work", "budget", "compiled"
"""Roots of kinds: what a slow machine makes longer, and what has a budget; and what compiles."""

_BYTES_A_SECOND = {"float64": 7e9, "float32": 7e9, "float16": 3e9, "bfloat16": 3e9}
_CALL_S, _PRODUCTS_A_SECOND, _BACKWARD, _OF_ANGLES = 2e-5, 5e9, 2, 6
_PREPARE_S, _BYTES_PREPARED = 0.02, 2e8  # inputs, their copies and the oracle, in bytes a second
_FIRST_S, _COMPILE_S, _WARM_UP_S, _PROCESS_S = 0.01, 0.45, 0.05, 5.0
_WARM_UP_CALLS, _FEWEST_SAMPLES, _OVER_BUDGET, _CHECKED_CALLS = 3, 16, 1.25, 8
_FINDING_S = {
    "accuracy": 0.006,
    "long_rows": 0.15,
    "contract": 0.04,
    "resolution": 0.07,
    "known_bugs": 0.04,
    "kernel_of_another_capability": 10.0,  # two fresh processes, which compile
    "always_one": 1.4,
}
"""By question, or by the name of a family or a bug."""

_COMPILING_S = {"accuracy": 0.4, "contract": 0.1, "resolution": 0.05}
_UNUSUAL = {
    *("long_rows", "broadcast", "size_one_and_empty", "layouts", "aliasing", "mixed_dtypes", "eps_extremes"),
    *("split_k", "tf32_canary", "gradients", "metamorphic"),
}
ORDINARY = "prescribed"
"""The family that is asked first: a compiled implementation compiles for it."""


StageKind = tuple[str, ...]
"""What a stage has in common with others, from the general to the special."""


class Stage(NamedTuple):
    """A part of a case, or a finding.

    `phase` is that of suites/measure, or the finding's question. Stages of one `kind` turn out longer or shorter than
    expected together. `name` is the contestant, "" for all of a case.
    """

    phase: str
    kind: StageKind
    seconds: float
    name: str = ""

    @property
    def compiles(self) -> bool:
        """Whether it is expected to compile."""
        return COMPILED in self.kind


@dataclass(frozen=True, kw_only=True)
class Costs:
    """The expected stages of cases and findings.

    Args:
        implementations: those of the plan, by name.
        seconds: the budget of each contestant in a case.
        processes: over how many processes a case is spread.
        compile_anew: whether compiled implementations answer what they would compile again for.
    """

    implementations: Mapping[str, Implementation]
    seconds: float
    processes: int = 1
    compile_anew: bool = True

    @classmethod
    def of(cls, plan: "Plan") -> "Costs":
        """The costs of a plan."""
        return cls(
            implementations={entry.name: entry for entry in plan.implementations},
            seconds=plan.grid.seconds,
            processes=plan.processes,
            compile_anew=plan.grid.compile_anew,
        )

    def case(self, case: Case, names: Collection[str]) -> list[Stage]:
        """The stages of a case, in their order."""
        names = [name for name in names if self._takes(name, case.dtype, case.device)]
        call_s, like = _call_s(case), (case.task, case.dtype)
        prepare_s = _PREPARE_S + case.input_bytes / _BYTES_PREPARED
        warm_up_s = min(self.seconds, max(_WARM_UP_S, _WARM_UP_CALLS * call_s)) * len(names)
        fewest_s = min(_FEWEST_SAMPLES * self.processes * call_s, _OVER_BUDGET * self.seconds)
        samples_s = max(self.seconds, fewest_s, 2 * call_s) * (len(names) + 1)
        first_calls = [self._first_call(case, name, call_s) for name in names]
        if self.processes > 1:
            again_s = _PROCESS_S + prepare_s + warm_up_s + sum(stage.seconds for stage in first_calls)
            return [Stage("processes", (WORK, "processes", *like), self.processes * again_s + samples_s)]
        return [
            Stage("inputs", (WORK, "inputs", *like), prepare_s),
            *first_calls,
            Stage("warm-up", (BUDGET, "warm-up", *like), warm_up_s),
            Stage("samples", (BUDGET, "samples", *like), samples_s),
        ]

    def _first_call(self, case: Case, name: str, call_s: float) -> Stage:
        kind, seconds = StageKind((WORK, "first calls", case.dtype, name)), _FIRST_S
        if compiles(self.implementations[name].fn):
            graphs = 2 if case.direction == "forward+backward" else 1
            kind, seconds = (WORK, COMPILED, "first calls", name), graphs * _COMPILE_S
        return Stage("first calls", kind, seconds + _CHECKED_CALLS * call_s, name)

    def finding(self, asked: Key) -> Stage:
        """A finding's only stage."""
        question, family, name = asked.question, asked.name, asked.implementation
        kind, seconds = StageKind((WORK, question)), _FINDING_S.get(family, _FINDING_S[question])
        if name and not self._takes(name, asked.dtype, asked.device):
            seconds = 0.0
        elif name and compiles(self.implementations[name].fn):
            first = question != "accuracy" or family == ORDINARY
            if first or (self.compile_anew and family in _UNUSUAL):
                kind, seconds = (WORK, COMPILED, question), seconds + _COMPILING_S[question]
        return Stage(question, kind, seconds, name)

    def _takes(self, name: str, dtype: str, device: str) -> bool:
        entry = self.implementations[name]
        return dtype in entry.dtypes and device in entry.devices


def _call_s(case: Case) -> float:
    """The mean over contestants: those of all pairs that broadcast are the slowest by far."""
    if case.task == "pairwise":
        n, m, d = case.shape
        return _CALL_S + n * m * d / _PRODUCTS_A_SECOND
    slower = _OF_ANGLES if case.task == "angle" else _BACKWARD if case.direction == "forward+backward" else 1
    return _CALL_S + slower * case.input_bytes / _BYTES_A_SECOND[case.dtype]


@functools.cache
def compiles(fn: Callable[..., object]) -> bool:
    """Whether the file of a function speaks of torch.compile: a guess, which the first call then corrects."""
    try:
        text = inspect.getsource(inspect.getmodule(inspect.unwrap(fn)) or fn)
    except (OSError, TypeError):
        return False
    return "torch.compile" in text
