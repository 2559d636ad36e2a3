"""What a Siamese network is trained to make small: four losses of pairs of vectors that are alike, or not."""

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F

Tensor = torch.Tensor
Loss = Callable[[Tensor, Tensor, Tensor], Tensor]
"""`(vector1 [N, D], vector2 [N, D], alike [N] of 0 and 1) -> scalar`."""

SCALE, MIDDLE = 10.0, 0.5
MARGIN = 1.0


def sigmoid(vector1: Tensor, vector2: Tensor, alike: Tensor) -> Tensor:
    """The guide's: BCE of `sigmoid(cosine)`, a probability that can only be 0.269 to 0.731: never below 0.313."""
    return F.binary_cross_entropy(torch.sigmoid(F.cosine_similarity(vector1, vector2)), alike)


def scaled_logits(vector1: Tensor, vector2: Tensor, alike: Tensor) -> Tensor:
    """BCE of the logits 10 (cosine - 0.5), which reach probabilities from 3e-7 to 0.993.

    Source: X. Zhai et al., Sigmoid loss for language image pre-training, ICCV 2023, where both numbers are learnt.
    """
    return F.binary_cross_entropy_with_logits(SCALE * (F.cosine_similarity(vector1, vector2) - MIDDLE), alike)


def cosine_embedding(vector1: Tensor, vector2: Tensor, alike: Tensor) -> Tensor:
    """torch's own, whose labels are 1 and -1: 1 - cosine if alike, else the cosine where it is positive."""
    return F.cosine_embedding_loss(vector1, vector2, 2 * alike - 1)


def contrastive(vector1: Tensor, vector2: Tensor, alike: Tensor) -> Tensor:
    """The squared distance of the unit vectors if alike, else the square of what it lacks to 1, which is 60 degrees.

    Source: R. Hadsell, S. Chopra and Y. LeCun, Dimensionality reduction by learning an invariant mapping, CVPR 2006.
    """
    distance = F.pairwise_distance(F.normalize(vector1), F.normalize(vector2))
    return torch.where(alike > 0, distance, (MARGIN - distance).clamp_min(0)).square().mean()


LOSSES: Mapping[str, Loss] = {loss.__name__: loss for loss in (sigmoid, scaled_logits, cosine_embedding, contrastive)}
