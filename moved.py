"""Modules that have moved: an old import path still works, with a warning that names the new one."""

import importlib
import sys
import warnings
from collections.abc import Sequence
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType

MOVED = {
    "diagnosis.planted": "diagnosis.validity.planted",
    "diagnosis.accepting": "diagnosis.intake.checks",
    "diagnosis.gather": "diagnosis.intake.loader",
    "diagnosis.layers": "diagnosis.probes.layers",
    "diagnosis.lightning": "diagnosis.monitor.lightning",
    "diagnosis.narrow": "diagnosis.signature.directions",
    "diagnosis.pictures": "diagnosis.report.pictures",
    "diagnosis.probing": "diagnosis.probes.similarity",
    "diagnosis.pushing": "diagnosis.probes.loss",
    "diagnosis.reading": "diagnosis.intake.files",
    "diagnosis.repairs": "diagnosis.probes.vectors",
    "diagnosis.rerun": "diagnosis.probes.model",
    "diagnosis.restoring": "diagnosis.isolation",
    "diagnosis.retrain": "diagnosis.probes.training",
    "diagnosis.rivals": "diagnosis.validity.rivals",
    "diagnosis.rows": "diagnosis.signature.rows",
    "diagnosis.sampled": "diagnosis.report.sampled",
    "diagnosis.spread": "diagnosis.signature.pairs",
    "diagnosis.sums": "diagnosis.signature.sums",
    "diagnosis.symptom": "diagnosis.symptoms",
    "reports.errors": "reports.page",
    "suites.asking": "suites.plugin.findings",
    "suites.case": "suites.records.case",
    "suites.findings": "suites.records.finding",
    "suites.front_door": "suites.plugin.front_door",
    "suites.lines": "suites.records.jsonl",
    "suites.measure.accuracy": "suites.errors.accuracy",
    "suites.measure.asked": "suites.errors.rows",
    "suites.measure.bound": "suites.truth.bound",
    "suites.measure.contract": "suites.errors.contract",
    "suites.measure.deviation": "suites.truth.deviation",
    "suites.measure.eps": "suites.errors.eps",
    "suites.measure.error": "suites.truth.error",
    "suites.measure.failure": "suites.failure",
    "suites.measure.oracle": "suites.truth.oracle",
    "suites.measure.questions": "suites.errors.questions",
    "suites.measure.resolution": "suites.errors.resolution",
    "suites.measuring": "suites.plugin.cases",
    "suites.options": "suites.plugin.options",
    "suites.progress": "suites.plugin.progress",
    "suites.record": "suites.records.record",
    "suites.replay": "suites.plugin.replay",
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


sys.meta_path.append(_Moved())
