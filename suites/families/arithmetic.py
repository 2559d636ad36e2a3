"""Which arithmetic a matrix product really used: a small signal that disappears where bits are dropped.

`torch.get_float32_matmul_precision()` says what is allowed. The answers show whether TF32 or bfloat16 was used.
"""

import dataclasses
from collections.abc import Callable, Iterator

import torch

from suites.families.family import Question, family
from suites.families.rows import ROWS, WIDTH, question
from suites.inputs import InputError

AllPairs = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""`similarity(x, y)`, `[N, D] x [M, D] -> [N, M]`: an implementation of the contract "pairwise"."""

_FINEST = {"bf16": 5, "TF32": 9, "float32": 12}
"""Arithmetic to a fraction bit that it keeps and the coarser one drops; they keep 7, 10 and 23 of them.

fp16 keeps as many as TF32, and counts as TF32.
"""


@family("2^-14, the difference of two numbers in their twelfth bit; 0 where TF32 drops it.", "ml-explore/mlx#3860")
def tf32_canary(dtype: torch.dtype, generator: torch.Generator) -> Iterator[Question]:
    """Columns 1 + ε + ε/16, 1 + ε/16 in x and 1, -1 in y, shuffled. Where y is 0, x makes its norm a power of two."""
    bit = _FINEST["float32"]
    if torch.finfo(dtype).eps > 2.0**-bit:
        raise InputError(f"there are no bits to drop: 1 + 2^-{bit} is no number of it")
    found = question(dtype, *_canary(bit, generator))
    yield dataclasses.replace(found, allowed=2.0 ** -(bit + 3))  # half of the signal


def mode_used(similarity: AllPairs, device: str = "cpu") -> str:
    """How many bits a float32 contestant kept: "float32", "TF32" (or fp16), "bf16", or "coarser than bf16".

    Inferred from its answers. It works for normalising before the product and for scaling after it, and for bits that
    are rounded or cut off. "float32" means 13 bits or more.
    """
    mode = "coarser than bf16"
    for finer, bit in _FINEST.items():
        x, y = (t.to(device, torch.float32) for t in _canary(bit, torch.Generator().manual_seed(0)))
        found, right = similarity(x, y).diagonal().double().cpu(), torch.full((ROWS,), 2.0 ** -(bit + 2))
        if not torch.allclose(found, right.double(), rtol=0.25, atol=0):
            break
        mode = finer
    return mode


def _canary(bit: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows whose cosine is 2^-(bit+2), and 0 where this fraction bit is dropped; `[ROWS, WIDTH]` in float64.

    x alternates between 1 + ε and 1, y between 1 and -1. The norms are 32 and 16, so normalising moves no bit; the
    columns of x where y is 0 fill up its norm. Another ε/16 avoids ties, and numbers just below 1, which keep one bit
    more.
    """
    step, quarter = 2.0**-bit, WIDTH // 4
    high, low = 1 + step * 17 / 16, 1 + step / 16
    rest = ((32**2 - quarter * (high**2 + low**2)) / (2 * quarter)) ** 0.5
    x = torch.tensor([high, low, rest, rest], dtype=torch.float64).repeat(quarter)
    y = torch.tensor([1, -1, 0, 0], dtype=torch.float64).repeat(quarter)
    order = torch.rand(ROWS, WIDTH, generator=generator).argsort(1)
    return x[order], y[order]
