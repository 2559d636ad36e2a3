"""Pictures of embeddings as they are and after a repair: directions, cosines, singular values."""

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from sklearn.decomposition import TruncatedSVD  # type: ignore[import-untyped]
from sklearn.manifold import TSNE  # type: ignore[import-untyped]
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from diagnosis.report.sampled import Sampled
from diagnosis.signature.pairs import effective_rank
from diagnosis.verdict import figure as number
from reports.plots.style import COLOURS, GREY, INK, styled

Stages = Mapping[str, Sampled]
"""By title: the embeddings as they are, and after a repair."""

CLASS_COLOURS = matplotlib.colormaps["tab10"].colors  # type: ignore[attr-defined]
FLOORS = {"columns shuffled": GREY, "partners shuffled": GREY, "rows centred": INK}
BINS = np.linspace(-1, 1, 81)
CLOSE = 0.15
"""Cosines in a range below this are drawn a second time, enlarged."""

LETTERS = 66
"""The letters of a title that fit over a facet."""

LEAST = 1e-6
"""Singular values below this share of the largest one are mostly rounding."""


@dataclass(frozen=True)
class Drawing:
    """A file, and its content in words."""

    file: str
    alt: str


def draw(stages: Stages, folder: Path) -> Iterator[Drawing]:
    """Save the pictures to `folder` as PNG; equal embeddings give equal bytes."""
    for name, plot in {"directions": directions, "cosines": cosines, "spectrum": spectrum}.items():
        with styled():
            yield save(plot(stages), f"{name}.png", folder)


def save(figure: Figure, file: str, folder: Path) -> Drawing:
    """Save a figure without metadata that depends on matplotlib's version; its titles say what it shows."""
    figure.savefig(folder / file, metadata={"Software": None})
    titles = (axes.get_title(loc="left").replace("\n", " ") for axes in figure.axes)
    return Drawing(file, "; ".join(filter(None, [figure.get_suptitle(), *titles])))


def directions(stages: Stages) -> Figure:
    """The unit vectors on two principal axes, not centred, in the unit circle; next to it their t-SNE."""
    figure, facets = _facets(len(stages), 2, 3.7, "Where the embeddings point")
    for (title, seen), (left, right) in zip(stages.items(), facets, strict=True):
        _principal_axes(left, seen, title)
        _neighbours(right, seen, title)
    handles, names = facets[0][0].get_legend_handles_labels()
    if len(names) > 1:
        figure.legend(handles, names, loc="outside lower left", ncols=10, markerscale=2)
    return figure


def cosines(stages: Stages) -> Figure:
    """Histograms of the compared cosines and of the chance levels, each relative to its highest bin."""
    figure, facets = _facets(1, len(stages), 2.8, "Cosines, and their chance level")
    for axes, (title, seen) in zip(facets[0], stages.items(), strict=True):
        colours = iter(COLOURS)
        for name, values in seen.cosines().items():
            colour, width = (FLOORS[name], 1.0) if name in FLOORS else (next(colours), 2.5)
            heights, _ = np.histogram(values.clamp(-1, 1), BINS)
            label = f"{name}: mean {_rounded(float(values.mean()))}"
            axes.stairs(heights / heights.max(), BINS, color=colour, fill=colour == GREY, label=label, linewidth=width)
        axes.set(xlabel="cosine", ylabel="pairs, relative to the highest bin", xlim=(-1.03, 1.03), ylim=(0, 1.5))
        axes.set_yticks([0, 0.5, 1])
        axes.legend(loc="upper left")
        axes.set_title(textwrap.fill(title, LETTERS))
        _closer(axes, seen)
    return figure


def _closer(axes: Axes, seen: Sampled) -> None:
    """The compared cosines enlarged, if they would be a single bar."""
    compared = {name: values for name, values in seen.cosines().items() if name not in FLOORS}
    least, most = (float(getattr(torch.cat(list(compared.values())), end)()) for end in ("min", "max"))
    if not 1e-9 < most - least < CLOSE:
        return
    inset = axes.inset_axes((0.08, 0.14, 0.5, 0.36))
    bins = np.linspace(least, most, 41)
    for values, colour in zip(compared.values(), COLOURS, strict=False):
        heights, _ = np.histogram(values, bins)
        inset.stairs(heights / heights.max(), bins, color=colour, linewidth=1)
    inset.set(xticks=[least, most], xticklabels=[number(least), number(most)], yticks=[])
    inset.set_title("enlarged", fontsize=7)


def spectrum(stages: Stages) -> Figure:
    """The singular values, raw and centred, relative to the largest."""
    figure, facets = _facets(1, len(stages), 2.8, "Singular values")
    for axes, (title, seen) in zip(facets[0], stages.items(), strict=True):
        spectra = [torch.linalg.svdvals(rows) for rows in (seen.x, seen.x - seen.x.mean(0))]
        for name, values, colour, width in zip(("raw", "centred"), spectra, (COLOURS[0], INK), (3, 1), strict=True):
            shown = values / spectra[0].max()
            shown[shown < LEAST] = torch.nan
            label = f"{name}: effective rank {effective_rank(values):.1f}"
            axes.plot(range(1, len(values) + 1), shown, color=colour, label=label, linewidth=width, marker=".")
        axes.set(xscale="log", yscale="log", xlabel="rank", ylabel="relative to the largest", ylim=(LEAST / 50, 2))
        axes.legend(loc="lower left")  # below the curves
        axes.set_title(textwrap.fill(f"{title}: {len(seen.x):,} rows of {seen.x.shape[1]:,} dimensions", LETTERS))
    return figure


def _principal_axes(axes: Axes, seen: Sampled, title: str) -> None:
    # Centred, or with axes fitted to the data, a collapse would look like any other cloud.
    units = seen.units.numpy()
    units = np.pad(units, ((0, 0), (0, max(0, 2 - units.shape[1]))))
    places = TruncatedSVD(2, random_state=0).fit_transform(units)
    places *= np.where(places.mean(0) < 0, -1, 1)
    axes.add_patch(Circle((0, 0), 1, fill=False, color=GREY))
    _scatter(axes, seen, places)
    ticks = [-1, -0.5, 0, 0.5, 1]
    axes.set(xlim=(-1.1, 1.1), ylim=(-1.1, 1.1), aspect="equal", xticks=ticks, yticks=ticks)
    shown = (places**2).sum() / len(places)
    axes.set_title(textwrap.fill(f"{title}: PCA, not centred ({shown:.0%} of the energy)", LETTERS))


def _neighbours(axes: Axes, seen: Sampled, title: str) -> None:
    perplexity = min(30.0, (len(seen.units) - 1) / 3)
    tsne = TSNE(perplexity=perplexity, init="random", random_state=0)
    with threadpool_limits(1):  # on a busy machine, more threads take a hundred times as long
        _scatter(axes, seen, tsne.fit_transform(seen.units.numpy()))
    axes.set(xticks=[], yticks=[])
    axes.set_title(textwrap.fill(f"{title}: t-SNE (neighbours, not distances)", LETTERS))


def _scatter(axes: Axes, seen: Sampled, places: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> None:
    for (name, members), colour in zip(seen.groups.items(), CLASS_COLOURS, strict=False):
        x, y = places[members].T
        if seen.y is not None and name == "y":  # rings around dots: two points at one place are both visible
            axes.scatter(x, y, s=16, facecolors="none", edgecolors=COLOURS[1], label=name, linewidths=0.5)
        else:
            axes.scatter(x, y, s=4, color=colour, label=name, linewidths=0)


def _rounded(mean: float) -> str:
    return number(mean if abs(mean) > 0.9995 else round(mean, 3) + 0.0)  # turns -0 into 0


def _facets(rows: int, columns: int, height: float, title: str) -> tuple[Figure, list[list[Axes]]]:
    figure = Figure(figsize=(9 if columns > 1 else 5, height * rows + 0.4), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left")
    return figure, figure.subplots(rows, columns, squeeze=False).tolist()
