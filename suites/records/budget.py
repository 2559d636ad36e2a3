"""The largest error that is acceptable for each dtype, and the option that sets it. Torch-free."""

import math
from collections.abc import Callable, Mapping

from nearest import did_you_mean
from suites.records.case import ROUNDOFFS
from suites.records.record import UNIT_ROUNDOFF as U

BUDGET: Mapping[str, float] = {"float64": 1e-3 * U, "float32": 16 * U, "float16": 2.0**-9, "bfloat16": 2.0**-6}
"""Input dtype to the largest accepted absolute error of a cosine.

For 16-bit dtypes it is four of their own unit roundoffs: the effect of a few roundings. For float32 it is 1e-6. For
float64 it is 6e-11, far below any difference that matters in use.
"""

FORMS = "an absolute error such as 1e-3 for every dtype, 16u in units of u = 2**-24, or bfloat16=0.02 for one dtype"
"""The forms of an error budget, for errors."""
HELP = f"the largest error that is accepted: {FORMS}; commas join several. A number without u is absolute"


class BudgetError(ValueError):
    """An error budget that can't be parsed."""


def parse(spec: str) -> dict[str, float]:
    """The budgets that `spec` sets, dtype to absolute error: "1e-3,bfloat16=0.02" or "float32=16u".

    An amount without a dtype is for every dtype without one of its own. One that ends in "u" is in units of u = 2**-24.

    Raises:
        BudgetError: a part is empty, a dtype is unknown or set twice, or an amount is not between 0 and 1.
    """
    amounts: dict[str, float] = {}
    for part in spec.split(","):
        dtype, equals, amount = (text.strip() for text in part.partition("="))
        if not part.strip():
            raise BudgetError(f"--error-budget: {spec!r} has an empty part; write {FORMS}")
        which = _known(dtype) if equals else ""
        if which in amounts:
            raise BudgetError(f"--error-budget: {spec!r} sets {which or 'every dtype'} twice; leave one of them out")
        amounts[which] = _amount(amount if equals else dtype)
    every = amounts.pop("", None)
    return ({} if every is None else dict.fromkeys(ROUNDOFFS, every)) | amounts


def spelt(budget: Mapping[str, float]) -> str:
    """The shortest text that `parse` reads as this budget; "" for an empty one."""
    return _joined(budget, _exact)


def rounded(budget: Mapping[str, float]) -> str:
    """`spelt` for people: amounts have three digits."""
    return _joined(budget, "{:.3g}".format)


def _joined(budget: Mapping[str, float], amount: Callable[[float], str]) -> str:
    values = {*budget.values()}
    if len(values) == 1 and budget.keys() == ROUNDOFFS.keys():
        return amount(values.pop())
    return ",".join(f"{dtype}={amount(limit)}" for dtype, limit in budget.items())


def _exact(limit: float) -> str:
    """The shorter of 9.5367431640625e-07 and 16u."""
    in_u = f"{limit / U:g}u"
    return min(repr(limit), in_u, key=len) if _amount(in_u) == limit else repr(limit)


def _known(dtype: str) -> str:
    if dtype in ROUNDOFFS:
        return dtype
    raise BudgetError(f"--error-budget: unknown dtype {dtype!r}{did_you_mean(dtype, ROUNDOFFS)}")


def _amount(text: str) -> float:
    number, unit = (text[:-1], U) if text[-1:] in ("u", "U") else (text, 1.0)
    try:
        limit = float(number) * unit
    except ValueError:
        raise BudgetError(f"--error-budget: {text!r} is no amount{_nearest(text)}; write {FORMS}") from None
    if 0 < limit < 1:
        return limit
    if 1 <= limit < math.inf:
        meant = f"; did you mean {number.strip()}u, which is {float(number) * U:.2g}?" if float(number) * U < 1 else ";"
        raise BudgetError(f"--error-budget: {text!r} would accept any cosine{meant} write {FORMS}")
    raise BudgetError(f"--error-budget: {text!r} is not above 0 and below 1; write {FORMS}")


def _nearest(text: str) -> str:
    """The right form of "float32:1e-3" or of a dtype alone."""
    dtype = next((name for name in sorted(ROUNDOFFS, key=len, reverse=True) if text.startswith(name)), "")
    amount = text.removeprefix(dtype).strip(" :\t")
    return f"; did you mean {dtype}={amount or '1e-3'}?" if dtype else ""
