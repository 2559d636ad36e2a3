"""An implementation as a black box: its answers to pairs of rows whose cosine is known."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch

from implementations import Implementation
from suites.failure import Failure, contestant
from suites.measure.admission import unsupported
from suites.records.case import ALL_PAIRS
from suites.records.finding import Examined
from suites.records.record import Status
from suites.truth import oracle
from suites.truth.checks import dtypes_for, error_of, require_tensor
from suites.truth.top_k import all_pairs

Values = npt.NDArray[np.float64]
F = TypeVar("F", bound=Examined)

LENGTH = 512
BATCH = 256
ALL_PAIRS_BATCH = 32  # rows in a batch of an all-pairs form, where only the diagonal counts
_USELESS = 2**-4  # an error on ordinary rows that no rounding explains: twice the bound of bfloat16


@dataclass(frozen=True)
class BlackBox:
    """Asks one implementation about rows `[N, 512]`, in batches of one shape: compiling takes seconds for each shape.

    `tolerance` is how far a right answer of `kept` may be from 1.
    """

    entry: Implementation
    dtype: str
    device: str
    tolerance: float = 0.0

    def ask(self, x: torch.Tensor, y: torch.Tensor) -> Values:
        """The answers to pairs of rows, a multiple of the batch, which are rounded to the dtype first.

        Raises:
            Failure: it raised an error, or returned no tensor of the right shape.
        """
        return values(block_by_block(self.entry, self.rounded(x), self.rounded(y), self.batch))

    def kept(self, first: npt.ArrayLike, second: npt.ArrayLike) -> Values:
        """The answer for rows of these norms with a cosine of exactly 1/2, divided by 1/2."""
        norms = np.stack(np.broadcast_arrays(*map(np.atleast_1d, (first, second)))).astype(np.float64)
        count = norms.shape[1]
        padded = torch.from_numpy(np.pad(norms, ((0, 0), (0, -count % self.batch)), constant_values=1.0))
        x, y = torch.zeros(2, padded.shape[1], LENGTH, dtype=torch.float64)
        x[:, 0], y[:, :4] = padded[0], padded[1, :, None] / 2
        with np.errstate(over="ignore"):
            return self.ask(x, y)[:count] / 0.5

    def ordinary_error(self) -> float:
        """The largest error on ordinary rows, with cosines spread over [-0.9, 0.9]. For angles it is their cosines'.

        Raises:
            Failure: it takes no part or fails, or its answers have the wrong form or nothing in common with the truth.
        """
        if failure := unsupported(self.entry, self.dtype, self.device):
            raise failure
        x, y = map(self.rounded, _ordinary())
        first = call(self.entry, x[: self.batch].clone(), y[: self.batch].clone())
        shape = (self.batch, self.batch) if self.entry.task in ALL_PAIRS else (self.batch,)
        require_tensor(first, shape, dtypes_for(x.dtype), self.device)
        got = torch.from_numpy(self.ask(x, y))
        found = error_of(got.cos() if self.entry.task == "angle" else got, oracle.true_answers("paired", x, y, -1))
        if found.error_abs > _USELESS:
            raise Failure(Status.WRONG, f"off by up to {found.error_abs:.3g} on ordinary rows", found)
        return found.error_abs

    @property
    def batch(self) -> int:
        """The number of rows in one call."""
        return ALL_PAIRS_BATCH if self.entry.task in ALL_PAIRS else BATCH

    def rounded(self, t: torch.Tensor) -> torch.Tensor:
        """A copy of the rows in the dtype, on the device."""
        return t.to(getattr(torch, self.dtype), copy=True).to(self.device)


def finding(kind: type[F], entry: Implementation, dtype: str, device: str) -> Callable[..., F]:
    """A constructor of findings of this kind about an implementation; it takes the remaining fields."""
    return partial(
        kind, implementation=entry.name, baseline=entry.baseline, task=entry.task, dtype=dtype, device=device
    )


def call(entry: Implementation, x: torch.Tensor, y: torch.Tensor) -> object:
    """The unchecked result for these operands, called by the implementation's contract; of "top_k" all pairs."""
    with contestant():
        result: object = all_pairs(entry, x, y) if entry.task in ALL_PAIRS else entry.fn(x, y, -1)
    return result


def block_by_block(entry: Implementation, x: torch.Tensor, y: torch.Tensor, rows: int) -> torch.Tensor:
    """The `answers` to pairs of rows, so many in each call: all pairs of a block cost little off the diagonal."""
    return torch.cat([answers(entry, *block) for block in zip(x.split(rows), y.split(rows), strict=True)])


def answers(entry: Implementation, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The answers to pairs of rows, of all pairs the diagonal.

    Raises:
        Failure: it raised an error, or returned no tensor of the right shape; the reason says what it returned.
    """
    of_all, result = entry.task in ALL_PAIRS, call(entry, x, y)
    expected = (len(x), len(y)) if of_all else tuple(torch.broadcast_shapes(x.shape, y.shape)[:-1])
    if not isinstance(result, torch.Tensor) or type(result) is not torch.Tensor:
        raise Failure(Status.WRONG, f"returned a {type(result).__name__}")
    if tuple(result.shape) != expected:
        raise Failure(Status.WRONG, f"returned the shape {tuple(result.shape)}")
    if result.device != x.device:
        raise Failure(Status.WRONG, f"returned a tensor on {result.device}")
    return result.diagonal() if of_all else result


def values(result: torch.Tensor) -> Values:
    """The numbers of a tensor in float64, detached and on the CPU."""
    return result.detach().cpu().double().numpy()


def decades(dtype: str) -> Values:
    """The powers of ten that this dtype can hold as a norm, ascending, including subnormal ones."""
    info = torch.finfo(getattr(torch, dtype))
    lowest, highest = math.log10(2) + math.log10(info.tiny) + math.log10(info.eps), math.log10(info.max)
    return np.array([float(f"1e{k}") for k in range(math.ceil(lowest), math.floor(highest) + 1)])


def _ordinary() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(2, BATCH, LENGTH, generator=generator, dtype=torch.float64)
    cosine = torch.linspace(-0.9, 0.9, BATCH, dtype=torch.float64)[:, None]
    return x, cosine * x + (1 - cosine**2).sqrt() * y
