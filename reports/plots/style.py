"""The style of all pictures, in reports and diagnoses: colours, ticks, names, and how a figure is saved."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import matplotlib.style
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

STYLE = Path(__file__).with_name("report.mplstyle")
# Okabe and Ito's palette (https://jfly.uni-koeln.de/color/), which colour-blind people can distinguish. Black is for
# baselines; yellow is left out, since it is too pale for lines.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
INK, GREY = "#000000", "#b0b0b0"
MARKERS = "^sDv<>phPX*d"
LONGEST_NAME = 28


@dataclass(frozen=True)
class Look:
    """How an implementation is drawn: in colour, or in grey with a marker of its own."""

    colour: str
    marker: str = "o"

    @property
    def width(self) -> float:
        """The line's, in points."""
        return 0.8 if self.colour == GREY else 1.8

    @property
    def zorder(self) -> int:
        """Colours lie above grey."""
        return 2 if self.colour == GREY else 3


OTHER = Look(GREY, ".")


def styled() -> AbstractContextManager[None]:
    """A context in which matplotlib draws in this style, whatever the user's style is."""
    return matplotlib.style.context(["default", STYLE])


def save(figure: Figure, path: Path) -> None:
    """Save a figure of this style as PNG. The same figure gives the same bytes."""
    if layout := figure.get_layout_engine():  # once: `savefig` would draw all of it twice
        layout.execute(figure)
        figure.set_layout_engine(None)
    figure.savefig(path, metadata={"Software": None})


def log_ticks(axis: Axis, shown: Callable[[float], str]) -> None:
    """Ticks of a logarithmic axis: at 1, 2 and 5 below two decades, at 1 and 3 below three, else at 1."""
    low, high = axis.get_view_interval()
    subs = (1, 2, 5) if high < 100 * low else (1, 3) if high < 1000 * low else (1,)
    axis.set_major_locator(LogLocator(subs=subs))
    axis.set_major_formatter(FuncFormatter(lambda value, _: shown(value)))
    axis.set_minor_locator(NullLocator())


def unbroken(text: str) -> str:
    """A number and its unit that stay on one line."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def plain(name: str) -> str:
    """A name from outside, short enough to fit beside an axis."""
    shown = "".join(letter if letter.isprintable() else " " for letter in name)
    return shown if len(shown) <= LONGEST_NAME else f"{shown[: LONGEST_NAME - 1]}…"
