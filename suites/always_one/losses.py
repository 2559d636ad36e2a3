"""Four losses of a Siamese network, for positive and negative pairs of vectors."""

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F

Tensor = torch.Tensor
PairLoss = Callable[[Tensor, Tensor, Tensor], Tensor]
"""`(vector1 [N, D], vector2 [N, D], positive [N] of 0 and 1) -> scalar`."""

SCALE, MIDDLE = 10.0, 0.5
MARGIN = 1.0


def sigmoid(vector1: Tensor, vector2: Tensor, positive: Tensor) -> Tensor:
    """The guide's loss: BCE of `sigmoid(cosine)`. The probability is 0.269 to 0.731, the loss at least 0.313."""
    return F.binary_cross_entropy(torch.sigmoid(F.cosine_similarity(vector1, vector2)), positive)


def scaled_logits(vector1: Tensor, vector2: Tensor, positive: Tensor) -> Tensor:
    """BCE of the logits 10 (cosine - 0.5), which reach probabilities from 3e-7 to 0.993.

    Source: X. Zhai et al., Sigmoid loss for language image pre-training, ICCV 2023, where both numbers are learned.
    """
    return F.binary_cross_entropy_with_logits(SCALE * (F.cosine_similarity(vector1, vector2) - MIDDLE), positive)


def cosine_embedding(vector1: Tensor, vector2: Tensor, positive: Tensor) -> Tensor:
    """torch's loss, with labels 1 and -1: 1 - cosine for positive pairs, else the cosine where it is above 0."""
    return F.cosine_embedding_loss(vector1, vector2, 2 * positive - 1)


def contrastive(vector1: Tensor, vector2: Tensor, positive: Tensor) -> Tensor:
    """The squared distance d² of unit vectors for positive pairs, else (1 - d)² below d = 1, which is 60 degrees.

    Source: R. Hadsell, S. Chopra and Y. LeCun, Dimensionality reduction by learning an invariant mapping, CVPR 2006.
    """
    distance = F.pairwise_distance(F.normalize(vector1), F.normalize(vector2))
    return torch.where(positive > 0, distance, (MARGIN - distance).clamp_min(0)).square().mean()


LOSSES: Mapping[str, PairLoss] = {
    loss.__name__: loss for loss in (sigmoid, scaled_logits, cosine_embedding, contrastive)
}
