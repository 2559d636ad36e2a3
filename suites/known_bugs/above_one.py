"""Similarities above 1; distances below 0, above 2, or not 0 between equal rows."""

import numpy as np
import torch

from suites.known_bugs.bug import COSINE, Function, Sighting, bug, rows, share


@bug("pytorch/pytorch#78064", COSINE, "the similarity of a row to itself exceeds 1")
def self_above_one(similarity: Function) -> Sighting:
    x = rows(2000, 512)
    return share(similarity(x, x) > 1, "rows")


@bug("pytorch/pytorch#29442", COSINE, "the similarity of a row to its multiple exceeds 1")
def multiple_above_one(similarity: Function) -> Sighting:
    x = rows(2000, 512)
    return share(similarity(x, 3 * x) > 1, "rows")


@bug("pytorch/pytorch#18057", COSINE, "the similarity of arange(84) to itself exceeds 1")
def counting_above_one(similarity: Function) -> Sighting:
    x = torch.arange(84.0)[None]
    seen = similarity(x, x).item()
    return Sighting(seen > 1, f"{seen:.9g}", "1")


@bug(
    "scikit-learn/scikit-learn#18122",
    "sklearn.metrics.pairwise:cosine_similarity",
    "the similarity of a row to itself exceeds 1",
)
def all_pairs_above_one(similarity: Function) -> Sighting:
    return share(np.diag(similarity(rows(200, 512).double().numpy())) > 1, "rows")


@bug("scikit-learn/scikit-learn#7732", "sklearn.metrics.pairwise:cosine_distances", "distances fall below 0")
def all_pairs_below_zero(distances: Function) -> Sighting:
    x = rows(200, 512).double().numpy()
    return share(distances(np.concatenate((x, x))).ravel() < 0, "pairs")


@bug("scipy/scipy#13454", "scipy.spatial.distance:cosine", "distances of opposite rows exceed 2")
def distance_above_two(distance: Function) -> Sighting:
    return share([float(distance(x, -3 * x)) > 2 for x in rows(200, 64).double().numpy()], "rows")


@bug("scipy/scipy#5208", "scipy.spatial.distance:pdist", "the distance of two equal rows is not 0")
def equal_rows_apart(pdist: Function) -> Sighting:
    x = rows(2, 200).double().numpy()[[0, 0]]
    return share([pdist(x[:, :length], "cosine")[0] != 0 for length in range(2, 201)], "lengths")


@bug("scipy/scipy#17754", "scipy.spatial.distance:cdist", "the distance of a row of ones to itself is not 0")
def ones_apart(cdist: Function) -> Sighting:
    ones = (np.ones((1, length)) for length in range(1, 33))
    return share([cdist(x, x, "cosine")[0, 0] != 0 for x in ones], "lengths")


@bug("ashvardanian/NumKong#195", "numkong:angular", "distances of rows to their multiples fall below 0")
def distance_below_zero(distance: Function) -> Sighting:
    x = rows(200, 3).double().numpy()
    return share([float(distance(row, 3 * row)) < 0 for row in x], "rows")


@bug("ashvardanian/NumKong#153", "numkong:angular", "the distance of (1, 2, 3) to itself is 3.7e-4")
def itself_apart(distance: Function) -> Sighting:
    x = np.array([1, 2, 3], np.float32)
    seen = float(distance(x, x))
    return Sighting(not abs(seen) < 1e-6, f"{seen:.3g}", "0")
