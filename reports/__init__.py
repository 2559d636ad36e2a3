"""What it means: a run's records as one page that a person decides by.

`render()` is the whole room; `python -m reports` is its command.
"""

import moved  # noqa: F401  # old import paths
from reports.budget import BUDGET_U, BudgetError, parse_budget
from reports.render import OUT, render

__all__ = ["BUDGET_U", "OUT", "BudgetError", "parse_budget", "render"]
