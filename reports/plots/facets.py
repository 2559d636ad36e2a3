"""Small multiples: a facet for each group of cases, with its finding as title."""

import textwrap
from collections.abc import Callable, Mapping

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from reports.plots.style import COLOURS, GREY, INK, MARKERS, OTHER, Look, plain
from reports.sections.speed.by_case import of_group
from reports.sections.speed.claims import claims
from reports.sections.speed.table import GROUP

FACETS = 6
WIDE, NARROW = 60, 42
"""How many letters of a title fit over one of two facets: with numbers, or with names, at its left."""

Draw = Callable[[Axes, pd.DataFrame], str]
"""Draws the standings of one group and returns the finding."""


def looks(standings: pd.DataFrame, answer: pd.DataFrame) -> dict[str, Look]:
    """Black for the baseline, colours for winners and the next fastest, then grey; missing names are `OTHER`."""
    baselines = list(standings.loc[standings["baseline"], "implementation"].value_counts().index[:1])
    rank = standings.groupby([standings[key] for key in GROUP])["time"].rank()
    fastest = rank.groupby(standings["implementation"]).mean().sort_values(kind="stable").index
    names = dict.fromkeys([*answer["implementation"].dropna(), *fastest])
    rest = [Look(colour) for colour in COLOURS] + [Look(GREY, marker) for marker in MARKERS]
    others = (name for name in names if name not in baselines)
    return dict.fromkeys(baselines, Look(INK)) | dict(zip(others, rest, strict=False))


def small_multiples(
    standings: pd.DataFrame, answer: pd.DataFrame, title: str, height: float, letters: int, draw: Draw
) -> Figure:
    """A facet for each of the first `FACETS` groups of `answer` with standings, two in a row.

    Each is `height` inches high. A line of its title has at most `letters` letters, or twice that over a lone facet.
    """
    answer = answer.merge(standings[GROUP].drop_duplicates(), on=GROUP)
    groups = answer.head(FACETS)
    columns = min(2, len(groups))
    rows = -(-len(groups) // columns)
    figure = Figure(figsize=(9, height * rows + 0.9), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).flatten()
    for facet, (_, group) in zip(axes, groups.iterrows(), strict=False):
        seen = draw(facet, of_group(standings, group))
        facet.set_title(textwrap.fill(f"{_facet_name(group, answer)}: {seen}", letters * (3 - columns)))
    for empty in axes[len(groups) :]:
        empty.remove()
    shown = f" (the first {FACETS} of {len(answer)} groups)" if len(answer) > FACETS else ""
    figure.suptitle(f"{answer['task'].iloc[0]}: {title}{shown}", x=0.01, ha="left")
    return figure


def largest(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a group: its largest case among `rows`."""
    return rows.sort_values(["size", "label"]).drop_duplicates(GROUP, keep="last")


def legend(figure: Figure, looks: Mapping[str, Look], lines: bool, more: Mapping[str, Artist] | None = None) -> None:
    """The marker and line of each implementation under the facets, then `more` handles by label."""
    entries = {plain(name): look for name, look in looks.items()}
    if len(looks) > len(COLOURS) + len(MARKERS):
        entries["others"] = OTHER
    handles: dict[str, Artist] = {
        name: Line2D([], [], color=look.colour, marker=look.marker, lw=look.width if lines else 0)
        for name, look in entries.items()
    }
    handles |= more or {}
    figure.legend(list(handles.values()), list(handles), loc="outside lower left", ncols=4)


def verdict(members: pd.DataFrame, answer: pd.DataFrame) -> str:
    """The answer of the group of `members`: "compiled_dot against builtin: 11× faster in 3 of 3 cases"."""
    row = of_group(answer, members.iloc[0]).iloc[0]
    if pd.isna(row["implementation"]):
        return "no implementation that ran every case stays within the error budget"
    chosen, reference = plain(row["implementation"]), plain(str(row["reference"]))
    if pd.notna(row["rival"]):
        return f"too noisy to tell whether {plain(row['rival'])} is faster than {reference}"
    if chosen == reference:
        return f"no implementation within the error budget is seen to be faster than {reference} over all cases"
    if row["compared"] == 0:
        return f"{chosen} is the fastest"
    return f"{chosen} against {reference}: {claims(row)}"


def _facet_name(group: pd.Series, answer: pd.DataFrame) -> str:
    parts = [group["dtype"]]
    parts += [group["device"]] if answer["device"].nunique() > 1 else []
    parts += [group["direction"]] if group["direction"] != "forward" else []
    parts += ["cold cache"] if group["cache"] != "warm" else []
    parts += [f"against {plain(group['apart'])}"] if group["apart"] else []
    return ", ".join(parts)
