"""The smallest angle that each implementation tells from 0."""

import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from reports import units
from reports.plots import style
from reports.sections.resolution import THRESHOLD, theory

ROWS = 40
MARKERS = "os^D"
FINEST = 1e-3
"""In degrees, where the axis begins: what is finer is marked by an arrow there."""

TICKS = (1e-3, 1e-2, 0.1, 1, 2, 5, 10, 20, 50, 90)


def resolution(seen: pd.DataFrame) -> Figure:
    """A row an implementation, the finest first, and a mark a dtype of the rows; dashed: what answers in it can tell.

    The smallest angle in degrees, on a logarithmic axis that begins at `FINEST`. On several devices, a row an
    implementation and device.
    """
    told = seen.dropna(subset=["smallest_angle"])
    several = told["device"].nunique() > 1
    told = told.assign(row=told["implementation"] + (" on " + told["device"] if several else ""))
    finest = told.groupby("row")["smallest_angle"].max().sort_values(kind="stable").index[:ROWS]
    places = {name: place for place, name in enumerate(finest)}
    told = told[told["row"].isin(places)]
    figure = Figure(figsize=(9, 1.4 + 0.17 * len(places)), layout="constrained")
    axes = figure.subplots()
    handles = []
    for (dtype, dots), colour, marker in zip(told.groupby("dtype", sort=False), style.COLOURS, MARKERS, strict=False):
        angles, rows = dots["smallest_angle"].astype(float) * (180 / math.pi), dots["row"].map(places)
        finer = angles < FINEST
        for mark, some in ((marker, ~finer), ("<", finer)):
            axes.plot(angles[some].clip(lower=FINEST), rows[some], mark, color=colour, markersize=5)
        best = theory(str(dtype))
        if best:
            axes.axvline(math.degrees(best.smallest_angle), color=colour, lw=1, ls="--", zorder=0)
        label = f"{dtype}, at best {units.degrees(best.smallest_angle)}" if best else str(dtype)
        handles.append(Line2D([], [], color=colour, marker=marker, ls="--", lw=1, label=label))
    axes.axvline(math.degrees(math.acos(THRESHOLD)), color=style.INK, lw=0.8, ls=":", zorder=0)
    handles.append(Line2D([], [], color=style.INK, lw=0.8, ls=":", label=f"cosine {THRESHOLD}"))
    axes.set_yticks(range(len(places)), [style.plain(name) for name in places])
    axes.set(xscale="log", xlabel="smallest angle told from 0: left is finer", ylim=(len(places) - 0.5, -0.5))
    if (told["smallest_angle"] < math.radians(FINEST)).any():
        handles.append(Line2D([], [], color=style.INK, marker="<", lw=0, label=f"finer than {FINEST:g}°"))
    _ticks(axes)
    figure.legend(handles=handles, loc="outside lower left", ncols=5)
    figure.suptitle(
        "what each can see, by the dtype of the rows; dashed: the best of answers in that dtype", x=0.01, ha="left"
    )
    return figure


def _ticks(axes: Axes) -> None:
    low, high = axes.get_xlim()
    ticks = [tick for tick in TICKS if low <= tick <= high]
    axes.set_xticks(ticks, [f"{tick:g}°" for tick in ticks])
    axes.minorticks_off()
