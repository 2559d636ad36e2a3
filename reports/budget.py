"""How much error is acceptable: the line between fast and too inaccurate."""

from collections.abc import Mapping
from difflib import get_close_matches

BUDGET_U: Mapping[str, float] = {"float64": 1e-3, "float32": 16.0, "float16": 2.0**15, "bfloat16": 2.0**18}
"""Input dtype to the largest absolute error of a cosine that is accepted, in u = 2**-24.

For 16-bit dtypes four of their own unit roundoffs, 2**-9 and 2**-6: what a few roundings leave. For
float32 1e-6; for float64 6e-11, far below what any use can tell apart.
"""


class BudgetError(ValueError):
    """An error budget that can't be read."""


def parse_budget(spec: str) -> dict[str, float]:
    """The default budgets with those of `spec` in their place: "float32=16,bfloat16=1e5", in u.

    Raises:
        BudgetError: not pairs of dtype and number, an unknown dtype, a number that is not above 0.
    """
    budget = dict(BUDGET_U)
    for part in spec.split(","):
        dtype, _, number = (text.strip() for text in part.partition("="))
        if dtype not in BUDGET_U:
            near = get_close_matches(dtype, BUDGET_U, n=1, cutoff=0)[0]
            raise BudgetError(
                f"--error-budget: no dtype is called {dtype!r}; there are {', '.join(BUDGET_U)}: did you mean {near}?"
            )
        budget[dtype] = _positive(dtype, number)
    return budget


def _positive(dtype: str, number: str) -> float:
    try:
        value = float(number)
    except ValueError:
        value = 0.0
    if not value > 0:
        raise BudgetError(
            f"--error-budget: {dtype} is given {number!r}; it takes a number above 0, in u = 2**-24: {dtype}=16"
        )
    return value
