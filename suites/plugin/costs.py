"""What a case and a finding are expected to take, in seconds, from their sizes alone. Torch-free, without a clock.

The constants are those of two cores of a server. `suites/plugin/estimate.py` corrects them by what is measured.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from implementations import Implementation
from suites import compile_cache
from suites.plugin.compiled import compiles
from suites.records.case import ALL_PAIRS, Case
from suites.records.finding import Key

if TYPE_CHECKING:
    from suites.plan import Plan

COMPILER_START_S = 2.0
"""The first compilation of a process also loads the compiler."""

WAITING = "waiting for a quiet machine"
"""The phase of waits, as suites/measure/quiet.py calls it: they say nothing about the next case."""

SECOND_CALL = "memory"
"""The phase of a contestant's second call, as suites/measure/first_call.py calls it: the first one may compile."""

WORK, BUDGET, COMPILED = "work", "budget", "compiled"
"""Roots of kinds: what a slow machine makes longer, and what has a budget; and what compiles."""

_BYTES_A_SECOND = {"float64": 7e9, "float32": 7e9, "float16": 3e9, "bfloat16": 3e9}
_CALL_S, _BACKWARD, _OF_ANGLES = 2e-5, 2, 6
_PRODUCTS_A_SECOND = {"broadcast": 2e8, "broadcast_top_k": 2e8}  # those that broadcast are the slowest by far
_OTHER_PRODUCTS_A_SECOND = 1e10

_PREPARE_S, _BYTES_PREPARED = 0.02, 2e8  # inputs, their copies and the oracle, in bytes a second
_FIRST_S, _COMPILE_S, _PROCESS_S = 0.015, 0.4, 5.0
_CACHED = 0.2  # of the time to compile, where the kernels are on disk
_WARM_UP_S, _WARM_UP, _WARM_UP_CALLS = 0.05, 1.4, 3  # at most, times the budget; or so many calls
_FEWEST_SAMPLES, _SAMPLE_S, _OVER_BUDGET, _FREE_S = 16, 6e-4, 1.25, 0.1
_SPOT_CHECK_S = 0.005
_CHECKED_CALLS, _LATER_CALLS = 3, 7  # the first, that for memory, and a check; later the samples and their checks
LONG_ROWS, _TRUTH_S, _16_BITS = "long_rows", 1.8, ("float16", "bfloat16")
"""A family without questions in 16 bits; the first implementation of each contract waits for the exact answers."""
_FINDING_S = {
    "accuracy": 0.006,
    LONG_ROWS: 0.3,
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
        cached: whether the compiler finds its kernels on disk.
        paces: by task and implementation, how many times longer its calls take than their size suggests.
    """

    implementations: Mapping[str, Implementation]
    seconds: float
    processes: int = 1
    compile_anew: bool = True
    cached: bool = False
    paces: Mapping[tuple[str, str], float] = field(default_factory=dict)

    @classmethod
    def of(cls, plan: "Plan") -> "Costs":
        """The costs of a plan."""
        return cls(
            implementations={entry.name: entry for entry in plan.implementations},
            seconds=plan.grid.seconds,
            processes=plan.processes,
            compile_anew=plan.grid.compile_anew,
            cached=compile_cache.graphs()
            >= sum(compiles(entry.fn) for c in plan.cases for entry in plan.contestants(c)),
        )

    def case(self, case: Case, names: Collection[str]) -> list[Stage]:
        """The stages of a case, in their order."""
        names = [name for name in names if self._takes(name, case.dtype, case.device)]
        like = (case.task, case.dtype)
        prepare_s = _PREPARE_S + case.input_bytes / _BYTES_PREPARED
        first_calls = [self._first_call(case, name) for name in names]
        warm_up_s = sum(self._warm_up_s(self.call_s(case, name)) for name in names)
        samples_s = self.seconds + sum(self._samples_s(self.call_s(case, name)) for name in names)
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
            kind = (WORK, COMPILED, name, "first calls")
            seconds = graphs * self._compiling_s(_COMPILE_S)
        return Stage("first calls", kind, seconds + _CHECKED_CALLS * self.call_s(case, name), name)

    def findings(self, asked: Iterable[Key]) -> dict[Key, Stage]:
        """The only stage of each finding, in the order in which they are made."""
        stages, waited = {}, set[str]()
        for one in asked:
            stages[one] = self._finding(one)
            if one.name == LONG_ROWS and one.dtype not in _16_BITS and stages[one].seconds:
                if (contract := self.implementations[one.implementation].task) not in waited:
                    stages[one] = stages[one]._replace(kind=(WORK, one.question, "exact answers"), seconds=_TRUTH_S)
                waited.add(contract)
        return stages

    def _finding(self, asked: Key) -> Stage:
        question, family, name = asked.question, asked.name, asked.implementation
        if family == LONG_ROWS and asked.dtype in _16_BITS:
            family = ""
        kind, seconds = StageKind((WORK, question, family or name)), _FINDING_S.get(family, _FINDING_S[question])
        if name and not self._takes(name, asked.dtype, asked.device):
            seconds = 0.0
        elif name and compiles(self.implementations[name].fn):
            first = question != "accuracy" or family == ORDINARY
            if first or (self.compile_anew and family in _UNUSUAL):
                kind, seconds = (WORK, COMPILED, name, question), seconds + self._compiling_s(_COMPILING_S[question])
        return Stage(question, kind, seconds, name)

    def call_s(self, case: Case, name: str) -> float:
        """The expected seconds of a call."""
        return self.paces.get((case.task, name), 1.0) * _usual_call_s(case, name)

    def corrected(self, case: Case, name: str, call_s: float) -> "Costs":
        """These costs, where a call of this contestant in this case took `call_s` seconds."""
        return replace(self, paces={**self.paces, (case.task, name): call_s / _usual_call_s(case, name)})

    def _compiling_s(self, seconds: float) -> float:
        return _CACHED * seconds if self.cached else seconds

    def _takes(self, name: str, dtype: str, device: str) -> bool:
        entry = self.implementations[name]
        return dtype in entry.dtypes and device in entry.devices


def _usual_call_s(case: Case, name: str) -> float:
    if case.task in ALL_PAIRS:
        n, m, d = case.shape
        return _CALL_S + n * m * d / _PRODUCTS_A_SECOND.get(name, _OTHER_PRODUCTS_A_SECOND)
    slower = _OF_ANGLES if case.task == "angle" else _BACKWARD if case.direction == "forward+backward" else 1
    return _CALL_S + slower * case.input_bytes / _BYTES_A_SECOND[case.dtype]
