"""What was measured: runs saved line by line, loaded as pandas tables.

`load()` is every record of every run; `Store` is how a run is saved.
"""

from results.files import ROOT, UnknownRun, check_name, free_name
from results.load import COLUMNS, OPERATOR_COLUMNS, RUN_COLUMNS, list_runs, load, load_end, load_operators, load_run
from results.store import Store, StoreError, unfinished
from suites.record import End, Environment, Operator, Record, Run, Status

__all__ = [
    "COLUMNS",
    "OPERATOR_COLUMNS",
    "ROOT",
    "RUN_COLUMNS",
    "End",
    "Environment",
    "Operator",
    "Record",
    "Run",
    "Status",
    "Store",
    "StoreError",
    "UnknownRun",
    "check_name",
    "free_name",
    "list_runs",
    "load",
    "load_end",
    "load_operators",
    "load_run",
    "unfinished",
]
