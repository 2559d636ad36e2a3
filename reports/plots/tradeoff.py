"""Error against time: the lower left corner is best."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports import units
from reports.plots import facets, findings, style
from reports.plots.captions import without_baseline
from reports.plots.labels import Label, ring
from reports.plots.looks import Look, looks
from reports.sections.speed.by_case import of_group
from reports.sections.speed.table import GROUP
from suites.records.record import UNIT_ROUNDOFF

OUTSIDE = "#f6e7df"
FAR = 100


def tradeoff(table: pd.DataFrame, standings: pd.DataFrame, answer: pd.DataFrame) -> Figure | None:
    """Largest error over all cases against the time in each group's largest case, relative to the baseline.

    A mark for each implementation, a ring around the answer, and a shaded area beyond the error budget. An error of 0
    is drawn a decade below the smallest other error; None without a baseline.
    """
    compared = table.dropna(subset=["ratio"])
    here = compared[compared["case"].isin(facets.largest(compared)["case"])]
    known = looks(standings)
    columns = [*GROUP, "implementation", "label", "ratio", "verdict"]
    standings = standings.merge(here[columns], on=[*GROUP, "implementation"])
    if standings.empty:
        return None

    def draw(axes: Axes, members: pd.DataFrame) -> facets.Facet:
        labels = _draw_marks(axes, members, known, facets.chosen(members, answer))
        axes.margins(0.12)
        axes.axvline(1, color=style.INK, lw=0.8, ls=":", zorder=0)
        baseline = facets.baseline(of_group(answer, members.iloc[0]))
        axes.set_xlabel(f"time / {baseline} time at {members['label'].iloc[0]}")
        axes.set(xscale="log", yscale="log", ylabel="largest error over all cases")
        _draw_budget(axes, members["budget"].iloc[0])
        style.log_ticks(axes.xaxis, units.multiple)
        style.log_ticks(axes.yaxis, _power)
        return facets.Facet(finding=findings.error(members, table, answer), labels=labels)

    handles = facets.handles(known, standings["implementation"], lines=False)
    title = "error against time at the largest case; lower left is best; ring: the answer"
    caption = without_baseline(table, answer)
    return facets.small_multiples(standings, answer, title, 2.9, draw, handles=handles, caption=caption)


def _draw_marks(axes: Axes, members: pd.DataFrame, known: Mapping[str, Look], chosen: str) -> list[Label]:
    """Draw the marks and return their labels: that of the answer, and of those beyond the end of the axis."""
    above_zero = members["error_u"][members["error_u"] > 0]
    lowest = above_zero.min() / 10 if len(above_zero) else 1.0
    errors, end = members["error_u"].clip(lower=lowest) * UNIT_ROUNDOFF, facets.limit(members["ratio"])
    labels = list[Label]()
    for name, ratio, y in zip(members["implementation"], members["ratio"], errors, strict=True):
        look, x = known[name], min(ratio, end)
        axes.plot(x, y, look.marker, ms=7.5, color=look.colour, mec=style.PAPER, mew=0.3, zorder=look.zorder)
        far = f" → {units.times(ratio)}" if ratio > end else ""
        if name == chosen:
            ring(axes, x, y)
        if name == chosen or far:
            labels.append(Label(x, y, f"{style.plain(name)}{far}"))
    return sorted(labels, key=lambda label: label.text != style.plain(chosen))


def _power(value: float) -> str:
    """A tick of the errors: 1e-4, also where a number is usually written out."""
    return f"{value:.0e}".replace("e-0", "e-").replace("e+00", "")


def _draw_budget(axes: Axes, limit: float) -> None:
    low, high = axes.get_ylim()
    if np.isnan(limit) or limit > FAR * high:  # so far above all marks that drawing it would flatten them
        return
    top, edge = max(high, 3 * limit), max(low, limit)  # the whole facet may be beyond the budget
    axes.set_ylim(low, top)
    axes.axhspan(edge, top, color=OUTSIDE, lw=0, zorder=0)
    axes.text(
        0.99, edge, f"beyond the error budget, {units.budget(limit)}", transform=axes.get_yaxis_transform(),
        ha="right", va="bottom",
    )  # fmt: skip
