"""A plant makes subjects with a known cause."""

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

MakeSubject = Callable[[Size, torch.dtype, torch.Generator], Subject]


@dataclass(frozen=True)
class Plant:
    """A recipe for subjects: `make(size, dtype, generator)`, for each of the `dtypes` in which the cause can exist.

    `name` is the cause's identifier, or a description of a healthy set or a foreign cause.
    """

    name: str
    make: MakeSubject
    dtypes: tuple[torch.dtype, ...] = DTYPES
