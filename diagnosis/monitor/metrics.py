"""Metrics of the embeddings of one training step: the part of the signature that costs next to nothing."""

import math
from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True)
class Metrics:
    """Metrics of the rows of one step, named as in `Signature`; NaN where undefined.

    Attributes:
        step: the step of the rows.
        usable_rows: share of the rows that are finite and not zero; all other metrics use these rows only.
        mean_cosine: mean over all pairs of rows.
        mean_share: ||mean||^2 / E||x||^2.
        participation_ratio: (sum of variances)^2 / sum of squared variances, over the principal axes of the centred
            unit rows: the effective number of dimensions they vary along.
        top_dimension_energy: largest share of E||x||^2 in one dimension.
        median_norm: median norm of a row.
    """

    step: int
    usable_rows: float
    mean_cosine: float = math.nan
    mean_share: float = math.nan
    participation_ratio: float = math.nan
    top_dimension_energy: float = math.nan
    median_norm: float = math.nan


def metrics_of(step: int, rows: torch.Tensor) -> Metrics:
    """The metrics of `rows`, `[M, D]`, in float64 on the CPU. For so few rows NumPy takes half of torch's time."""
    wide = rows.double().cpu().numpy()
    norm = np.sqrt(np.einsum("ij,ij->i", wide, wide))  # in float64 no square of a float32 overflows
    usable = (norm > 0) & (norm < np.inf)  # both are false of NaN
    if not usable.all():
        wide, norm = wide[usable], norm[usable]
    count = len(wide)
    if count < 2:
        return Metrics(step, count / len(rows))
    units = wide / norm[:, None]
    centred = units - units.sum(0) / count
    gram = _gram(torch.from_numpy(centred))
    variance = float(np.trace(gram))
    mean, energy = wide.sum(0) / count, np.einsum("ij,ij->j", wide, wide) / count
    whole = float(energy.sum())
    return Metrics(
        step,
        usable_rows=count / len(rows),
        mean_cosine=1 - variance / (count - 1),  # computed from the variance, it keeps its digits near 1
        mean_share=float(mean @ mean) / whole,
        participation_ratio=variance**2 / float(np.einsum("ij,ij->", gram, gram)) if variance > 0 else math.nan,
        top_dimension_energy=float(energy.max()) / whole,
        median_norm=float(np.partition(norm, count // 2)[count // 2]),
    )


def _gram(table: torch.Tensor) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Computed by torch: NumPy's BLAS has threads of its own, which wait for each other on a busy machine."""
    return (table @ table.T).numpy()
