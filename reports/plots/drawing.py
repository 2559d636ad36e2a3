"""Drawing pictures: functions from tables to a Figure, or None where there is nothing to draw."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from matplotlib.figure import Figure

from reports.plots import Picture, Plot
from reports.plots.always_one import always_one
from reports.plots.heat_map import heat_map
from reports.plots.latency import latency
from reports.plots.memory import memory
from reports.plots.ratio import ratio
from reports.plots.resolution import resolution
from reports.plots.style import save, styled
from reports.plots.tradeoff import tradeoff

PLOTS: Mapping[str, Callable[..., Figure | None]] = {
    "ratio": ratio,
    "latency": latency,
    "tradeoff": tradeoff,
    "memory": memory,
    "heat_map": heat_map,
    "resolution": resolution,
    "always_one": always_one,
}


def draw(plots: Iterable[Plot], folder: Path) -> dict[str, Picture]:
    """Save the pictures in `folder` as PNG and return them by stem. The same tables give the same bytes."""
    pictures = {}
    for plot in plots:
        with styled():
            figure = PLOTS[plot.kind](*plot.tables)
            if figure is not None:
                file = f"{plot.stem}.png"
                save(figure, folder / file)
                pictures[plot.stem] = Picture(file=file, alt=_alt(figure))
    return pictures


def _alt(figure: Figure) -> str:
    facets = (axes.get_title(loc="left").replace("\n", " ") for axes in figure.axes)
    return "; ".join(filter(None, [figure.get_suptitle(), *facets]))
