"""Modules that have moved: an old import path still works, with a warning that names the new one.

Only modules are kept, not each name that has moved from one module to another.
"""

import importlib
import sys
import warnings
from collections.abc import Sequence
from importlib.abc import InspectLoader, Loader
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, spec_from_loader
from types import CodeType, ModuleType

MOVED = {
    "diagnosis.accepting": "diagnosis.intake.checks",
    "diagnosis.answers": "diagnosis.probes.similarity",
    "diagnosis.gather": "diagnosis.intake.loader",
    "diagnosis.layers": "diagnosis.probes.layers",
    "diagnosis.lightning": "diagnosis.monitor.lightning",
    "diagnosis.monitor.look": "diagnosis.monitor.metrics",
    "diagnosis.narrow": "diagnosis.signature.directions",
    "diagnosis.pictures": "diagnosis.report.pictures",
    "diagnosis.planted": "diagnosis.validity.planted",
    "diagnosis.probing": "diagnosis.probes.similarity",
    "diagnosis.pushing": "diagnosis.probes.loss",
    "diagnosis.reading": "diagnosis.intake.files",
    "diagnosis.repairs": "diagnosis.probes.vectors",
    "diagnosis.rerun": "diagnosis.probes.model",
    "diagnosis.restoring": "diagnosis.isolation",
    "diagnosis.retrain": "diagnosis.probes.training",
    "diagnosis.rivals": "diagnosis.validity.baselines",
    "diagnosis.rows": "diagnosis.signature.rows",
    "diagnosis.sampled": "diagnosis.report.sampled",
    "diagnosis.spread": "diagnosis.signature.pairs",
    "diagnosis.sums": "diagnosis.signature.sums",
    "diagnosis.suspects.border": "diagnosis.suspects.padding",
    "diagnosis.symptom": "diagnosis.symptoms",
    "diagnosis.validity.rivals": "diagnosis.validity.baselines",
    "diagnosis.wording": "diagnosis.verdict",
    "reports.advice": "reports.sections.always_one.lessons",
    "reports.against": "reports.sections.against",
    "reports.bugs": "reports.sections.known_bugs",
    "reports.claims": "reports.sections.speed.sentences",
    "reports.cures": "reports.sections.accuracy.cures",
    "reports.details": "reports.sections.speed.by_case",
    "reports.drop_in": "reports.sections.contracts.drop_ins",
    "reports.errors": "reports.page",
    "reports.fineness": "reports.sections.resolution",
    "reports.headlines": "reports.sections.speed.sentences",
    "reports.how_wrong": "reports.sections.accuracy.sentences",
    "reports.lessons": "reports.sections.always_one.lessons",
    "reports.plots.studio": "reports.plots.worker",
    "reports.price": "reports.sections.accuracy.costs",
    "reports.sections.answer": "reports.sections.speed.answer",
    "reports.sections.by_case": "reports.sections.speed.by_case",
    "reports.sections.comparison": "reports.sections.against",
    "reports.sections.costs": "reports.sections.accuracy.costs",
    "reports.sections.drop_ins": "reports.sections.contracts.drop_ins",
    "reports.sections.environment": "reports.sections.conditions",
    "reports.sections.standings": "reports.sections.speed.standings",
    "reports.sections.table": "reports.sections.speed.table",
    "reports.sections.verdicts": "reports.sections.speed.verdicts",
    "reports.sections.worse": "reports.sections.against",
    "reports.sections.speed.summary": "reports.sections.speed.answer_tables",
    "reports.symptoms": "reports.sections.accuracy.symptoms",
    "reports.wording": "reports.sections.speed.answer_tables",
    "suites.asking": "suites.plugin.findings",
    "suites.case": "suites.records.case",
    "suites.findings": "suites.records.finding",
    "suites.lines": "suites.records.jsonl",
    "suites.measure.accuracy": "suites.errors.accuracy",
    "suites.measure.asked": "suites.errors.black_box",
    "suites.measure.bound": "suites.truth.bound",
    "suites.measure.contract": "suites.errors.contract",
    "suites.measure.deviation": "suites.truth.deviation",
    "suites.measure.eps": "suites.errors.eps",
    "suites.measure.error": "suites.truth.checks",
    "suites.measure.failure": "suites.failure",
    "suites.measure.oracle": "suites.truth.oracle",
    "suites.measure.questions": "suites.errors.questions",
    "suites.measure.resolution": "suites.errors.resolution",
    "suites.measuring": "suites.plugin.cases",
    "suites.options": "suites.plugin.options",
    "suites.progress": "suites.plugin.progress",
    "suites.record": "suites.records.record",
    "suites.replay": "suites.plugin.replay",
    "suites.validity.figures": "suites.validity.instrument",
}


class _Moved:
    """Finds what no other finder found: it comes last."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: object = None) -> ModuleSpec | None:
        old = next((old for old in MOVED if f"{name}.".startswith(f"{old}.")), None)
        return spec_from_loader(name, _Alias(MOVED[old] + name.removeprefix(old))) if old else None


class _Alias(Loader):
    """Loads a module as another one, which stays a single module under two names."""

    def __init__(self, new: str) -> None:
        self._new = new

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        warnings.warn(f"{spec.name} is now {self._new}: import it from there", DeprecationWarning, stacklevel=2)
        module = importlib.import_module(self._new)
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec  # the import system has just set the old name

    def get_code(self, name: str) -> CodeType | None:
        """The code of the new module, which `python -m` runs."""
        print(f"{name} is now {self._new}: run it from there", file=sys.stderr)  # Python ignores its own warning here
        spec = find_spec(self._new)
        return spec.loader.get_code(self._new) if spec and isinstance(spec.loader, InspectLoader) else None


sys.meta_path.append(_Moved())
