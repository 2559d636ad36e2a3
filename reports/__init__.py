"""Reports: a run's records as one page to decide by.

`render()` writes the report of a run, and so does the command `python -m reports`. `answer()` returns just the answer
for a terminal: a line for each case, and the noise floor.
"""

import moved  # noqa: F401  # old import paths
from reports.budget import BUDGET, BUDGET_U, BudgetError, parse_budget
from reports.render import OUT, render
from reports.terminal import Answer, answer

__all__ = [
    "BUDGET",
    "BUDGET_U",
    "OUT",
    "Answer",
    "BudgetError",
    "answer",
    "parse_budget",
    "render",
]
