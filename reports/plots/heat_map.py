"""The errors of each implementation on each family."""

import textwrap

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from reports import units
from reports.plots import style
from reports.sections.accuracy import accuracy

ROWS = 40
LEAST, MOST = 0.1, 1e8
"""The range of the colours, in unit roundoffs: from far below one rounding to beyond any cosine."""

BLANK, PAPER = "#e8e8e8", style.PAPER
LETTERS = 130
"""How many of a line fit above the map."""

MARKS = {"×": "wrong", "N": "NaN or infinite", "!": "no answer", "•": "within its bound, but beyond the error budget"}


def heat_map(rows: pd.DataFrame, tally: pd.DataFrame) -> Figure:
    """A row for each implementation, in the order of `tally`, and a column for each family; darker is worse.

    The colour is the largest error in unit roundoffs of the output dtype, which is named in parentheses where it is not
    the input dtype. Grey: not tested, or without a true value. Marks: wrong, or right but beyond the error budget.
    """
    names, families = list(tally["implementation"].head(ROWS)), list(rows["family"].unique())
    rows = rows[rows["implementation"].isin(names)]
    errors, marks = (
        rows.assign(value=values)
        .pivot(index="implementation", columns="family", values="value")
        .reindex(index=names, columns=families)
        for values in (rows["error_max_own"].astype(float).clip(LEAST, MOST), _marks(rows))
    )
    figure = Figure(figsize=(9, max(2.8, 1.9 + 0.17 * len(names))), layout="constrained")
    axes = figure.subplots()
    axes.set_facecolor(BLANK)
    norm = LogNorm(LEAST, max(10.0, errors.max().max()))
    image = axes.pcolormesh(errors, norm=norm, cmap="viridis_r", edgecolors=PAPER, linewidth=0.5)
    _write(axes, marks, image.cmap(np.ma.filled(norm(np.ma.masked_invalid(errors)), 0)))
    _name(axes, families, _labels(rows, names))
    bar = figure.colorbar(image, label="largest error, in unit roundoffs\nof the output dtype", pad=0.01, aspect=30)
    style.log_ticks(bar.ax.yaxis, units.number)
    axes.set_title(f"{(tally[accuracy.WRONG] == 0).sum()} of {len(tally)} are right on every family tested")
    shown = f" (the first {ROWS} of {len(tally)} implementations)" if len(tally) > ROWS else ""
    title = f"{rows['dtype'].iloc[0]}: errors on hard inputs{shown}; {_key(marks)}"
    figure.suptitle(textwrap.fill(title, LETTERS), x=0.005, ha="left")
    return figure


def _name(axes: Axes, families: list[str], names: list[str]) -> None:
    axes.set_xticks(np.arange(len(families)) + 0.5, [style.plain(name) for name in families], rotation=90)
    axes.set_yticks(np.arange(len(names)) + 0.5, names)
    axes.tick_params(length=0)
    axes.invert_yaxis()
    axes.grid(visible=False)


def _labels(rows: pd.DataFrame, names: list[str]) -> list[str]:
    """Names, with the output dtype where it is not the input dtype."""
    answers = rows.dropna(subset=["output_dtype"]).drop_duplicates("implementation").set_index("implementation")
    other = answers.loc[answers["output_dtype"] != answers["dtype"], "output_dtype"]
    return [f"{style.plain(name)} ({other[name]})" if name in other.index else style.plain(name) for name in names]


def _marks(rows: pd.DataFrame) -> npt.NDArray[np.str_]:
    wrong = rows["outcome"] == accuracy.WRONG
    lost = rows["lost"] > 0
    return np.select(
        [wrong & (rows["status"] != "wrong"), wrong & lost, wrong, rows["large"]], ["!", "N", "×", "•"], ""
    )


def _write(axes: Axes, marks: pd.DataFrame, cells: npt.NDArray[np.float64]) -> None:
    for (row, column), mark in np.ndenumerate(marks.fillna("").to_numpy()):
        if mark:
            colour = max((PAPER, style.INK), key=lambda one: style.contrast(one, tuple(cells[row, column])))
            axes.text(column + 0.5, row + 0.5, mark, ha="center", va="center_baseline", color=colour, in_layout=False)


def _key(marks: pd.DataFrame) -> str:
    used = [f"{mark}: {MARKS[mark]}" for mark in MARKS if (marks == mark).any(axis=None)]
    return "; ".join([*used, "grey: not tested"])
