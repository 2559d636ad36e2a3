"""The largest error that is acceptable for each dtype."""

from collections.abc import Mapping
from difflib import get_close_matches

BUDGET_U: Mapping[str, float] = {"float64": 1e-3, "float32": 16.0, "float16": 2.0**15, "bfloat16": 2.0**18}
"""Input dtype to the largest accepted absolute error of a cosine, in u = 2**-24.

For 16-bit dtypes it is four of their own unit roundoffs, 2**-9 and 2**-6: the effect of a few roundings. For float32
it is 1e-6. For float64 it is 6e-11, far below any difference that matters in use.
"""


class BudgetError(ValueError):
    """An error budget that can't be parsed."""


def parse_budget(spec: str) -> dict[str, float]:
    """The default budgets, replaced where `spec` sets one: "float32=16,bfloat16=1e5", in u.

    Raises:
        BudgetError: `spec` is not pairs of dtype and number, a dtype is unknown, or a number is not above 0.
    """
    budget = dict(BUDGET_U)
    for part in spec.split(","):
        dtype, _, number = (text.strip() for text in part.partition("="))
        if dtype not in BUDGET_U:
            near = get_close_matches(dtype, BUDGET_U, n=1, cutoff=0)[0]
            raise BudgetError(
                f"--error-budget: unknown dtype {dtype!r}; did you mean {near}? The dtypes are {', '.join(BUDGET_U)}"
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
            f"--error-budget: {dtype} needs a number above 0, not {number!r}; the unit is u = 2**-24, as in {dtype}=16"
        )
    return value
