"""Time relative to the baseline, case by case."""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from reports import units
from reports.plots import facets, style
from reports.sections.speed.by_case import of_group, spread
from reports.sections.speed.table import SAME

ROWS = 20
CASES = 6
PAPER = "#ffffff"


def ratio(table: pd.DataFrame, standings: pd.DataFrame, answer: pd.DataFrame) -> Figure | None:
    """A row for each implementation, a dot with its interval for each case; None without a baseline.

    Larger cases are darker, and dots are hollow where no difference is seen. Shows at most `CASES` cases, evenly spread
    over the sizes, and the `ROWS` fastest implementations.
    """
    ok = table.dropna(subset=["ratio"])
    standings = standings[standings["compared"] > 0]
    if ok.empty or standings.empty:
        return None
    labels = spread(list(ok.groupby("label")["size"].min().sort_values(kind="stable").index), CASES)
    shades = dict(zip(labels, mpl.colormaps["viridis_r"](np.linspace(0.15, 1, len(labels))), strict=True))

    def draw(axes: Axes, members: pd.DataFrame) -> str:
        names = list(members["implementation"].head(ROWS))
        here = of_group(ok, members.iloc[0])
        for label, shade in shades.items():
            _draw_dots(axes, here[here["label"] == label], names, shade)
        axes.axvline(1, color=style.INK, lw=0.8, ls=":", zorder=0)
        axes.set_yticks(range(len(names)), [style.plain(name) for name in names])
        axes.set(xscale="log", xlabel="time / baseline's time (left is faster)", ylim=(len(names) - 0.5, -0.5))
        style.log_ticks(axes.xaxis, units.times)
        others = members[~members["baseline"]]
        return f"{(others['faster'] == others['compared']).sum()} of {len(others)} are faster in every case"

    height = 0.9 + 0.17 * min(standings["implementation"].nunique(), ROWS)
    figure = facets.small_multiples(
        standings,
        answer,
        "time / baseline's time, with 95 % intervals; hollow: no difference seen",
        height,
        facets.NARROW,
        draw,
    )
    handles = [Line2D([], [], color=shade, marker="o", lw=0) for shade in shades.values()]
    figure.legend(handles, list(shades), loc="outside lower left", ncols=CASES)
    return figure


def _draw_dots(axes: Axes, rows: pd.DataFrame, names: list[str], shade: np.ndarray) -> None:
    rows = rows[rows["implementation"].isin(names)]
    places = {name: place for place, name in enumerate(names)}
    for unseen, dots in rows.groupby(rows["verdict"] == SAME):
        whiskers = [dots["ratio"] - dots["ratio_low"], dots["ratio_high"] - dots["ratio"]]
        heights, inside = dots["implementation"].map(places), PAPER if unseen else shade
        axes.errorbar(dots["ratio"], heights, xerr=whiskers, fmt="o", color=shade, mfc=inside, elinewidth=1)
