"""The all-pairs form that people write by mistake."""

import torch.nn.functional as F

from implementations.registry import implementation


@implementation("pairwise", baseline=True)
def broadcast(x, y):
    """`F.cosine_similarity` over broadcast rows: it materialises N·M·D elements, several times."""
    return F.cosine_similarity(x[:, None], y[None], dim=-1)
