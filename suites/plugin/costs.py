"""What a case and a finding are expected to take, in seconds, from their sizes alone. Torch-free, without a clock.

The constants are those of two cores of a server. `suites/plugin/estimate.py` corrects them by what is measured.
"""

import functools
import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from implementations import Implementation
from suites.records.case import ALL_PAIRS, Case
from suites.records.finding import Key

if TYPE_CHECKING:
    from suites.plan import Plan

COMPILER_START_S = 2.0
"""The first compilation of a process also loads the compiler."""

WAITING = "waiting for a quiet machine"
"""The phase of waits, as suites/measure/quiet.py calls it: they say nothing about the next case."""

WORK, BUDGET, COMPILED = "work", "budget", "compiled"
"""Roots of kinds: what a slow machine makes longer, and what has a budget; and what compiles."""

_BYTES_A_SECOND = {"float64": 7e9, "float32": 7e9, "float16": 3e9, "bfloat16": 3e9}
_CALL_S, _BACKWARD, _OF_ANGLES = 2e-5, 2, 6
_PRODUCTS_A_SECOND = {"broadcast": 2e8, "broadcast_top_k": 2e8}  # those that broadcast are the slowest by far
_OTHER_PRODUCTS_A_SECOND = 1e10

_PREPARE_S, _BYTES_PREPARED = 0.02, 2e8  # inputs, their copies and the oracle, in bytes a second
_FIRST_S, _COMPILE_S, _PROCESS_S = 0.03, 0.55, 5.0
_WARM_UP_S, _WARM_UP, _WARM_UP_CALLS = 0.1, 1.7, 3  # at most, times the budget; or so many calls
_FEWEST_SAMPLES, _SAMPLE_S, _OVER_BUDGET, _FREE_S = 16, 2e-3, 1.25, 0.1
_SPOT_CHECK_S = 0.02
_CHECKED_CALLS, _LATER_CALLS = 3, 7  # the first, that for memory, and a check; later the samples and their checks
_FINDING_S = {
    "accuracy": 0.006,
    "long_rows": 0.15,
    "contract": 0.05,
    "resolution": 0.09,
    "known_bugs": 0.02,
    "kernel_of_another_capability": 13.0,  # two fresh processes, which compile
    "always_one": 1.4,
}
"""By question, or by the name of a family or a bug."""

_COMPILING_S = {"accuracy": 0.8, "contract": 0.1, "resolution": 0.05}
_UNUSUAL = {
    *("long_rows", "broadcast", "size_one_and_empty", "layouts", "aliasing", "mixed_dtypes", "eps_extremes"),
    *("split_k", "tf32_canary", "gradients", "metamorphic", "batch_invariance", "place"),
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
        like = (case.task, case.dtype)
        prepare_s = _PREPARE_S + case.input_bytes / _BYTES_PREPARED
        first_calls = [self._first_call(case, name) for name in names]
        warm_up_s = sum(self._warm_up_s(_call_s(case, name)) for name in names)
        samples_s = self.seconds + sum(self._samples_s(_call_s(case, name)) for name in names)
        if self.processes > 1:
            again_s = _PROCESS_S + prepare_s + warm_up_s + sum(stage.seconds for stage in first_calls)
            return [Stage("processes", (WORK, "processes", *like), self.processes * again_s + samples_s)]
        return [
            Stage("inputs", (WORK, "inputs", *like), prepare_s),
            *first_calls,
            Stage("warm-up", (BUDGET, "warm-up", *like), warm_up_s),
            Stage("samples", (BUDGET, "samples", *like), samples_s),
        ]

    def _warm_up_s(self, call_s: float) -> float:
        usual_s = max(min(_WARM_UP_S, _WARM_UP * self.seconds), _WARM_UP_CALLS * call_s)
        return min(usual_s, max(_FREE_S, self.seconds))  # a slower one is not warmed up

    def _samples_s(self, call_s: float) -> float:
        """Of a contestant: its budget, more where the fewest samples or calls exceed it."""
        fewest_s = min(
            _FEWEST_SAMPLES * self.processes * (_SAMPLE_S + call_s), max(_OVER_BUDGET * self.seconds, _FREE_S)
        )
        return _SPOT_CHECK_S + max(self.seconds, fewest_s, _LATER_CALLS * call_s)

    def _first_call(self, case: Case, name: str) -> Stage:
        kind, seconds = StageKind((WORK, "first calls", case.dtype, name)), _FIRST_S
        if compiles(self.implementations[name].fn):
            graphs = 2 if case.direction == "forward+backward" else 1
            kind = (WORK, COMPILED, "first calls", f"{case.task} {case.direction}", name)
            seconds = graphs * _COMPILE_S
        return Stage("first calls", kind, seconds + _CHECKED_CALLS * _call_s(case, name), name)

    def finding(self, asked: Key) -> Stage:
        """A finding's only stage."""
        question, family, name = asked.question, asked.name, asked.implementation
        kind, seconds = StageKind((WORK, question, family or name)), _FINDING_S.get(family, _FINDING_S[question])
        if name and not self._takes(name, asked.dtype, asked.device):
            seconds = 0.0
        elif name and compiles(self.implementations[name].fn):
            first = question != "accuracy" or family == ORDINARY
            if first or (self.compile_anew and family in _UNUSUAL):
                kind, seconds = (WORK, COMPILED, question, name), seconds + _COMPILING_S[question]
        return Stage(question, kind, seconds, name)

    def _takes(self, name: str, dtype: str, device: str) -> bool:
        entry = self.implementations[name]
        return dtype in entry.dtypes and device in entry.devices


def _call_s(case: Case, name: str) -> float:
    if case.task in ALL_PAIRS:
        n, m, d = case.shape
        return _CALL_S + n * m * d / _PRODUCTS_A_SECOND.get(name, _OTHER_PRODUCTS_A_SECOND)
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
