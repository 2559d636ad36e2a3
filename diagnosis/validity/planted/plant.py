"""Planted cases: subjects whose cause is known, because it was put there."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from diagnosis.subject import Subject


@dataclass(frozen=True)
class Size:
    """Rows and columns of a planted case."""

    rows: int
    columns: int


SIZES = (Size(64, 32), Size(256, 128), Size(1024, 384))
DTYPES = (torch.float32, torch.float16, torch.bfloat16)

Make = Callable[[Size, torch.dtype, torch.Generator], Subject]


@dataclass(frozen=True)
class Plant:
    """How a cause is put into a case: `make(size, dtype, generator)`, in each of `dtypes` where it can exist.

    `name` is the cause's identifier; for a healthy set or a foreign cause what it is, in words.
    """

    name: str
    make: Make
    dtypes: tuple[torch.dtype, ...] = DTYPES
