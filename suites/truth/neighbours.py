"""Which known mistake gives wrong nearest rows: found by computing what each mistake returns, never by guessing."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from implementations import Implementation
from suites.records.case import Case
from suites.truth import oracle
from suites.truth.bound import bounds
from suites.truth.mistakes import mistakes, same
from suites.truth.oracle import Truth

Places = npt.NDArray[np.int64]


def cause_of_neighbours(case: Case, entry: Implementation, x: torch.Tensor, y: torch.Tensor, result: object) -> str:
    """The mistake that explains wrong nearest rows and the next step; "" if none does, or the result is right.

    Args:
        case: what was asked, of the task "top_k".
        entry: the contestant; its stated bound says how near is equal.
        x: the queries, as the contestant got them.
        y: the corpus.
        result: what it returned.
    """
    if not (isinstance(result, tuple) and len(result) == 2 and all(type(part) is torch.Tensor for part in result)):
        return ""
    first, second = (part.detach().cpu() for part in result)
    if second.is_floating_point() and not first.is_floating_point():
        return "the parts are in the wrong order: return (values, indices)"
    cosine = oracle.cosines(case, x, y).astype(np.float64)
    if first.shape != second.shape or first.ndim != 2 or not np.isfinite(cosine).all():
        return ""
    limit = 4 * float(bounds(entry, case.length, case.dtype, case.dtype, cosine).max())
    found = _Found(first.double().numpy(), second.numpy().astype(np.int64), cosine, case.k, limit)
    if tuple(first.shape) != case.output_shape:
        return next(_of_shape(found), "")
    pairwise = replace(case, task="pairwise", k=0)
    scores = [*mistakes(pairwise, x, y)]
    return next(chain(_of_order(found), _of_indices(found), _of_ranking(found, x, y), _of_values(found, scores)), "")


class _Found(NamedTuple):
    """What was returned, the true cosines of all pairs, and how near is equal."""

    values: Truth
    indices: Places
    cosine: Truth
    k: int
    limit: float

    def same(self, values: Truth, expected: Truth) -> bool:
        """Whether these are the same numbers."""
        return values.shape == expected.shape and same(values, expected, self.limit)

    def at(self, scores: Truth, indices: Places) -> Truth:
        """The scores at indices, without those out of range: then it has no rows."""
        inside = indices.size and 0 <= indices.min() <= indices.max() < scores.shape[1]
        return np.take_along_axis(scores, indices, axis=1) if inside else scores[:0]

    def holds(self, scores: Truth) -> bool:
        """Whether the values are the scores of the pairs that the indices name."""
        return self.same(self.values, self.at(scores, self.indices))


def _largest(scores: Truth, k: int) -> Truth:
    return -np.sort(-scores, axis=1)[:, :k]


def _of_shape(found: _Found) -> Iterator[str]:
    """A result of another shape."""
    corpus, width = found.cosine.shape[1], found.values.shape[1]
    if found.same(found.values, _largest(found.cosine, width)):
        if width == corpus:
            yield "it returns all rows of the corpus: keep the first k"
        yield "k is off by one: return k rows" if abs(width - found.k) == 1 else "return the k rows that are asked for"
    for values in (found.values, found.values.T):
        if values.shape == (corpus, found.k) and found.same(values, _largest(found.cosine.T, found.k)):
            yield "the indices are of queries: search y for each row of x, topk over dim 1 of [N, M]"
    if found.same(found.values.T, _largest(found.cosine, found.k)):
        yield "it is transposed: return [N, k], a row for each query"


def _of_order(found: _Found) -> Iterator[str]:
    """The true cosines of the rows returned, but wrong rows or in a wrong order."""
    if not found.holds(found.cosine):
        return
    best, smallest = _largest(found.cosine, found.k), np.sort(found.cosine, axis=1)[:, : found.k]
    ordered = _largest(found.values, found.k)
    if found.same(found.values, best):
        if found.k > 1 and (found.indices == found.indices[:, :1]).all():
            yield "every place holds the nearest row: leave out what is found already"
        return
    if found.same(ordered, best):
        turned = found.same(found.values, best[:, ::-1])
        yield "the smallest of them comes first: turn the order round" if turned else "they are not sorted: sort them"
    elif found.same(ordered, smallest[:, ::-1]):
        yield "it takes the smallest cosines: take the largest, the largest first"
    elif found.same(ordered, _largest(found.cosine, found.k + 1)[:, 1:]):
        yield "it leaves out the nearest row: keep it, the queries are no rows of the corpus"
    if found.k > 1 and found.same(found.values, np.repeat(best[:, :1], found.k, axis=1)):
        yield "every place holds the nearest row: leave out what is found already"


def _of_indices(found: _Found) -> Iterator[str]:
    """The right values, but the indices of other rows."""
    best = _largest(found.cosine, found.k)
    if not found.same(found.values, best) or found.holds(found.cosine):
        return
    true = np.argsort(-found.cosine, axis=1, kind="stable")[:, : found.k]
    rows, corpus = found.cosine.shape
    if found.same(found.at(found.cosine, found.indices - 1), best):
        yield "the indices count from 1: count from 0"
    if (found.indices == np.arange(rows)[:, None]).all():
        yield "the indices are of queries: return those of the corpus"
    if (found.indices == np.arange(found.k)).all():
        yield "the indices are places in the result: return those of the corpus"
    if any((found.indices == true % part).all() for part in range(2, corpus)):
        yield "the indices count from the start of each part of the corpus: add where the part starts"
    if found.same(_largest(found.at(found.cosine, found.indices), found.k), best):
        yield "the values are sorted and their indices are not: sort both alike"


def _of_ranking(found: _Found, x: torch.Tensor, y: torch.Tensor) -> Iterator[str]:
    """The rows that are nearest by something else, with their true cosines."""
    if not found.holds(found.cosine) or found.same(_largest(found.values, found.k), _largest(found.cosine, found.k)):
        return
    norms = [oracle.norms(t).numpy()[:, 0] for t in (x, y)]
    dot = found.cosine * norms[0][:, None] * norms[1]
    scores = {
        "the dot product: divide by the norms first": dot,
        "the Euclidean distance: divide the rows by their norms first": 2 * dot - norms[1] ** 2,
        "the absolute cosine: keep the sign": np.abs(found.cosine),
    }
    for what, score in scores.items():
        picked = np.argsort(-score, axis=1, kind="stable")[:, : found.k]
        if found.same(_largest(found.values, found.k), _largest(found.at(found.cosine, picked), found.k)):
            yield f"it ranks by {what}"


def _of_values(found: _Found, scores: list[tuple[str, Truth]]) -> Iterator[str]:
    """Another function of the pairs that are returned."""
    if found.holds(found.cosine):
        return
    by_query = np.sort(found.cosine.T, axis=1)[:, ::-1][:, : found.k]
    if found.same(found.values, by_query):
        yield "the indices are of queries: search y for each row of x, topk over dim 1 of [N, M]"
    for what, score in scores:
        if found.holds(score) and not found.same(*(found.at(each, found.indices) for each in (score, found.cosine))):
            yield what
