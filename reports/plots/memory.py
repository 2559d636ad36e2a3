"""Memory beyond the inputs."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from reports import units
from reports.plots import facets, findings, style
from reports.plots.looks import Look, looks
from reports.sections.speed.by_case import of_group
from reports.sections.speed.table import GROUP

BARS = 20
WIDE = 50
"""From this span of the peaks on, only a logarithmic axis shows the short bars."""


def memory(table: pd.DataFrame, standings: pd.DataFrame, answer: pd.DataFrame) -> Figure | None:
    """Peak bytes beyond the inputs over their size, a bar for each implementation, at each group's largest case.

    Shows the `BARS` with the lowest peaks, and the status of implementations that failed; None where no peak is known.
    The answer's name is bold.
    """
    if table["peak_bytes"].isna().all():
        return None
    known = looks(standings)
    rows = table[table["case"].isin(facets.largest(table[table["status"] == "ok"])["case"])]
    rows = rows.merge(standings[[*GROUP, "implementation"]], on=[*GROUP, "implementation"])
    rows = rows.assign(share=rows["peak_bytes"] / rows["input_bytes"])

    def draw(axes: Axes, members: pd.DataFrame) -> facets.Facet:
        here = of_group(rows, members.iloc[0])
        here = here.sort_values(["share", "implementation"], ascending=False, na_position="first").tail(BARS)
        _draw_bars(axes, here, known)
        facets.embolden(axes, here["implementation"], facets.chosen(members, answer))
        axes.set_xlabel("peak memory / input size")
        return facets.Facet(finding=f"at {here['label'].iloc[0]}, {findings.memory(here, answer)}")

    height = 0.9 + 0.19 * min(standings["implementation"].nunique(), BARS)
    title = "peak memory beyond the inputs, at the largest case; bold: the answer"
    return facets.small_multiples(standings, answer, title, height, draw)


def _draw_bars(axes: Axes, rows: pd.DataFrame, known: Mapping[str, Look]) -> None:
    shares = rows["share"][rows["share"] > 0]
    edge = shares.min() / 2 if shares.max() > WIDE * shares.min() else 0.0  # where a logarithmic axis begins
    colours = [known[name].colour for name in rows["implementation"]]
    bars = axes.barh(range(len(rows)), rows["share"].fillna(0).clip(lower=edge), color=colours, height=0.7)
    peaks = rows["peak_bytes"].map(units.size).where(rows["peak_bytes"].notna(), "not known")
    axes.bar_label(bars, list(peaks.where(rows["status"] == "ok", rows["status"].str.replace("_", " "))), padding=3)
    axes.set_yticks(range(len(rows)), [style.plain(name) for name in rows["implementation"]])
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.3, y=0.02)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}×"))
    if edge:
        axes.set(xscale="log", xlim=(edge, None))
        style.log_ticks(axes.xaxis, _share)


def _share(value: float) -> str:
    """A tick: 10×, 0.01×, 1e-6×."""
    return units.times(value) if value >= 0.001 else f"{units.power(value)}×"
