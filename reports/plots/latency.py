"""Time per call by size."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, LogLocator

from reports import units
from reports.plots import facets, findings, style
from reports.plots.labels import Label, ring
from reports.plots.looks import looks
from reports.sections.speed.by_case import spread
from reports.sections.speed.table import GROUP
from suites.records.case import ALL_PAIRS

SIZES = 12
LINE = [*GROUP, "implementation", "memory_format"]


def latency(table: pd.DataFrame, standings: pd.DataFrame, answer: pd.DataFrame) -> Figure | None:
    """Seconds per call by the `size` of the case, a line for each implementation, for groups of several sizes.

    A point is the median of the cases of one size and memory format; a facet has at most `SIZES` sizes. Formats other
    than contiguous are dashed and hollow, the answer's points are ringed. None without such a group.
    """
    ok = table[table["status"] == "ok"]
    ok = ok[ok.groupby(GROUP)["size"].transform("nunique") > 1]
    if ok.empty:
        return None
    label = "size of all pairs" if ok["task"].isin(ALL_PAIRS).all() else "size of the inputs"
    known = looks(standings)
    standings = standings.merge(ok[GROUP].drop_duplicates(), on=GROUP)
    lines = ok.groupby([*LINE, "size"])["latency_s"].median().reset_index()

    def draw(axes: Axes, members: pd.DataFrame) -> facets.Facet:
        here = lines.merge(members[[*GROUP, "implementation"]], on=[*GROUP, "implementation"])
        here = here[here["size"].isin(spread(sorted(here["size"].unique()), SIZES))]
        sizes = here["size"].unique().tolist()
        chosen = facets.chosen(members, answer)
        end = facets.FAR * here.groupby("size")["latency_s"].median().max()
        labels = list[Label]()
        for (name, memory_format), line in here.groupby(LINE[-2:]):
            look, shown = known[str(name)], line["latency_s"].clip(upper=end)
            (drawn,) = axes.plot(line["size"], shown, marker=look.marker)
            drawn.set(color=look.colour, linewidth=look.width, zorder=look.zorder)
            if memory_format != "contiguous":
                drawn.set(linestyle="--", markerfacecolor=style.PAPER)
            elif name == chosen:
                for x, y in zip(line["size"], shown, strict=True):
                    ring(axes, x, y)
                labels.insert(0, Label(line["size"].iloc[-1], shown.iloc[-1], style.plain(str(name))))
            if line["latency_s"].iloc[-1] > end:
                far = units.seconds(line["latency_s"].iloc[-1])
                labels.append(Label(line["size"].iloc[-1], end, f"{style.plain(str(name))} → {far}"))
        axes.set(xscale="log", yscale="log", xlabel=label, ylabel="time per call")
        style.log_ticks(axes.xaxis, units.size)
        axes.xaxis.set_major_locator(FixedLocator(sizes) if len(sizes) <= 2 else LogLocator(base=4, numticks=7))
        style.log_ticks(axes.yaxis, units.seconds)
        return facets.Facet(finding=findings.crossover(members, table, answer), labels=labels)

    others = sorted({*ok["memory_format"]} - {"contiguous"})
    title = "time per call by size; ring: the answer" + (f"; dashed and hollow: {', '.join(others)}" if others else "")
    handles = facets.handles(known, standings["implementation"], lines=True)
    return facets.small_multiples(standings, answer, title, 2.9, draw, handles=handles)
