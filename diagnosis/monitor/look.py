"""What one look at embeddings in training tells: the part of the signature that costs next to nothing."""

import math
from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True)
class Look:
    """Figures of the rows of one step, NaN where they are not defined; named as those of `Signature`.

    Attributes:
        step: that the rows are of.
        usable_rows: share of the rows that are neither NaN, nor infinite, nor zero; the other figures are of these.
        mean_cosine: over all pairs of rows.
        mean_share: ||mean||^2 / E||x||^2.
        participation_ratio: (sum of variances)^2 / sum of their squares, over the principal axes of the directions
            about their mean: the number of dimensions that they vary along.
        top_dimension_energy: share of E||x||^2 that one dimension holds.
        median_norm: a row's.
    """

    step: int
    usable_rows: float
    mean_cosine: float = math.nan
    mean_share: float = math.nan
    participation_ratio: float = math.nan
    top_dimension_energy: float = math.nan
    median_norm: float = math.nan


def look(step: int, rows: torch.Tensor) -> Look:
    """The figures of `[M, K]`, computed in float64 on the CPU by NumPy, which takes half of torch's time for so few."""
    wide = rows.double().cpu().numpy()
    norm = np.sqrt(np.einsum("ij,ij->i", wide, wide))  # in float64 no square of a float32 overflows
    usable = (norm > 0) & (norm < np.inf)  # both are false of NaN
    if not usable.all():
        wide, norm = wide[usable], norm[usable]
    count = len(wide)
    if count < 2:
        return Look(step, count / len(rows))
    units = wide / norm[:, None]
    centred = units - units.sum(0) / count
    gram = _gram(torch.from_numpy(centred))
    variance = float(np.trace(gram))
    mean, energy = wide.sum(0) / count, np.einsum("ij,ij->j", wide, wide) / count
    whole = float(energy.sum())
    return Look(
        step,
        usable_rows=count / len(rows),
        mean_cosine=1 - variance / (count - 1),  # from the variance no digits are lost near 1
        mean_share=float(mean @ mean) / whole,
        participation_ratio=variance**2 / float(np.einsum("ij,ij->", gram, gram)) if variance > 0 else math.nan,
        top_dimension_energy=float(energy.max()) / whole,
        median_norm=float(np.partition(norm, count // 2)[count // 2]),
    )


def _gram(table: torch.Tensor) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """By torch: NumPy's BLAS has threads of its own, which on a busy machine wait for each other for milliseconds."""
    return (table @ table.T).numpy()
