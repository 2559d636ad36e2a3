"""A run with its answer: what the terminal and the summary for a pull request start from."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from reports.budget import of_run
from reports.measured import Measured, measured
from reports.sections.accuracy.accuracy import judged
from reports.sections.contracts import contracts
from reports.sections.speed.decision import Decision, decide
from results import Run, load, load_findings, load_run


class Decided(NamedTuple):
    """The head of a run, its records, the error budgets, the contracts, the ranking and the answer."""

    head: Run
    records: pd.DataFrame
    budgets: Mapping[str, float]
    contracts: pd.DataFrame
    measured: Measured
    decision: Decision


def decided(run: str, baseline: str, budget: Mapping[str, float], root: Path) -> Decided:
    """Load a run and decide. `budget` holds the budgets that take the place of the run's own.

    Raises:
        UnknownRun: there is no such run.
        UnknownBaseline: the run has no time of `baseline`.
        ValueError: the file does not hold a run.
    """
    head, records = load_run(run, root), load(run, baseline=baseline, root=root)
    found, budgets = load_findings(run, root, baseline), of_run(head, budget)
    answered = contracts.answered(found.contracts)
    ranked = measured(records, judged(found.accuracy, budgets), budgets)
    return Decided(head, records, budgets, answered, ranked, decide(*ranked, answered))
