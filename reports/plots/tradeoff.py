"""Error against time: the lower left corner is best."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from reports import units
from reports.plots import facets, style
from reports.sections.speed.table import GROUP
from suites.records.record import UNIT_ROUNDOFF

OUTSIDE = "#f6e7df"
FAR = 100


def tradeoff(table: pd.DataFrame, standings: pd.DataFrame, answer: pd.DataFrame) -> Figure | None:
    """Largest error over all cases against the time in each group's largest case, relative to the baseline.

    A mark for each implementation, and a shaded area beyond the error budget. An error of 0 is drawn a decade below
    the smallest other error; None without a baseline.
    """
    compared = table.dropna(subset=["ratio"])
    here = compared[compared["case"].isin(facets.largest(compared)["case"])]
    standings = standings.merge(here[[*GROUP, "implementation", "label", "ratio"]], on=[*GROUP, "implementation"])
    if standings.empty:
        return None
    looks = facets.looks(standings, answer)

    def draw(axes: Axes, members: pd.DataFrame) -> str:
        above_zero = members["error_u"][members["error_u"] > 0]
        lowest = above_zero.min() / 10 if len(above_zero) else 1.0
        for name, time, error_u in zip(members["implementation"], members["ratio"], members["error_u"], strict=True):
            look = looks.get(name, style.OTHER)
            (mark,) = axes.plot(time, max(error_u, lowest), marker=look.marker, markersize=6)
            mark.set(color=look.colour, zorder=look.zorder)
        axes.margins(0.1)
        axes.axvline(1, color=style.INK, lw=0.8, ls=":", zorder=0)
        axes.set(
            xscale="log", yscale="log", xlabel="time / baseline's time", ylabel="largest error over all cases, in u"
        )
        limit = members["budget"].iloc[0]
        _draw_budget(axes, limit / UNIT_ROUNDOFF)
        style.log_ticks(axes.xaxis, units.times)
        style.log_ticks(axes.yaxis, units.number)
        budget = style.unbroken(units.budget(limit))
        within = f"{members['within'].sum()} of {len(members)} are within the error budget of {budget}"
        return f"at {members['label'].iloc[0]}, {within}"

    figure = facets.small_multiples(
        standings, answer, "error against time at the largest case; lower left is best", 2.9, facets.WIDE, draw
    )
    shaded = any(axes.patches for axes in figure.axes)
    facets.legend(figure, looks, lines=False, more={"outside the error budget": Patch(color=OUTSIDE)} if shaded else {})
    return figure


def _draw_budget(axes: Axes, limit_u: float) -> None:
    low, high = axes.get_ylim()
    if np.isnan(limit_u) or limit_u > FAR * high:  # so far above all marks that drawing it would flatten them
        return
    top = max(high, 3 * limit_u)
    axes.set_ylim(low, top)
    axes.axhspan(limit_u, top, color=OUTSIDE, lw=0, zorder=0)
