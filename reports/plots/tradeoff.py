"""Latency against error: the lower left corner is where to be."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports import units
from reports.plots import facets, style
from reports.sections.speed.table import GROUP

OUTSIDE = "#f6e7df"
FAR = 100


def tradeoff(table: pd.DataFrame, standings: pd.DataFrame, answer: pd.DataFrame) -> Figure | None:
    """Largest error of all cases over the time relative to the baseline in each group's largest.

    A mark an implementation, the budget's limit as an edge. An error of 0 is drawn a decade below the
    least other one; None without a baseline.
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
            xscale="log", yscale="log", xlabel="time, relative to the baseline", ylabel="largest error of all cases / u"
        )
        limit_u = members["budget_u"].iloc[0]
        _draw_budget(axes, limit_u)
        style.log_ticks(axes.xaxis, units.times)
        style.log_ticks(axes.yaxis, units.number)
        within = f"{members['within'].sum()} of {len(members)} within the budget of {units.error(limit_u)}"
        return f"time at {members['label'].iloc[0]}; {within}"

    figure = facets.small_multiples(
        standings, answer, "latency at the largest case against error", 2.9, facets.WIDE, draw
    )
    facets.legend(figure, looks, lines=False)
    return figure


def _draw_budget(axes: Axes, limit_u: float) -> None:
    low, high = axes.get_ylim()
    if np.isnan(limit_u) or limit_u > FAR * high:  # far above all of them: drawing it would flatten them to a line
        return
    top = max(high, 3 * limit_u)
    axes.set_ylim(low, top)
    axes.axhspan(limit_u, top, color=OUTSIDE, lw=0, zorder=0)
    axes.text(0.99, 0.98, "outside of the budget", transform=axes.transAxes, ha="right", va="top")
