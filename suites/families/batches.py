"""The same rows in other company: alone and in a batch, and at another place in the batch and in memory."""

from collections.abc import Callable, Iterator

import numpy as np
import torch

from suites.families.family import Question, SimilarityCall, family
from suites.families.rows import ROWS, WIDTH, Pair, at_angles, even, normal, question, rounded

_EACH = 4  # each fourth row is asked alone
_PLACES = (1, 3, 64)  # elements by which memory is shifted: to odd addresses, and to one as aligned as before


@family("0, the change of the similarity when a pair of rows is compared alone, and not in a batch.")
def batch_invariance(dtype: torch.dtype, generator: torch.Generator) -> Iterator[Question]:
    """Rows at all angles and unrelated rows, in a batch; each fourth pair is also a batch of its own."""
    for rows in (at_angles(generator, even(0.1, 3)), tuple(normal(generator, 2, ROWS, WIDTH))):
        asked = question(dtype, *rows)
        truth = np.zeros(ROWS // _EACH)
        yield Question(asked.x, asked.y, truth=truth, ask=_alone(asked.x, asked.y), slack=2)


@family("0, the change of the similarity of a pair of rows at another place in the batch, or in memory.")
def place(dtype: torch.dtype, generator: torch.Generator) -> Iterator[Question]:
    """Unrelated rows, and the same rows in another order, in the second half of a batch, and shifted in memory."""
    x, y = (rounded(dtype, rows) for rows in normal(generator, 2, ROWS, WIDTH))
    order = torch.randperm(ROWS, generator=generator)
    half = torch.arange(ROWS).roll(ROWS // 2)
    moves: list[tuple[Callable[[torch.Tensor], torch.Tensor], torch.Tensor]] = [
        (lambda t: t[order], order),
        (lambda t: t[half], half),
        *((_shifted(by), torch.arange(ROWS)) for by in _PLACES),
    ]
    for move, places in moves:
        yield Question(x, y, truth=np.zeros(ROWS), ask=_moved((x, y), move, places), slack=2)


def _alone(x: torch.Tensor, y: torch.Tensor) -> Callable[[SimilarityCall], torch.Tensor]:
    """The answers of a batch minus those of its rows alone, for each fourth row, in float64."""

    def ask(similarity: SimilarityCall) -> torch.Tensor:
        pairs = zip(x.clone()[::_EACH].split(1), y.clone()[::_EACH].split(1), strict=True)
        alone = torch.cat([similarity(a.clone(), b.clone()).double() for a, b in pairs])
        return similarity(x.clone(), y.clone()).double()[::_EACH] - alone

    return ask


def _moved(
    rows: Pair, move: Callable[[torch.Tensor], torch.Tensor], places: torch.Tensor
) -> Callable[[SimilarityCall], torch.Tensor]:
    """The answers of rows minus those of the moved rows, which come from these places, in float64."""

    def ask(similarity: SimilarityCall) -> torch.Tensor:
        before = similarity(*(t.clone() for t in rows)).double()
        return before[places] - similarity(*map(move, rows)).double()

    return ask


def _shifted(by: int) -> Callable[[torch.Tensor], torch.Tensor]:
    """A copy that begins so many elements later in its memory."""

    def shift(t: torch.Tensor) -> torch.Tensor:
        return t.new_empty(t.numel() + by)[by:].view(t.shape).copy_(t)

    return shift
