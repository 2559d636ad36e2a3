"""What one look at embeddings in training tells: the part of the signature that costs next to nothing."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Look:
    """Figures of the rows of one step, NaN where no row has a direction; named as those of `Signature`.

    Attributes:
        step: that the rows are of.
        mean_cosine: over all pairs of rows.
        mean_share: ||mean||^2 / E||x||^2.
        participation_ratio: of the directions about their mean: (sum of variances)^2 / sum of their squares, over the
            principal axes; the number of dimensions that they vary along.
        top_dimension_energy: share of E||x||^2 that one dimension holds.
        median_norm: of the usable rows.
        usable_rows: share of the rows that are neither NaN, nor infinite, nor zero.
    """

    step: int
    mean_cosine: float
    mean_share: float
    participation_ratio: float
    top_dimension_energy: float
    median_norm: float
    usable_rows: float

    @classmethod
    def of(cls, step: int, measured: torch.Tensor) -> "Look":
        """What `measure` found, which waits for the device."""
        spread, *others = measured.tolist()
        return cls(step, 1 - spread, *others)


def measure(rows: torch.Tensor) -> torch.Tensor:
    """The figures of `[M, K]` in the order of `Look`, the first as 1 - mean cosine; nothing waits for the device.

    1 - mean cosine is the variance of the directions, sum of ||u - mean||^2 / (M - 1): no digits are lost near 1.
    """
    wide = rows if rows.dtype == torch.float64 else rows.float()
    peak = wide.abs().amax(1, keepdim=True)
    usable = (peak > 0) & (peak < torch.inf)  # both are false of NaN
    count = usable.sum()
    scaled = torch.where(usable, wide / peak, 0)
    length = torch.linalg.vector_norm(scaled, dim=1, keepdim=True).clamp(min=1)  # it is 1 or more, or the row is lost
    units = scaled / length
    centred = torch.where(usable, units - units.sum(0) / count, 0)
    variance = centred.square().sum()
    peak = torch.where(usable, peak, 0)
    even = scaled * (peak / peak.amax())
    energy = even.square().sum(0)
    return torch.stack(
        [
            variance / (count - 1),
            even.sum(0).square().sum() / (energy.sum() * count),
            variance.square() / (centred @ centred.T).square().sum(),
            energy.amax() / energy.sum(),
            torch.where(usable, length * peak, torch.nan).nanmedian(),
            count / len(rows),
        ]
    )
