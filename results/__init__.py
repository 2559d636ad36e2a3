"""Saved runs: written line by line, loaded as pandas tables.

`load()` returns every record of every run. `Store` writes a run.
"""

from results.files import ROOT, UnknownRun, check_name, free_name
from results.findings import (
    Findings,
    load_accuracy,
    load_always_one,
    load_contracts,
    load_findings,
    load_known_bugs,
    load_resolution,
)
from results.load import (
    COLUMNS,
    FLAG_COLUMNS,
    OPERATOR_COLUMNS,
    RUN_COLUMNS,
    flags,
    list_runs,
    load,
    load_end,
    load_flags,
    load_operators,
    load_run,
)
from results.references import UnknownBaseline
from results.store import Store, StoreError, unfinished
from suites.records.case import ROUNDOFFS
from suites.records.record import End, Environment, Operator, Record, Run, Status
from suites.statistics import VERDICT_CONFIDENCE

__all__ = [
    "COLUMNS",
    "FLAG_COLUMNS",
    "OPERATOR_COLUMNS",
    "ROOT",
    "ROUNDOFFS",
    "RUN_COLUMNS",
    "VERDICT_CONFIDENCE",
    "End",
    "Environment",
    "Findings",
    "Operator",
    "Record",
    "Run",
    "Status",
    "Store",
    "StoreError",
    "UnknownBaseline",
    "UnknownRun",
    "check_name",
    "flags",
    "free_name",
    "list_runs",
    "load",
    "load_accuracy",
    "load_always_one",
    "load_contracts",
    "load_end",
    "load_findings",
    "load_flags",
    "load_known_bugs",
    "load_operators",
    "load_resolution",
    "load_run",
    "unfinished",
]
