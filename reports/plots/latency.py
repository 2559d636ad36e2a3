"""Time per call by size."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, LogLocator

from reports import units
from reports.plots import facets, style
from reports.sections.speed.by_case import spread
from reports.sections.speed.table import GROUP
from suites.records.case import ALL_PAIRS

SIZES = 12
LINE = [*GROUP, "implementation", "memory_format"]


def latency(table: pd.DataFrame, standings: pd.DataFrame, answer: pd.DataFrame) -> Figure | None:
    """Seconds per call by the `size` of the case, a line for each implementation, for groups of several sizes.

    A point is the median of the cases of one size and memory format; a facet has at most `SIZES` sizes. Formats other
    than contiguous are dashed and hollow. None without such a group.
    """
    ok = table[table["status"] == "ok"]
    ok = ok[ok.groupby(GROUP)["size"].transform("nunique") > 1]
    if ok.empty:
        return None
    label = "size of all pairs" if ok["task"].isin(ALL_PAIRS).all() else "size of the inputs"
    looks = facets.looks(standings, answer)
    standings = standings.merge(ok[GROUP].drop_duplicates(), on=GROUP)
    lines = ok.groupby([*LINE, "size"])["latency_s"].median().reset_index()

    def draw(axes: Axes, members: pd.DataFrame) -> str:
        here = lines.merge(members[[*GROUP, "implementation"]], on=[*GROUP, "implementation"])
        here = here[here["size"].isin(spread(sorted(here["size"].unique()), SIZES))]
        sizes = here["size"].unique().tolist()
        for (name, memory_format), line in here.groupby(LINE[-2:]):
            look = looks.get(str(name), style.OTHER)
            (drawn,) = axes.plot(line["size"], line["latency_s"], marker=look.marker)
            drawn.set(color=look.colour, linewidth=look.width, zorder=look.zorder)
            if memory_format != "contiguous":
                drawn.set(linestyle="--", markerfacecolor="white")
        axes.set(xscale="log", yscale="log", xlabel=label, ylabel="time per call")
        style.log_ticks(axes.xaxis, units.size)
        axes.xaxis.set_major_locator(FixedLocator(sizes) if len(sizes) <= 2 else LogLocator(base=4, numticks=7))
        style.log_ticks(axes.yaxis, units.seconds)
        return facets.verdict(members, answer)

    others = sorted({*ok["memory_format"]} - {"contiguous"})
    title = "time per call by size" + (f"; dashed and hollow: {', '.join(others)}" if others else "")
    figure = facets.small_multiples(standings, answer, title, 2.9, facets.WIDE, draw)
    facets.legend(figure, looks, lines=True)
    return figure
