"""Numbers for people: at most three digits and a unit; a dash where nothing was measured."""

import math
import re
from collections.abc import Sequence

MISSING = "–"
PERCENTS_BELOW = 1.1
"""A smaller factor between two times is given in percent."""
FINE_BELOW = 1.5
"""A smaller factor with an interval has three digits."""


def seconds(value: float) -> str:
    """A duration: 81.2 µs."""
    return _scaled(value, [("ns", 1e-9), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0)])


def size(value: float) -> str:
    """Bytes: 1.5 MiB."""
    return _scaled(value, [("B", 1.0), ("KiB", 2.0**10), ("MiB", 2.0**20), ("GiB", 2.0**30), ("TiB", 2.0**40)])


def absolute(error_u: float) -> str:
    """An error in units of 2**-24 as an absolute number of one or two digits: 1.2e-7."""
    return MISSING if math.isnan(error_u) else power(error_u * 2.0**-24)


def error(value_u: float) -> str:
    """An error in units of 2**-24, 0.42 u; from 1,000 u on as a plain number, 0.0049."""
    if math.isnan(value_u):
        return MISSING
    return f"{number(value_u)} u" if value_u < 1000 else absolute(value_u)


def budget(limit: float) -> str:
    """An error budget as it is typed: 0.001, or 16 u (9.5e-7) for a whole number of u below 1,000.

    One of more than four digits, such as 2**-9, has two: 0.002.
    """
    in_u, typed = limit * 2.0**24, power(limit, 4)
    if in_u == round(in_u) < 1000:
        return f"{in_u:.0f} u ({absolute(in_u)})"
    return typed if float(typed) == limit else power(limit)


def power(value: float, digits: int = 2) -> str:
    """A number in short scientific notation: 1e-8."""
    return re.sub(r"e\+?(-?)0*", r"e\1", f"{value:.{digits}g}")


def degrees(radians: float) -> str:
    """An angle: 3.6°."""
    return MISSING if math.isnan(radians) else f"{power(math.degrees(radians))}°"


def times(factor: float) -> str:
    """A factor: 11×; with one more digit near 1, where 4 % may matter."""
    if math.isnan(factor):
        return MISSING
    return f"{number(factor, 3 if 0.9 < factor < 1.1 else 2)}×"


def multiple(factor: float) -> str:
    """A factor with all its digits, for ticks: 0.85×, 1,000×."""
    return f"{factor:,g}×"


def share(part: float) -> str:
    """A part of a whole: 12 %; from ten times on a factor, 4,100×."""
    if math.isnan(part):
        return MISSING
    if part >= 10:
        return times(part)
    return "under 1 %" if 0 < part < 0.01 else f"{part * 100:,.0f} %"


def percent(part: float) -> str:
    """A small part: 1.4 %."""
    return MISSING if math.isnan(part) else f"{number(part * 100)} %"


def calls(count: float) -> str:
    """A number of calls with two digits: 41,000 calls; "never" for infinitely many."""
    if math.isnan(count):
        return MISSING
    if math.isinf(count):
        return "never"
    return counted(float(f"{count:.2g}"), "call") if count >= 1 else "at once"


def counted(number: float, noun: str) -> str:
    """How many: 1 case, 1,200 cases."""
    return f"{number:,.0f} {noun}" + ("" if number == 1 else "s")


def speed(ratio: float) -> str:
    """A ratio of times in words: 11× faster; 5 % slower; "as fast" for exactly 1."""
    if math.isnan(ratio):
        return MISSING
    if ratio == 1:
        return "as fast"
    factor, word = (1 / ratio, "faster") if ratio < 1 else (ratio, "slower")
    return f"{times(factor) if factor >= PERCENTS_BELOW else f'{number(factor * 100 - 100)} %'} {word}"


def speed_within(ratio: float, low: float, high: float) -> str:
    """A ratio of times with its interval: 2.9× faster (2.6 to 3.3); 3.2 % slower (2.9 to 3.5)."""
    if math.isnan(ratio) or ratio in (low, high, 1):
        return speed(ratio)
    if (low < 1) != (high < 1):
        return f"{speed(ratio)} ({speeds(high, low)})"
    factors = [1 / ratio, 1 / high, 1 / low] if ratio < 1 else [ratio, low, high]
    digits, unit = 3 if factors[0] < FINE_BELOW else 2, "×"
    if factors[0] < PERCENTS_BELOW:
        factors, digits, unit = [100 * factor - 100 for factor in factors], 2, " %"
    middle, least, most = (number(factor, digits) for factor in factors)
    return f"{middle}{unit} {'faster' if ratio < 1 else 'slower'} ({least} to {most})"


def within(low: float, high: float) -> str:
    """How far from 1 an interval of ratios reaches: within 3 %; within a factor of 1.3."""
    farthest = max(high, 1 / low)
    if farthest < PERCENTS_BELOW:
        return f"within {number(farthest * 100 - 100)} %"
    return f"within a factor of {times(farthest).removesuffix('×')}"


def speeds(slowest: float, fastest: float) -> str:
    """The range of two ratios of times: 1.9× to 13× faster; 2.9 % to 3.5 % slower; 2.3× slower to 4.8× faster."""
    least, most = map(speed, (fastest, slowest) if fastest > 1 else (slowest, fastest))
    if least == most:
        return least
    word = most.rpartition(" ")[2]
    return f"{least.removesuffix(f' {word}')} to {most}"


def _scaled(value: float, units: Sequence[tuple[str, float]]) -> str:
    if math.isnan(value):
        return MISSING
    # 0.9995 and not 1, because 999.6 µs is 1 ms with three digits
    unit, scale = max((u for u in units if 0.9995 * u[1] <= value), key=lambda u: u[1], default=units[0])
    return f"{number(value / scale, 3)} {unit}"


def number(value: float, digits: int = 2) -> str:
    """A number with at least this many digits: 0.42, 131,072, 4.1e-9."""
    return f"{value:,.0f}" if abs(value) >= 10 ** (digits - 0.5) else power(value, digits)
