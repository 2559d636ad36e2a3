"""Memory beyond the inputs."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from reports import units
from reports.plots import facets, style
from reports.sections.speed.by_case import of_group
from reports.sections.speed.table import GROUP

BARS = 20
WIDE = 50
"""From this span of the peaks on, only a logarithmic axis shows the short bars."""


def memory(table: pd.DataFrame, standings: pd.DataFrame, answer: pd.DataFrame) -> Figure | None:
    """Peak bytes beyond the inputs over their size, a bar for each implementation, at each group's largest case.

    Shows the `BARS` with the lowest peaks, and the status of implementations that failed; None where no peak is known.
    """
    if table["peak_bytes"].isna().all():
        return None
    looks = facets.looks(standings, answer)
    rows = table[table["case"].isin(facets.largest(table[table["status"] == "ok"])["case"])]
    rows = rows.merge(standings[[*GROUP, "implementation"]], on=[*GROUP, "implementation"])
    rows = rows.assign(share=rows["peak_bytes"] / rows["input_bytes"])

    def draw(axes: Axes, members: pd.DataFrame) -> str:
        here = of_group(rows, members.iloc[0])
        here = here.sort_values(["share", "implementation"], ascending=False, na_position="first").tail(BARS)
        _draw_bars(axes, here, looks)
        return f"at {here['label'].iloc[0]}, {_seen(here, of_group(answer, members.iloc[0]).iloc[0])}"

    height = 0.9 + 0.17 * min(standings["implementation"].nunique(), BARS)
    return facets.small_multiples(
        standings, answer, "peak memory beyond the inputs, at the largest case", height, facets.NARROW, draw
    )


def _draw_bars(axes: Axes, rows: pd.DataFrame, looks: Mapping[str, style.Look]) -> None:
    shares = rows["share"][rows["share"] > 0]
    edge = shares.min() / 2 if shares.max() > WIDE * shares.min() else 0.0  # where a logarithmic axis begins
    colours = [looks.get(name, style.OTHER).colour for name in rows["implementation"]]
    bars = axes.barh(range(len(rows)), rows["share"].fillna(0).clip(lower=edge), color=colours, height=0.7)
    peaks = rows["peak_bytes"].map(units.size).where(rows["peak_bytes"].notna(), "not known")
    axes.bar_label(bars, list(peaks.where(rows["status"] == "ok", rows["status"].str.replace("_", " "))), padding=3)
    axes.set_yticks(range(len(rows)), [style.plain(name) for name in rows["implementation"]])
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.25, y=0.02)
    axes.set_xlabel("peak memory beyond inputs / input size")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}×"))
    if edge:
        axes.set(xscale="log", xlim=(edge, None))
        style.log_ticks(axes.xaxis, units.times)


def _seen(rows: pd.DataFrame, chosen: pd.Series) -> str:
    peak = rows.dropna(subset=["share"]).set_index("implementation")["peak_bytes"]
    names = [name for name in dict.fromkeys([chosen["implementation"], chosen["reference"]]) if name in peak.index]
    return ", ".join(f"{style.plain(name)} takes {style.unbroken(units.size(peak[name]))}" for name in names)
