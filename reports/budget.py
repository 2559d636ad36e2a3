"""What a report is asked for in place of what its run was started with: error budgets, and a baseline."""

import shlex
import warnings
from collections.abc import Mapping

from suites.records.budget import BUDGET, BudgetError, parse, spelt
from suites.records.record import UNIT_ROUNDOFF, Run

__all__ = ["BUDGET", "BUDGET_U", "BudgetError", "command", "given", "of_run", "parse_budget"]

BUDGET_U: Mapping[str, float] = {dtype: limit / UNIT_ROUNDOFF for dtype, limit in BUDGET.items()}
"""The default budget in u = 2**-24, for callers of the time when budgets were in u."""


def of_run(run: Run, asked: Mapping[str, float]) -> dict[str, float]:
    """The absolute budget of each dtype: what is asked here, else what the run was started with, else the default."""
    return {**BUDGET, **run.error_budget, **asked}


def given(budget: Mapping[str, float] | None, budget_u: Mapping[str, float] | None) -> dict[str, float]:
    """The budget that a caller sets, as absolute errors. `budget_u`, in u, is its old form, and warns."""
    if budget_u is None:
        return dict(budget or {})
    if budget is not None:
        raise TypeError("budget and budget_u are two forms of one argument: leave budget_u out")
    warnings.warn("budget_u is now budget, in absolute errors: budget_u / 2**24", DeprecationWarning, stacklevel=3)
    return {dtype: limit * UNIT_ROUNDOFF for dtype, limit in budget_u.items()}


def command(run: str, baseline: str, budget: Mapping[str, float]) -> str:
    """The command of a report with a baseline or a budget of its own; "" where it has neither."""
    options = {"--baseline": baseline, "--error-budget": spelt(budget)}
    asked = [word for option, value in options.items() if value for word in (option, value)]
    return shlex.join(["python", "-m", "reports", run, *asked]) if asked else ""


def parse_budget(spec: str) -> dict[str, float]:
    """The budget of every dtype in u, for `budget_u`: an old form of `suites.records.budget.parse`, which it warns of.

    Raises:
        BudgetError: see `parse`.
    """
    message = "parse_budget is now suites.records.budget.parse, which gives absolute errors for budget="
    warnings.warn(message, DeprecationWarning, stacklevel=2)
    return {dtype: limit / UNIT_ROUNDOFF for dtype, limit in {**BUDGET, **parse(spec)}.items()}
