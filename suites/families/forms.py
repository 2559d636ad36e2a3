"""Arguments of other forms: broadcast, tiny, empty, in other layouts, sharing memory, of two dtypes, with an eps."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch

from suites.families.family import Question, SimilarityCall, family
from suites.families.rows import ROWS, WIDTH, normal, question, rounded


def _numbers(dtype: torch.dtype, generator: torch.Generator, *shape: int) -> torch.Tensor:
    return rounded(dtype, normal(generator, *shape))


@family("The cosines of the broadcast rows; norms are taken after broadcasting.", "pytorch/pytorch#109333", rows=False)
def broadcast(dtype: torch.dtype, generator: torch.Generator) -> Iterator[Question]:
    """Shapes such as [2, 3] with [1, 1], [3, 1, 8] with [1, 4, 8], and [8] with a single number."""
    numbers = partial(_numbers, dtype, generator)
    yield Question(torch.ones(2, 3, dtype=dtype), torch.ones(1, 1, dtype=dtype))
    yield Question(numbers(3, 1, 8), numbers(1, 4, 8))
    yield Question(numbers(5, 8), numbers(8))
    yield Question(numbers(8, 5), numbers(8, 1), dim=0)
    yield Question(numbers(8), torch.tensor(2, dtype=dtype))


@family(
    "±1 for rows of one number; an empty result for no rows; no true value for rows without numbers.",
    instead=(0.0,),
    rows=False,
)
def size_one_and_empty(dtype: torch.dtype, generator: torch.Generator) -> Iterator[Question]:
    """Rows of one number, no rows, and rows without numbers."""
    one = torch.tensor([[2.0], [-3.0], [0.5], [0.0]], dtype=dtype)
    yield Question(one, torch.tensor([[5.0], [7.0], [-0.1], [1.0]], dtype=dtype), truth=np.array([1, -1, -1, np.nan]))
    for rows, width in ((0, 8), (3, 0)):
        empty = torch.empty(rows, width, dtype=dtype)
        yield Question(empty, empty.clone(), truth=np.full(rows, np.nan))


@family("The same as for contiguous copies: memory order may change roundings, and nothing else.", rows=False)
def layouts(dtype: torch.dtype, generator: torch.Generator) -> Iterator[Question]:
    """Transposed, every other column, stride 0, misaligned, overlapping, of 31 and 1025 columns, channels_last."""
    numbers = partial(_numbers, dtype, generator)
    transposed = numbers(WIDTH, ROWS).T
    every_other = numbers(ROWS, 2 * WIDTH)[:, ::2]
    expanded = numbers(1, WIDTH).expand(ROWS, WIDTH)
    misaligned = numbers(ROWS * WIDTH + 1)[1:].view(ROWS, WIDTH)
    overlapping = numbers(ROWS + WIDTH - 1).unfold(0, WIDTH, 1)
    no_multiple_of_a_vector = (numbers(ROWS, 31), numbers(ROWS, 1025))
    for x in (transposed, every_other, expanded, misaligned, overlapping, *no_multiple_of_a_vector):
        near = x.double() + normal(generator, *x.shape)
        yield Question(x, rounded(dtype, near.contiguous()))
    maps = numbers(2, 8, 6, 6).to(memory_format=torch.channels_last)
    near = maps.double() + normal(generator, *maps.shape)
    for dim in (1, (1, 2, 3)):
        yield Question(maps, rounded(dtype, near.to(memory_format=torch.channels_last)), dim)


@family("The same as for copies, and the inputs stay unchanged.", "Lightning-AI/torchmetrics#1278")
def aliasing(dtype: torch.dtype, generator: torch.Generator) -> Iterator[Question]:
    """x is y; then y is x one row later, in the same memory. With copied inputs there is nothing to test."""
    walk = rounded(dtype, normal(generator, ROWS + 1, WIDTH).cumsum(0))
    yield Question(walk[:-1], walk[:-1])
    yield Question(walk[:-1], walk[1:])


@family("The cosine: both inputs are promoted before any computation.", "pytorch/pytorch#61454", rows=False)
def mixed_dtypes(dtype: torch.dtype, generator: torch.Generator) -> Iterator[Question]:
    """Rows of the dtype with rows of another float dtype, and with int8."""
    other = torch.float64 if dtype == torch.float32 else torch.float32
    x = normal(generator, ROWS, WIDTH)
    yield Question(rounded(dtype, x), rounded(other, x + normal(generator, ROWS, WIDTH)))
    integers = torch.randint(-100, 101, (ROWS, WIDTH), generator=generator)
    yield Question(rounded(dtype, integers / 100 + normal(generator, ROWS, WIDTH)), integers.to(torch.int8))


@family("x·y / (max(‖x‖, eps) max(‖y‖, eps)), for an eps of 0, 1 and 1e23.", "pytorch/pytorch#153209", rows=False)
def eps_extremes(dtype: torch.dtype, generator: torch.Generator) -> Iterator[Question]:
    """Normal rows without an eps; rows of norm 1/2 with an eps of 1, and of 1e23, which is beyond float16.

    A negative eps is left out: refusing and ignoring it are both right.
    """
    x = normal(generator, ROWS, WIDTH)
    asked = question(dtype, x, x + normal(generator, ROWS, WIDTH))
    x, y = (rounded(dtype, t.double() / t.double().norm(dim=1, keepdim=True) / 2) for t in (asked.x, asked.y))
    yield Question(asked.x, asked.y, ask=_with_eps(asked.x, asked.y, 0.0))
    yield Question(x, y, truth=(x.double() * y.double()).sum(1).numpy(), ask=_with_eps(x, y, 1.0))
    yield Question(x, y, truth=np.zeros(ROWS), ask=_with_eps(x, y, 1e23))


def _with_eps(x: torch.Tensor, y: torch.Tensor, eps: float) -> Callable[[SimilarityCall], torch.Tensor]:
    return lambda similarity: similarity(x.clone(), y.clone(), dim=-1, eps=eps)
