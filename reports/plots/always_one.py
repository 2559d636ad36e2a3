"""The effect of each change on a Siamese loop: on its AUC, and on the cosine of unlike pairs."""

import textwrap

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from reports.plots import style
from reports.sections.always_one.effects import CODE, HELPS, HURTS, SAME, UNCLEAR

COLOURS = {HELPS: style.COLOURS[0], HURTS: style.COLOURS[1], SAME: style.INK, UNCLEAR: style.GREY}
MARKERS = {HELPS: ">", HURTS: "<", SAME: "o", UNCLEAR: "d"}
LETTERS = 50
"""How many letters of a title fit above the two facets of a loop."""

MOST = 0.5
"""From guessing to always right."""


def always_one(rows: pd.DataFrame) -> Figure:
    """A row for each change and two facets for each loop: the difference in AUC, and the cosine of unlike pairs.

    A dashed line marks the cosine without the change.
    """
    changed = rows[(rows["change"] != "") & rows["low"].notna()]
    names = _names(changed)
    loops = list(dict.fromkeys(changed["loop"]))
    figure = Figure(figsize=(9, 1.3 + 0.17 * len(names)), layout="constrained")
    facets = figure.subplots(1, 2 * len(loops), sharey=True, squeeze=False)[0]
    for place, loop in enumerate(loops):
        here, auc, cosine = changed[changed["loop"] == loop], facets[2 * place], facets[2 * place + 1]
        _draw(auc, here, "difference", "low", "high", names)
        auc.axvline(0, color=style.INK, lw=0.8, ls=":", zorder=0)
        auc.set(xlabel="difference in AUC", xlim=(-MOST, MOST), xticks=(-MOST, 0, MOST))
        auc.set_title(textwrap.fill(f"{loop.replace('_', ' ')}: {_counts(here)}", LETTERS))
        own = rows[(rows["loop"] == loop) & (rows["change"] == "")]
        _draw(cosine, here, "unlike", "unlike_low", "unlike_high", names)
        cosine.axvline(float(own["unlike"].iloc[0]), color=style.INK, lw=0.8, ls="--", zorder=0)
        cosine.set(xlabel="cosine of unlike pairs", xlim=(-0.1, 1.1))
    facets[0].set_yticks(range(len(names)), [style.plain(name) for name in names])
    facets[0].set_ylim(len(names) - 0.5, -0.5)
    handles = [
        Line2D([], [], color=colour, marker=MARKERS[verdict], lw=1, label=f"AUC: {verdict}")
        for verdict, colour in COLOURS.items()
    ]
    handles.append(Line2D([], [], color=style.INK, lw=0.8, ls="--", label="without the change"))
    figure.legend(handles=handles, loc="outside lower left", ncols=len(handles))
    figure.suptitle("effect of each change alone, in the loop as written and in correct code", x=0.005, ha="left")
    return figure


def _counts(rows: pd.DataFrame) -> str:
    counts = rows["verdict"].value_counts()
    return ", ".join(style.unbroken(f"{verdict} {counts[verdict]}") for verdict in COLOURS if verdict in counts)


def _names(changed: pd.DataFrame) -> list[str]:
    """The changes, those of one kind together, whichever loop they belong to."""
    kinds = sorted(changed["advice"].unique(), key=lambda kind: kind not in CODE)
    ordered = changed.sort_values("advice", key=lambda advice: advice.map(kinds.index), kind="stable")
    return list(ordered["change"].unique())


def _draw(axes: Axes, rows: pd.DataFrame, middle: str, low: str, high: str, names: list[str]) -> None:
    for verdict, colour in COLOURS.items():
        dots = rows[rows["verdict"] == verdict]
        heights = [names.index(name) for name in dots["change"]]
        whiskers = [dots[middle] - dots[low], dots[high] - dots[middle]]
        axes.errorbar(dots[middle], heights, xerr=whiskers, fmt=MARKERS[verdict], color=colour, elinewidth=1)
