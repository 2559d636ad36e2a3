"""The signature: figures of embeddings that together separate causes which no single figure can.

The mean cosine misses a collapsed rank, IsoScore misses an offset, and RankMe confuses the two.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import torch

from diagnosis.signature.pairs import MOST, effective_rank, intervals, singular_values, spread, ties
from diagnosis.signature.rows import about, sample_rows, sides
from diagnosis.signature.sums import Sums, pair_cosines
from diagnosis.subject import Subject
from diagnosis.verdict import Value

ONE_WAY = 0.9  # mean share from which on the mean explains high cosines


@dataclass(frozen=True, kw_only=True)
class Signature:
    """The figures of embeddings, of both sides together; each side is centred by its own mean. NaN: not defined.

    Cosines are those of unrelated rows, in float64. Rows that are NaN, infinite or zero are counted and left out.

    Attributes:
        rows: the number of vectors.
        items: the number of vectors, or of pairs.
        columns: the length of a vector.
        dtype: of the embeddings.
        mean_cosine: over all pairs of rows.
        std_cosine: the standard deviation of the same.
        low_cosine: their 5 % quantile.
        high_cosine: their 95 % quantile.
        centred_mean_cosine: the mean after subtracting the mean row.
        centred_std_cosine: the standard deviation of the same.
        centred_size: their mean absolute value; 1 on a line, about sqrt(2 / (pi k)) in k dims.
        mean_share: ||mean||^2 / E||x||^2; near the mean cosine if norms are similar.
        effective_rank: the exponential of the entropy of the singular values (RankMe, arXiv 2210.02885).
        centred_effective_rank: the same without the mean row.
        top_dimension_energy: share of E||x||^2 in the largest dimension.
        top_three_energy: share in the three largest.
        distinct_rows: rows, or pairs, without repetitions, bit by bit.
        smallest_norm: of the usable rows.
        median_norm: the same.
        largest_norm: the same.
        minimum: the smallest entry.
        maximum: the largest entry.
        smallest_range: of the entries of one dimension, over all rows.
        largest_range: the same.
        constant_dimensions: dimensions with one value in all rows.
        zero_dimensions: dimensions with 0 in all rows.
        zero_share: share of entries that are exactly 0.
        ties: share of cosines that equal another one after rounding to `dtype`.
        nan_rows: rows with a NaN.
        infinite_rows: rows with an infinity and no NaN.
        zero_rows: rows of zeros only.
        pair_cosine: the mean over `(x[i], y[i])`.
        shuffled_cosine: the mean over `(x[i], y[j])`, `i != j`.
        intervals: 95 % interval of each figure that was estimated on a sample; empty if all rows were used.
    """

    rows: int
    items: int
    columns: int
    dtype: str
    mean_cosine: float
    std_cosine: float
    low_cosine: float
    high_cosine: float
    centred_mean_cosine: float
    centred_std_cosine: float
    centred_size: float
    mean_share: float
    effective_rank: float
    centred_effective_rank: float
    top_dimension_energy: float
    top_three_energy: float
    distinct_rows: int
    smallest_norm: float
    median_norm: float
    largest_norm: float
    minimum: float
    maximum: float
    smallest_range: float
    largest_range: float
    constant_dimensions: int
    zero_dimensions: int
    zero_share: float
    ties: float
    nan_rows: int
    infinite_rows: int
    zero_rows: int
    pair_cosine: float = math.nan
    shuffled_cosine: float = math.nan
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def repeated_share(self) -> float:
        """Share of rows, or of pairs, that repeat another one, bit by bit."""
        return 1 - self.distinct_rows / self.items if self.items else 0.0

    @property
    def faulty_rows(self) -> int:
        """Rows without a direction."""
        return self.nan_rows + self.infinite_rows + self.zero_rows

    @property
    def one_way(self) -> bool:
        """Whether the mean is long enough to explain high cosines."""
        return self.mean_share >= ONE_WAY

    @property
    def mostly_dead(self) -> bool:
        """Whether most dimensions are 0 in every row."""
        return self.zero_dimensions > 0.55 * self.columns

    def to_dict(self) -> dict[str, Value]:
        """Flat and JSON-safe: an interval's ends as `<figure>_from` and `<figure>_to`, None if undefined."""
        flat: dict[str, Value] = {name: value for name, value in asdict(self).items() if name != "intervals"}
        for name, (start, end) in self.intervals.items():
            flat |= {f"{name}_from": start, f"{name}_to": end}
        return {name: None if isinstance(v, float) and not math.isfinite(v) else v for name, v in flat.items()}


def measure(subject: Subject) -> Signature:
    """The signature of a subject: sums over all rows, and figures of pairs of rows.

    Beyond `MOST` rows the pairs come from a sample with a fixed seed, and their figures have 95 % intervals.
    """
    tables = sides(subject)
    sums = Sums(tables, moments=sum(map(len, tables)) > MOST)
    parts = sample_rows(tables, MOST)
    few = torch.cat(parts)
    centred = torch.cat([about(part, mean) for part, mean in zip(parts, sums.means, strict=True)])
    spectra = sums.spectra() if sums.second is not None else (singular_values(few), singular_values(centred))
    pairs = pair_cosines(*tables) if len(tables) == 2 else (math.nan, math.nan)
    of_pairs_of_rows = spread(few, centred)
    constant = sums.high == sums.low
    return Signature(
        rows=sums.seen,
        items=len(tables[0]),
        columns=few.shape[1],
        dtype=str(few.dtype).removeprefix("torch."),
        mean_cosine=sums.mean_cosine,
        effective_rank=effective_rank(spectra[0]),
        centred_effective_rank=effective_rank(spectra[1]),
        distinct_rows=sums.distinct,
        constant_dimensions=int(constant.sum()),
        zero_dimensions=int((constant & (sums.low == 0)).sum()),
        ties=ties(few),
        nan_rows=sums.nan,
        infinite_rows=sums.infinite,
        zero_rows=sums.zero,
        pair_cosine=pairs[0],
        shuffled_cosine=pairs[1],
        intervals=intervals(few, centred, of_pairs_of_rows) if len(few) < sums.seen else {},
        **of_pairs_of_rows,
        **_of_entries(sums),
    )


def _of_entries(sums: Sums) -> dict[str, float]:
    norms = sums.norms if sums.rows else torch.full((1,), math.nan)
    energy = sums.energy.sort(descending=True).values / sums.energy.sum()
    ranges = sums.high - sums.low
    return {
        "mean_share": sums.mean_share,
        "top_dimension_energy": float(energy[0]),
        "top_three_energy": float(energy[:3].sum()),
        "smallest_norm": float(norms.min()),
        "median_norm": float(norms.median()),
        "largest_norm": float(norms.max()),
        "minimum": float(sums.low.min()),
        "maximum": float(sums.high.max()),
        "smallest_range": float(ranges.min()),
        "largest_range": float(ranges.max()),
        "zero_share": float(sums.zeros.sum()) / (sums.rows * len(energy)) if sums.rows else math.nan,
    }
