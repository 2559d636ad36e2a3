"""scikit-learn's all-pairs form, through NumPy and BLAS."""

import torch
from sklearn.metrics.pairwise import cosine_similarity

from implementations.registry import implementation


@implementation(
    "pairwise", dtypes=("float32", "float64"), devices="cpu", torch_memory=False, roundings=5.5, norm="lanes"
)
def scikit_learn(x, y):
    """`sklearn.metrics.pairwise.cosine_similarity`: it checks its input, normalises copies and multiplies.

    A zero row gives 0. No gradient.
    """
    return torch.from_numpy(cosine_similarity(x.detach().numpy(), y.detach().numpy()))
