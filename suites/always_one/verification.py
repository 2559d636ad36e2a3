"""Verification on unseen images: do cosines separate classes, and how much of the space do the vectors use?"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from suites.statistics import effective_rank


@dataclass(frozen=True)
class Verification:
    """Over all pairs of vectors: the area under the ROC curve, and the mean cosines of negative and positive pairs.

    `effective_rank` is the exponential of the entropy of the singular values of the centred vectors, 0 if all are
    equal: O. Roy and M. Vetterli, The effective rank, EUSIPCO 2007. `zeros` is the share of vectors that are all zero.
    """

    auc: float
    unlike: float
    alike: float
    effective_rank: float
    zeros: float


def verify(vectors: torch.Tensor, classes: torch.Tensor) -> Verification:
    """How well the cosines of `vectors`, `[N, D]`, separate pairs of equal `classes`, `[N]`, from the others.

    A zero vector has the cosine 0 with every other. Raises a `ValueError` if a vector is NaN or infinite.
    """
    from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]  # two seconds to import

    unit = F.normalize(vectors.double())
    first, second = torch.triu_indices(len(vectors), len(vectors), offset=1)
    cosines = (unit @ unit.T)[first, second].numpy().round(12)  # equal vectors get equal cosines
    positive = (classes[first] == classes[second]).numpy()
    return Verification(
        auc=float(roc_auc_score(positive, cosines)),
        unlike=float(cosines[~positive].mean()),
        alike=float(cosines[positive].mean()),
        effective_rank=_effective_rank(vectors),
        zeros=float((vectors == 0).all(1).double().mean()),
    )


def _effective_rank(vectors: torch.Tensor) -> float:
    rows = vectors.double()
    spectrum = torch.linalg.svdvals(rows - rows.mean(0)).numpy()
    rounding = float(torch.linalg.matrix_norm(rows, 2)) * max(rows.shape) * torch.finfo(vectors.dtype).eps
    spectrum = spectrum[spectrum > rounding]  # the rounding errors of equal vectors have a rank of their own
    return effective_rank(spectrum) if spectrum.size else 0.0
