"""Small multiples: a facet for each group of cases, with its finding as title."""

import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from reports.plots import labels
from reports.plots.labels import Label
from reports.plots.looks import OTHER, Look
from reports.plots.style import plain, settle
from reports.sections.speed.by_case import of_group
from reports.sections.speed.table import GROUP

FACETS = 6
LETTERS = 56
"""How many letters of a title fit over one of two facets."""

CAPTION = 130
"""How many letters of a caption fit under all facets."""

FAR = 10
"""An axis of times ends at this multiple of the median contestant or of the baseline; an arrow stands for the rest."""


@dataclass(frozen=True, kw_only=True)
class Facet:
    """What was drawn of one group: the finding, and labels to write when the layout is settled."""

    finding: str
    labels: list[Label] = field(default_factory=list)


Draw = Callable[[Axes, pd.DataFrame], Facet]
"""Draws the standings of one group."""


def small_multiples(
    standings: pd.DataFrame,
    answer: pd.DataFrame,
    title: str,
    height: float,
    draw: Draw,
    *,
    handles: Mapping[str, Artist] | None = None,
    columns: int = 4,
    caption: str = "",
) -> Figure:
    """A facet for each of the first `FACETS` groups of `answer` with standings, two in a row.

    Each is `height` inches high. A line of its title has at most `LETTERS` letters, or twice that over a lone facet.
    Under the facets are the legend of `handles`, in so many `columns`, and the caption.
    """
    answer = answer.merge(standings[GROUP].drop_duplicates(), on=GROUP)
    groups = answer.head(FACETS)
    across = min(2, len(groups))
    rows = -(-len(groups) // across)
    figure = Figure(figsize=(9, height * rows + 0.9), layout="constrained")
    axes = figure.subplots(rows, across, squeeze=False).flatten()
    drawn = []
    for facet, (_, group) in zip(axes, groups.iterrows(), strict=False):
        seen = draw(facet, of_group(standings, group))
        title_of_facet = textwrap.fill(f"{_facet_name(group, answer)}: {seen.finding}", LETTERS * (3 - across))
        facet.set_title(title_of_facet, loc="left")
        drawn.append(seen)
    for empty in axes[len(groups) :]:
        empty.remove()
    shown = f" (the first {FACETS} of {len(answer)} groups)" if len(answer) > FACETS else ""
    figure.suptitle(f"{answer['task'].iloc[0]}: {title}{shown}", x=0.005, ha="left")
    if handles:
        figure.legend(list(handles.values()), list(handles), loc="outside lower left", ncols=columns)
    if caption:
        figure.supxlabel(textwrap.fill(caption, CAPTION), x=0.005, ha="left", fontsize="medium")
    settle(figure)
    for facet, seen in zip(axes, drawn, strict=False):
        _align_title(facet)
        labels.put(facet, seen.labels)
    return figure


def largest(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a group: its largest case among `rows`."""
    return rows.sort_values(["size", "label"]).drop_duplicates(GROUP, keep="last")


def baseline(answer: pd.DataFrame) -> str:
    """What times are divided by: "builtin's", or "baseline's" where the groups have several."""
    names = answer["reference"].dropna().unique()
    return f"{plain(str(names[0]))}'s" if len(names) == 1 else "baseline's"


def chosen(members: pd.DataFrame, answer: pd.DataFrame) -> str:
    """The answer of the group of `members`; "" if it has none."""
    name = of_group(answer, members.iloc[0])["implementation"].iloc[0]
    return str(name) if pd.notna(name) else ""


def embolden(axes: Axes, names: Iterable[str], chosen: str) -> None:
    """Write the name of the answer in bold among the names at the left."""
    for name, tick in zip(names, axes.get_yticklabels(), strict=True):
        tick.set_fontweight("bold" if name == chosen else "normal")


def limit(ratios: "pd.Series[float]") -> float:
    """Where an axis of ratios to the baseline ends."""
    return float(FAR * max(1.0, ratios.median()))


def handles(looks: Mapping[str, Look], names: Iterable[str], lines: bool) -> dict[str, Artist]:
    """The marker and line of each implementation of `names`, for a legend."""
    drawn = {*names}
    entries = {plain(name): look for name, look in looks.items() if name in drawn and look != OTHER}
    if any(looks[name] == OTHER for name in drawn):
        entries["others"] = OTHER
    return {
        name: Line2D([], [], color=look.colour, marker=look.marker, lw=look.width if lines else 0)
        for name, look in entries.items()
    }


def _align_title(facet: Axes) -> None:
    """Begin the title above the names or numbers at the left of the facet, where it has more room."""
    inside, names = facet.get_window_extent(), facet.yaxis.get_tightbbox()
    if names:
        facet.set_title(facet.get_title(loc="left"), loc="left", x=(names.x0 - inside.x0) / inside.width)


def _facet_name(group: pd.Series, answer: pd.DataFrame) -> str:
    parts = [group["dtype"]]
    parts += [group["device"]] if answer["device"].nunique() > 1 else []
    parts += [group["direction"]] if group["direction"] != "forward" else []
    parts += ["cold cache"] if group["cache"] != "warm" else []
    parts += [f"against {plain(group['apart'])}"] if group["apart"] else []
    return ", ".join(parts)
