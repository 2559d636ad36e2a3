"""Pictures: plain functions from table to Figure, of the cases of one task; None where there is nothing to see."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from reports.plots.always_one import always_one
from reports.plots.heat_map import heat_map
from reports.plots.latency import latency
from reports.plots.memory import memory
from reports.plots.ratio import ratio
from reports.plots.resolution import resolution
from reports.plots.style import styled
from reports.plots.tradeoff import tradeoff

__all__ = ["PLOTS", "Picture", "draw", "draw_always_one", "draw_heat_map", "draw_resolution"]

PLOTS: Mapping[str, Callable[[pd.DataFrame, pd.DataFrame, pd.DataFrame], Figure | None]] = {
    "ratio": ratio,
    "latency": latency,
    "tradeoff": tradeoff,
    "memory": memory,
}
"""Name to picture, in the order of the page. Each is given a task's table, standings and answer."""

_NO_FILE_NAME = re.compile(r"[^A-Za-z0-9]+")


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
            with styled():
                figure = plot(*parts)
                if figure is None:
                    continue
                picture = _save(figure, task, f"{task}-{name}.png", folder)
            yield picture


def draw_heat_map(rows: pd.DataFrame, tally: pd.DataFrame, folder: Path) -> Picture:
    """Save how wrong each is on one device in one dtype, in the order of `tally`."""
    place = "-".join(rows[["device", "dtype"]].iloc[0])
    with styled():
        return _save(heat_map(rows, tally), "accuracy", f"accuracy-{_NO_FILE_NAME.sub('-', place)}.png", folder)


def draw_resolution(seen: pd.DataFrame, folder: Path) -> Picture:
    """Save what each can see near 1."""
    with styled():
        return _save(resolution(seen), "resolution", "resolution.png", folder)


def draw_always_one(rows: pd.DataFrame, folder: Path) -> Picture:
    """Save what each change is worth to a Siamese loop."""
    with styled():
        return _save(always_one(rows), "always_one", "always_one.png", folder)


def _save(figure: Figure, task: str, file: str, folder: Path) -> Picture:
    if layout := figure.get_layout_engine():  # once: `savefig` would draw all of it twice
        layout.execute(figure)
        figure.set_layout_engine(None)
    figure.savefig(folder / file, metadata={"Software": None})
    return Picture(task=task, file=file, alt=_alt(figure))


def _alt(figure: Figure) -> str:
    facets = (axes.get_title(loc="left").replace("\n", " ") for axes in figure.axes)
    return "; ".join(filter(None, [figure.get_suptitle(), *facets]))
