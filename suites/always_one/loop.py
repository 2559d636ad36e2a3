"""A Siamese training loop as plain values: the guide's loop, and the loop with correct code."""

from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Loop:
    """A training loop; the defaults are those of the guide to "why is my cosine similarity always 1?".

    Args:
        pairs: the other image of a pair: from the "last_batch", a "random" one, or a "balanced" choice, of the same
        class
            for half of the batch.
        itself_first: the first step compares the images with themselves (`image2 = image1`, `vector2 = vector1`).
        second: the other image's vector: "carried" over from the last step (`vector2 = vector1.detach()`), "fresh" from
            the current network, or fresh and "detached".
        own_labels: each pair has its own label; else all have the label of the first pair of the batch.
        loss: a name in `LOSSES`.
        shifted: augmentation: training images are moved at random by up to a pixel each way.
        learning_rate: Adam's.
        l1: the weight of the 1-norm of all weights in the loss.
        l2: Adam's weight decay.
        normalised: pixels have mean 0 and standard deviation 1 over the training images; else they are in [0, 1].
        channels: of the network's first block; the second has twice as many.
        linear_head: the network ends in a linear layer, so vectors are not all positive.
        dtype: of the images and the weights.
        steps: the number of training batches.
    """

    pairs: str = "last_batch"
    itself_first: bool = True
    second: str = "carried"
    own_labels: bool = False
    loss: str = "sigmoid"
    shifted: bool = False
    learning_rate: float = 1e-3
    l1: float = 0.0
    l2: float = 0.0
    normalised: bool = False
    channels: int = 8
    linear_head: bool = False
    dtype: str = "float32"
    steps: int = 80


AS_WRITTEN = Loop()
CORRECT_CODE = replace(AS_WRITTEN, itself_first=False, second="fresh", own_labels=True, loss="scaled_logits")
LOOPS: Mapping[str, Loop] = {"as_written": AS_WRITTEN, "correct_code": CORRECT_CODE}
"""The loops to change: advice that cannot help broken code may help correct code."""
