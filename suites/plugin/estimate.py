"""How long a run will take: planned before it starts, corrected by what was measured since. Torch-free."""

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from suites.plugin.costs import COMPILER_START_S, Costs, Stage
from suites.records.case import Case
from suites.records.finding import Key

if TYPE_CHECKING:
    from suites.plan import Plan


def planned_s(plan: "Plan", cases: Mapping[Case, Collection[str]], findings: Iterable[Key]) -> float:
    """The expected seconds of a run, before anything is measured.

    Args:
        plan: the budget, the processes and the contestants.
        cases: each case to measure, with the names of its contestants.
        findings: the key of each finding to make.
    """
    costs = Costs.of(plan)
    stages = [stage for case, names in cases.items() for stage in costs.case(case, names)]
    stages += [costs.finding(asked) for asked in findings]
    return sum(stage.seconds for stage in stages) + COMPILER_START_S * any(map(_compiles, stages))


def _compiles(stage: Stage) -> bool:
    return "compiled" in stage.kind
