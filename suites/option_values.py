"""Numbers as typed after an option."""

import math

from suites.contestants import PlanError

TIME_LIMIT_S = 120.0
"""The longest time that a call may take, unless --time-limit is another one."""


def time_limit_of(option: str | None) -> float:
    """The seconds of --time-limit; a `PlanError` if it is no such number."""
    return TIME_LIMIT_S if option is None else number("--time-limit", option, "60")


def number(option: str, text: str, example: str, below: float = math.inf) -> float:
    """A number above 0 and below `below`, as typed after an option; a `PlanError` with an example if it is none."""
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0 < found < below:
        limit = "" if below == math.inf else f" and below {below:g}"
        raise PlanError(f"{option} is {text!r}; it has to be a number above 0{limit}, such as {example}")
    return found


def count(option: str, text: str, most: int) -> int:
    """A whole number from 1 to `most`; a `PlanError` if it is none."""
    if not (text.isdecimal() and 1 <= int(text) <= most):
        raise PlanError(f"{option} is {text!r}; it has to be a whole number from 1 to {most}, such as 5")
    return int(text)
