"""Few directions: a collapsed rank, or a few classes, which look similar and are healthy."""

import numpy as np
import torch
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from diagnosis.signature.pairs import off_diagonal
from diagnosis.signature.rows import about, directions, rows, sample_rows, sides, unit, usable
from diagnosis.subject import Subject

MOST = 512  # rows in a sample; they have 130,816 cosines
FEWEST, FEW = 20, 8  # rows, columns
NEXT_TO_A_LINE, THREE_DIMS = 0.8, 0.47  # narrowness; of a Gaussian in three dims it is 0.5
ALL = 0.98  # share of the variance; the rest counts as noise
CLUSTERS = (2, 3, 4, 5)
APART = {1: 0.7, 2: 0.75, 3: 0.6}  # silhouettes by dims; without clusters they reach 0.67, 0.67 and 0.54
NEIGHBOURS = 0.8


def narrowness(subject: Subject) -> float:
    """The mean |cosine| of centred directions, the larger of both sides: 1 on a line, sqrt(2 / (pi k)) in k dims.

    Unit vectors are centred, so that norms do not count. 0.0 if no row has a direction.
    """
    sizes = []
    for table in sample_rows(sides(subject), MOST):
        units = directions(table)
        away = about(units, units.mean(0))
        rounding = away.norm(dim=1) < torch.finfo(table.dtype).eps
        cosines = off_diagonal(directions(away[~rounding]))
        if cosines.numel():
            sizes.append(float(cosines.abs().mean()))
    return max(sizes, default=0.0)


def few_directions(subject: Subject, narrow: float, columns: int, rows: int) -> bool:
    """Whether a narrowness is abnormal: except for noise, the rows lie in at most three dims, or near a line.

    With few columns only the line counts. A handful of rows is narrow by chance.
    """
    if rows < FEWEST or min(columns, rows - 1) <= FEW:
        return rows >= FEWEST and narrow >= NEXT_TO_A_LINE
    return narrow >= NEXT_TO_A_LINE or (narrow >= THREE_DIMS and _within_three(subject))


def clustered(subject: Subject) -> bool:
    """Whether the rows are a few classes, which need few directions: by their labels, or because they form clusters.

    Labels: most nearest neighbours share the class. Clusters: the silhouette (doi 10.1016/0377-0427(87)90125-7) of
    k-means on three principal axes, of rows that lie on a line and else of their directions.
    """
    return _neighbours(subject) or any(_silhouette(table) for table in sample_rows(sides(subject), MOST))


def _within_three(subject: Subject) -> bool:
    """Whether, except for noise, the directions of each side vary along at most three axes."""
    return all(_principal(directions(table))[1] <= 3 for table in sample_rows(sides(subject), MOST))


def _neighbours(subject: Subject) -> bool:
    table = rows(subject.x, subject.dim)
    if subject.y is not None or subject.labels is None or len(subject.labels) != len(table):
        return False
    fine = usable(table).nonzero().flatten()[:MOST]
    units, classes = unit(table[fine]), subject.labels.flatten()[fine]
    if len(classes.unique()) < 2:
        return False
    nearest = (units @ units.T).fill_diagonal_(-2).argmax(1)
    return float((classes[nearest] == classes).double().mean()) > NEIGHBOURS


def _silhouette(table: torch.Tensor) -> bool:
    from sklearn.cluster import KMeans  # type: ignore[import-untyped]  # two seconds to import
    from sklearn.metrics import silhouette_score  # type: ignore[import-untyped]

    table = table[usable(table)].double()
    places, axes = _principal(table)
    if axes > 1:  # on a line all rows have one of two directions
        places, axes = _principal(unit(table))
    if len(np.unique((places / max(abs(places).max(), 1e-300)).round(6), axis=0)) <= max(CLUSTERS):
        return len(table) > max(CLUSTERS)
    with threadpool_limits(1):  # on a busy machine, more threads take a hundred times as long
        cuts = [KMeans(count, n_init=2, random_state=0).fit_predict(places) for count in CLUSTERS]
        return max(float(silhouette_score(places, cut)) for cut in cuts) > APART[min(axes, 3)]


def _principal(table: torch.Tensor) -> tuple[np.ndarray[tuple[int, int], np.dtype[np.float64]], int]:
    """Rows on their first three principal axes, and the number of axes that hold `ALL` of the variance."""
    left, singular, _ = torch.linalg.svd(about(table, table.mean(0)), full_matrices=False)
    shares = singular.square().cumsum(0) / singular.square().sum().clamp(min=torch.finfo(torch.float64).tiny)
    return (left[:, :3] * singular[:3]).numpy(), 1 + int((shares < ALL).sum())
