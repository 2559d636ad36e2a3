"""The resolution of each implementation near 1: the smallest angle distinguished from 0, and distinct answers."""

import math
from typing import NamedTuple

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
"""Where the axis of angles begins, in degrees; an arrow there marks a finer angle."""

TICKS = (1e-3, 1e-2, 0.1, 1, 2, 5, 10, 20, 50, 90)
LIMIT = math.degrees(math.acos(THRESHOLD))
APART = 0.26
"""The distance between the marks of two dtypes, as a part of the distance between rows."""


class Dots(NamedTuple):
    """The results with rows of one dtype: degrees (NaN for none distinguished from 0), answers, and their heights."""

    dtype: str
    degrees: pd.Series
    distinct: pd.Series
    heights: pd.Series
    colour: str
    marker: str


def resolution(seen: pd.DataFrame) -> Figure:
    """A row for each implementation, the finest first, and a mark for each dtype; dashed: the dtype's limit.

    Left is the smallest angle in degrees, on an axis that begins at `FINEST`, right the number of distinct answers.
    Both axes are logarithmic. Several devices have a row for each implementation and device.
    """
    several = seen["device"].nunique() > 1
    seen = seen.assign(row=seen["implementation"] + (" on " + seen["device"] if several else ""))
    finest = seen.groupby("row")["smallest_angle"].max().sort_values(kind="stable").index
    places = {name: place for place, name in enumerate(finest[:ROWS])}
    figure = Figure(figsize=(9, 1.7 + 0.19 * len(places)), layout="constrained")
    angles, answers = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    dots = _dots(seen[seen["row"].isin(places)], places)
    for one in dots:
        _draw(angles, answers, one)
    _label_angles(angles, seen)
    _label_answers(answers, seen)
    angles.set_yticks(range(len(places)), [style.plain(name) for name in places])
    angles.set_ylim(len(places) - 0.5, -0.5)
    figure.legend(handles=_legend(dots), loc="outside lower left", ncols=3)
    left_out = f" (the first {ROWS} of {len(finest)})" if len(finest) > ROWS else ""
    title = f"resolution near 1, by dtype of the rows{left_out}; dashed: the limit of answers in that dtype"
    figure.suptitle(title, x=0.005, ha="left")
    return figure


def _dots(seen: pd.DataFrame, places: dict[str, int]) -> list[Dots]:
    groups = list(zip(seen.groupby("dtype", sort=False), style.COLOURS, MARKERS, strict=False))
    return [
        Dots(
            str(dtype),
            rows["smallest_angle"].astype(float) * (180 / math.pi),
            rows["distinct"].astype(float),
            rows["row"].map(places) + APART * (number - (len(groups) - 1) / 2),
            colour,
            marker,
        )
        for number, ((dtype, rows), colour, marker) in enumerate(groups)
    ]


def _draw(angles: Axes, answers: Axes, dots: Dots) -> None:
    finer = dots.degrees < FINEST
    for mark, some in ((dots.marker, ~finer), ("<", finer)):
        angles.plot(dots.degrees[some].clip(lower=FINEST), dots.heights[some], mark, color=dots.colour)
    answers.plot(dots.distinct, dots.heights, dots.marker, color=dots.colour)
    if best := theory(dots.dtype):
        for axes, least in ((angles, math.degrees(best.smallest_angle)), (answers, best.distinct)):
            axes.axvline(least, color=dots.colour, lw=1, ls="--", zorder=0)


def _label_angles(axes: Axes, seen: pd.DataFrame) -> None:
    axes.axvline(LIMIT, color=style.INK, lw=0.8, ls=":", zorder=0)
    finer = (seen["smallest_angle"] < math.radians(LIMIT)).groupby(seen["row"]).all()
    axes.set_title(f"smallest angle distinguished from 0:\nbelow {LIMIT:.2g}° for {finer.sum()} of {len(finer)}")
    axes.set(xscale="log", xlabel="angle (left is finer)")
    low, high = axes.get_xlim()
    ticks = [tick for tick in TICKS if low <= tick <= high]
    axes.set_xticks(ticks, [f"{tick:g}°" for tick in ticks])
    axes.minorticks_off()


def _label_answers(axes: Axes, seen: pd.DataFrame) -> None:
    """The axis ends at the most possible answers; a limit beyond it is not shown."""
    most = seen["pairs"].max()
    answers = seen.groupby("dtype", sort=False)["distinct"].median()
    fewest = f"{units.number(answers.min())} in {answers.idxmin()} (median)"
    axes.set_title(f"distinct answers to {most:,.0f} cosines\nin [0.9, 1]: {fewest}")
    axes.set(xscale="log", xlabel="number of answers (right is finer)")
    axes.set_xlim(min(10, seen["distinct"].min()) / 1.5, most * 1.5)
    style.log_ticks(axes.xaxis, units.number)


def _legend(dots: list[Dots]) -> list[Line2D]:
    handles = []
    for one in dots:
        best = theory(one.dtype)
        label = f"{one.dtype}; limit {best.shown}" if best else one.dtype
        handles.append(Line2D([], [], color=one.colour, marker=one.marker, ls="--" if best else "", lw=1, label=label))
    handles.append(Line2D([], [], color=style.INK, lw=0.8, ls=":", label=f"{LIMIT:.2g}°: cosine {THRESHOLD}"))
    if any((one.degrees < FINEST).any() for one in dots):
        handles.append(Line2D([], [], color=style.INK, marker="<", lw=0, label=f"finer than {FINEST:g}°"))
    return handles
