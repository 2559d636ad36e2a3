"""The style of all pictures, in reports and diagnoses: colours, ticks, names, and how a figure is saved."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import matplotlib.style
from matplotlib.axis import Axis
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, Locator, LogLocator, MaxNLocator, NullLocator
from matplotlib.typing import ColorType

from reports.plots import looks

STYLE = Path(__file__).with_name("report.mplstyle")
COLOURS, INK, GREY = looks.COLOURS, looks.INK, looks.GREY
PAPER = "#ffffff"
LONGEST_NAME = 28


def styled() -> AbstractContextManager[None]:
    """A context in which matplotlib draws in this style, whatever the user's style is."""
    return matplotlib.style.context(["default", STYLE])


def save(figure: Figure, path: Path) -> None:
    """Save a figure of this style as PNG. The same figure gives the same bytes."""
    settle(figure)
    figure.savefig(path, metadata={"Software": None})


def settle(figure: Figure) -> None:
    """Lay a figure out for good, once: `savefig` would draw all of it twice."""
    if layout := figure.get_layout_engine():
        layout.execute(figure)
        figure.set_layout_engine(None)


def contrast(one: ColorType, other: ColorType) -> float:
    """The contrast of two colours as WCAG 2 defines it: from 1 to 21; text and lines need 3 at least."""
    low, high = sorted(_luminance(colour) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def log_ticks(axis: Axis, shown: Callable[[float], str]) -> None:
    """Ticks of a logarithmic axis: at 1, 2 and 5 below two decades, at 1 and 3 below three, else at 1.

    An axis too short for two of them has ticks at equal distances, if `shown` writes each of these differently.
    """
    low, high = axis.get_view_interval()
    subs = (1, 2, 5) if high < 100 * low else (1, 3) if high < 1000 * low else (1,)
    usual, even = LogLocator(subs=subs), [MaxNLocator(parts, steps=[1, 2, 5, 10]) for parts in (3, 4, 5, 6)]
    axis.set_major_locator(next((ticks for ticks in (usual, *even) if _distinct(ticks, low, high, shown)), usual))
    axis.set_major_formatter(FuncFormatter(lambda value, _: shown(value)))
    axis.set_minor_locator(NullLocator())


def _distinct(ticks: Locator, low: float, high: float, shown: Callable[[float], str]) -> bool:
    """Whether at least two ticks lie between `low` and `high`, all with different labels."""
    labels = [shown(value) for value in ticks.tick_values(low, high) if low <= value <= high]
    return 1 < len(labels) == len({*labels})


def _luminance(colour: ColorType) -> float:
    linear = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour))
    return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def unbroken(text: str) -> str:
    """A number and its unit that stay on one line."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def plain(name: str) -> str:
    """A name from outside, short enough to fit beside an axis."""
    shown = "".join(letter if letter.isprintable() else " " for letter in name)
    return shown if len(shown) <= LONGEST_NAME else f"{shown[: LONGEST_NAME - 1]}…"
