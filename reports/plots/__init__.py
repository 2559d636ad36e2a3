"""Pictures: plain functions from table to Figure, of the cases of one task; None where there is nothing to see."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import matplotlib.style
import pandas as pd
from matplotlib.figure import Figure

from reports.plots.latency import latency
from reports.plots.memory import memory
from reports.plots.ratio import ratio
from reports.plots.tradeoff import tradeoff

__all__ = ["PLOTS", "Picture", "draw"]

STYLE = Path(__file__).with_name("report.mplstyle")
PLOTS: Mapping[str, Callable[[pd.DataFrame, pd.DataFrame, pd.DataFrame], Figure | None]] = {
    "ratio": ratio,
    "latency": latency,
    "tradeoff": tradeoff,
    "memory": memory,
}
"""Name to picture, in the order of the page. Each is given a task's table, standings and answer."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A file, and what is seen on it."""

    task: str
    file: str
    alt: str


def draw(table: pd.DataFrame, standings: pd.DataFrame, answer: pd.DataFrame, folder: Path) -> Iterator[Picture]:
    """Save what there is to see of each task in `folder` as PNG: the same tables, the same bytes."""
    for task in answer["task"].unique():
        parts = [frame[frame["task"] == task] for frame in (table, standings, answer)]
        if parts[1].empty:
            continue
        for name, plot in PLOTS.items():
            with matplotlib.style.context(["default", STYLE]):
                figure = plot(*parts)
                if figure is None:
                    continue
                picture = Picture(task=task, file=f"{task}-{name}.png", alt=_alt(figure))
                figure.savefig(folder / picture.file, metadata={"Software": None})
            yield picture


def _alt(figure: Figure) -> str:
    facets = (axes.get_title(loc="left").replace("\n", " ") for axes in figure.axes)
    return "; ".join([figure.get_suptitle(), *facets])
