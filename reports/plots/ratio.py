"""Time relative to the baseline, case by case."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from reports import units
from reports.plots import facets, findings, style
from reports.plots.captions import without_baseline
from reports.plots.labels import RING
from reports.plots.looks import Look, looks
from reports.sections.speed.by_case import of_group, spread
from reports.sections.speed.table import SAME

ROWS = 20
CASES = 6
SMALL, LARGE = 3.5, 7.0
"""The diameters of the marks of the smallest and the largest case, in points."""


def ratio(table: pd.DataFrame, standings: pd.DataFrame, answer: pd.DataFrame) -> Figure | None:
    """A row for each implementation, a mark with its interval for each case; None without a baseline.

    Larger cases have larger marks, and marks are hollow where no difference is seen. The answer's name is bold, its
    marks are ringed. Shows at most `CASES` cases, evenly spread over the sizes, and the `ROWS` fastest implementations.
    """
    ok = table.dropna(subset=["ratio"])
    standings, known = standings[standings["compared"] > 0], looks(standings)
    if ok.empty or standings.empty:
        return None
    labels = spread(list(ok.groupby("label")["size"].min().sort_values(kind="stable").index), CASES)
    sizes = _sizes(labels)
    baseline = facets.baseline(answer)

    def draw(axes: Axes, members: pd.DataFrame) -> facets.Facet:
        names = list(members["implementation"].head(ROWS))
        here = of_group(ok, members.iloc[0])
        here = here[here["implementation"].isin(names) & here["label"].isin(labels)]
        end = facets.limit(here["ratio"])
        chosen = facets.chosen(members, answer)
        axes.axvline(1, color=style.INK, lw=0.8, ls=":", zorder=0)
        for place, name in enumerate(names):
            mine = here[here["implementation"] == name]
            _draw_row(axes, place, mine, sizes, known[name], end, ringed=name == chosen)
        _name_rows(axes, names, {*members.loc[members["baseline"], "implementation"]}, chosen)
        axes.set(xscale="log", xlabel=f"time / {facets.baseline(of_group(answer, members.iloc[0]))} time")
        axes.set_xlim(right=min(axes.get_xlim()[1], end * 1.2))
        style.log_ticks(axes.xaxis, units.multiple)
        return facets.Facet(finding=findings.speed(members, table, answer))

    return facets.small_multiples(
        standings,
        answer,
        f"time / {baseline} time, with 95 % intervals; left is faster; ring: the answer; hollow: no difference seen",
        0.9 + 0.19 * min(standings["implementation"].nunique(), ROWS),
        draw,
        handles=_legend(sizes),
        columns=CASES,
        caption=without_baseline(table, answer),
    )


def _sizes(labels: Sequence[str]) -> dict[str, float]:
    """The diameter of the mark of each label, small cases first; the same for one shape in several formats."""
    shapes = list(dict.fromkeys(label.partition(" ")[0] for label in labels))
    diameters = dict(zip(reversed(shapes), np.linspace(LARGE, SMALL, len(shapes)), strict=True))
    return {label: diameters[label.partition(" ")[0]] for label in labels}


def _draw_row(
    axes: Axes, place: int, rows: pd.DataFrame, sizes: Mapping[str, float], look: Look, end: float, ringed: bool
) -> None:
    """The marks of one implementation; an arrow and numbers at the edge stand for those beyond `end`."""
    far, near = rows[rows["ratio"] > end], rows[rows["ratio"] <= end]
    for (label, unseen), dots in near.groupby([near["label"], near["verdict"] == SAME]):
        whiskers, heights = [dots["ratio"] - dots["ratio_low"], dots["ratio_high"] - dots["ratio"]], [place] * len(dots)
        size, inside = sizes[str(label)], style.PAPER if unseen else look.colour
        axes.errorbar(dots["ratio"], heights, xerr=whiskers, fmt="none", ecolor=look.colour, elinewidth=1)
        axes.plot(dots["ratio"], heights, look.marker, color=look.colour, ms=size, mfc=inside)
        if ringed:
            axes.plot(dots["ratio"], heights, "o", ms=size + RING / 2, mfc="none", mec=style.INK, mew=0.9)
    if len(far):
        shown = " to ".join(dict.fromkeys(map(units.times, (far["ratio"].min(), far["ratio"].max()))))
        axes.annotate(
            f"→ {shown}", (1, place), xycoords=axes.get_yaxis_transform(), xytext=(-2, 0), textcoords="offset points",
            ha="right", va="center", color=style.INK,
        )  # fmt: skip


def _name_rows(axes: Axes, names: list[str], baselines: set[str], chosen: str) -> None:
    shown = [f"{style.plain(name)} (baseline)" if name in baselines else style.plain(name) for name in names]
    axes.set_yticks(range(len(names)), shown)
    axes.set_ylim(len(names) - 0.5, -0.5)
    facets.embolden(axes, names, chosen)


def _legend(sizes: Mapping[str, float]) -> dict[str, Artist]:
    smallest_first = sorted(sizes.items(), key=lambda size: size[1])
    return {label: Line2D([], [], color=style.INK, marker="o", lw=0, ms=size) for label, size in smallest_first}
