"""Figures from sums over all rows, a chunk at a time, so that a file of any length fits into memory."""

from collections.abc import Sequence

import numpy as np
import torch

from diagnosis.signature.rows import chunks, row_hashes, unit

WIDEST = 2048  # columns at most for second moments, which take 32 MiB of float64


class Sums:
    """Sums over the rows of `tables`, each `[M, K]`, in float64; each side of pairs is a table.

    Entries are divided by `scale` before squaring, and `pivot` is subtracted before products are summed: neither a
    large norm nor a large mean costs digits. `second` is None without `moments`, or if there are too many columns.
    """

    def __init__(self, tables: Sequence[torch.Tensor], moments: bool) -> None:
        columns = tables[0].shape[1]
        self.nan = self.infinite = self.zero = self.rows = 0
        self.seen = sum(map(len, tables))
        self._norms = torch.empty(self.seen, dtype=torch.float64)
        self.low = torch.full((columns,), torch.inf, dtype=torch.float64)
        self.high = -self.low
        self.direction, self.energy, self.zeros = torch.zeros(3, columns, dtype=torch.float64)
        self.counts = torch.zeros(len(tables), 1, dtype=torch.float64)
        self.first = torch.zeros(len(tables), columns, dtype=torch.float64)
        self.second = torch.zeros(columns, columns, dtype=torch.float64) if moments and columns <= WIDEST else None
        self.scale, self.pivot = 1.0, torch.zeros(columns, dtype=torch.float64)
        for side, table in enumerate(tables):
            for chunk in chunks(table):
                self._add(side, self._usable(chunk.cpu()))
        self.distinct = distinct_rows(tables)

    def _usable(self, chunk: torch.Tensor) -> torch.Tensor:
        peak = chunk.abs().amax(1)
        nan, infinite, zero = peak.isnan(), peak.isinf(), peak == 0
        self.nan, self.infinite = self.nan + int(nan.sum()), self.infinite + int(infinite.sum())
        self.zero += int(zero.sum())
        faulty = nan | infinite | zero
        return chunk[~faulty] if faulty.any() else chunk

    def _add(self, side: int, chunk: torch.Tensor) -> None:
        if not len(chunk):
            return
        wide = chunk.double()
        if not self.rows:
            self.scale = float(wide.abs().max())
            self.pivot = (wide / self.scale).mean(0)
        units = unit(wide)
        self._norms[self.rows : self.rows + len(chunk)] = (wide * units).sum(1)
        self.rows += len(chunk)
        self.counts[side] += len(chunk)
        self.direction += units.sum(0)
        self.low = torch.minimum(self.low, wide.amin(0))
        self.high = torch.maximum(self.high, wide.amax(0))
        self.zeros += (wide == 0).sum(0)
        wide = wide / self.scale
        self.energy += wide.square().sum(0)
        wide -= self.pivot
        self.first[side] += wide.sum(0)
        if self.second is not None:
            narrow = wide.float()  # float32: a third of the time, and 7 digits of a squared singular value
            self.second += (narrow.T @ narrow).double()

    @property
    def norms(self) -> torch.Tensor:
        """The norms of the usable rows of all tables."""
        return self._norms[: self.rows]

    @property
    def means(self) -> torch.Tensor:
        """The mean of the usable rows of each table, `[len(tables), K]`."""
        return (self.pivot + self.first / self.counts.clamp(min=1)) * self.scale

    @property
    def mean_share(self) -> float:
        """||mean||^2 / E||x||^2, with a mean for each side."""
        return float((self.counts * (self.means / self.scale).square()).sum() / self.energy.sum())

    @property
    def mean_cosine(self) -> float:
        """The mean over all pairs of different rows, exactly."""
        return mean_cosine(self.direction, self.rows)

    def spectra(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Singular values, divided by `scale`: of the rows as they are, and of the centred rows of each side."""
        assert self.second is not None
        crossed = torch.outer(self.first.sum(0), self.pivot)
        raw = self.second + crossed + crossed.T + self.rows * torch.outer(self.pivot, self.pivot)
        centred = self.second - self.first.T @ (self.first / self.counts.clamp(min=1))
        return singular(raw), singular(centred)


def mean_cosine(direction: torch.Tensor, rows: int) -> float:
    """The mean cosine of two different rows, of `rows` unit vectors with the sum `direction`, `[K]`; NaN below 2 rows.

    The squared norm of the sum is the number of rows plus the sum of all their cosines ("anisotropy", Ethayarajh 2019,
    arXiv 1909.00512, over all pairs).
    """
    pairs = rows * (rows - 1)
    return float(direction.square().sum() - rows) / pairs if pairs else float("nan")


def singular(gram: torch.Tensor) -> torch.Tensor:
    """Singular values of a matrix, down to 1e-8 of the largest, from its Gram matrix."""
    squares: torch.Tensor = torch.linalg.eigvalsh(gram)
    return squares.clamp(min=0).sqrt()


def distinct_rows(tables: Sequence[torch.Tensor]) -> int:
    """The number of rows, or of pairs, without repetitions, bit by bit."""
    hashes = row_hashes(tables[0])
    for table in tables[1:]:
        hashes = hashes * np.uint64(3) + row_hashes(table)
    return len(np.unique(hashes))


def pair_cosines(x: torch.Tensor, y: torch.Tensor) -> tuple[float, float]:
    """The mean cosine of pairs, and of shuffled pairs, exactly, over pairs with two directions."""
    left, right = torch.zeros(2, x.shape[1], dtype=torch.float64)
    paired, pairs = 0.0, 0
    for one, other in zip(chunks(x), chunks(y), strict=True):
        both = one.abs().amax(1), other.abs().amax(1)
        fine = torch.stack([peak.isfinite() & (peak > 0) for peak in both]).all(0)
        units, others = unit(one[fine]), unit(other[fine])
        left, right = left + units.sum(0), right + others.sum(0)
        paired, pairs = paired + float((units * others).sum()), pairs + len(units)
    nan = float("nan")
    shuffled = (float(left @ right) - paired) / (pairs * (pairs - 1)) if pairs > 1 else nan
    return (paired / pairs if pairs else nan), shuffled
