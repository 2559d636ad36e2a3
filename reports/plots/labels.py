"""Labels at points, where they cover neither a mark nor each other."""

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from reports.plots.looks import INK

RING = 11
"""The diameter of the ring around an answer's mark, in points."""

NEAR = 9
"""From here on a line joins a label to its point, in points."""

_ROOM = 8
"""Pixels around a label that stay free."""

_PLACES = [
    (across * far, up * far)
    for far in (NEAR, 18, 30, 45, 65)
    for across, up in ((0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1), (1, 0), (-1, 0))
]
"""Where a label may lie, in points from its point; the first that is free is taken."""


class Label(NamedTuple):
    """A text at a point of the data."""

    x: float
    y: float
    text: str


def ring(axes: Axes, x: float, y: float) -> None:
    """Draw a ring around a point: the answer."""
    axes.plot([x], [y], "o", ms=RING, mfc="none", mec=INK, mew=1.2, zorder=5, clip_on=False)


def put(axes: Axes, labels: Iterable[Label]) -> None:
    """Write labels beside their points, with a line to those further away. The layout of the figure is settled."""
    marks = _marks(axes)
    inside = axes.get_window_extent()
    boxes = [text.get_window_extent() for text in axes.texts]
    for label in labels:
        best, least = _PLACES[0], math.inf
        for place in _PLACES:
            covered = _covered(_box(axes, label, place), marks, boxes, inside)
            if covered < least:
                best, least = place, covered
            if not least:
                break
        boxes.append(_box(axes, label, best))
        _write(axes, label, best, arrow=max(map(abs, best)) > NEAR)


def _write(axes: Axes, label: Label, place: tuple[int, int], arrow: bool) -> Annotation:
    across, up = (int(np.sign(part)) for part in place)
    return axes.annotate(
        label.text,
        (label.x, label.y),
        xytext=place,
        textcoords="offset points",
        ha=("center", "left", "right")[across],
        va=("center", "bottom", "top")[up],
        arrowprops={"arrowstyle": "-", "lw": 0.6, "shrinkA": 1, "shrinkB": 5} if arrow else None,
        annotation_clip=False,
        fontweight="bold",
        zorder=6,
    )


def _box(axes: Axes, label: Label, place: tuple[int, int]) -> Bbox:
    """The pixels of the text at a place, with some room around it."""
    written = _write(axes, label, place, arrow=False)
    box = written.get_window_extent().padded(_ROOM)
    written.remove()
    return box


def _covered(box: Bbox, marks: npt.NDArray[np.float64], boxes: list[Bbox], inside: Bbox) -> float:
    """How much a label covers: marks count one, other labels and the edge of the facet a hundred."""
    covered = ((marks > (box.x0, box.y0)) & (marks < (box.x1, box.y1))).all(axis=1).sum()
    outside = box.x0 < inside.x0 or box.x1 > inside.x1 or box.y0 < inside.y0 or box.y1 > inside.y1
    return float(covered + 100 * (sum(map(box.overlaps, boxes)) + outside))


def _marks(axes: Axes) -> npt.NDArray[np.float64]:
    """Points on all lines between marks, in pixels."""
    found = [np.empty((0, 2))]
    for line in axes.lines:
        if line.get_transform() is not axes.transData:
            continue
        points = axes.transData.transform(np.asarray(line.get_xydata(), float))
        found.append(points)
        if line.get_linestyle() not in ("None", "none", ""):
            steps = np.linspace(0, 1, 40)[:, None, None]
            found.append((points[:-1] + steps * np.diff(points, axis=0)).reshape(-1, 2))
    return np.concatenate(found)
