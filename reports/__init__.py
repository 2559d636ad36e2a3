"""What it means: a run's records as one page that a person decides by.

`render()` writes the report of a run; `python -m reports` is its command. `answer()` returns the answer alone: four
columns with the noise floor above them, for a terminal.
"""

import moved  # noqa: F401  # old import paths
from reports.budget import BUDGET_U, BudgetError, parse_budget
from reports.render import OUT, render
from reports.terminal import Answer, answer

__all__ = ["BUDGET_U", "OUT", "Answer", "BudgetError", "answer", "parse_budget", "render"]
