"""A Siamese training loop as plain values: what the guide writes, what correct code is, and what may be changed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Loop:
    """How the loop is written; the defaults are those of the guide to "why is my cosine similarity always 1?".

    Args:
        pairs: whom an image is compared with: an image of the "last_batch", a "random" one, or one of a "balanced"
            choice, of the same class for half of the batch.
        itself_first: the first step compares the images with themselves (`image2 = image1`, `vector2 = vector1`).
        second: where the other image's vector comes from: "carried" over from the last step
            (`vector2 = vector1.detach()`), "fresh" from the network as it is now, or fresh and "detached".
        own_labels: each pair has a label of its own, or else that of the first pair of the batch.
        loss: a name in `LOSSES`.
        shifted: training images are moved by up to a pixel each way, at random: augmentation.
        learning_rate: Adam's.
        l1: what the sum of the weights' absolute values counts in the loss.
        l2: Adam's weight decay.
        normalised: pixels have mean 0 and standard deviation 1 over the training images, instead of lying in [0, 1].
        channels: of the network's first block; the second has twice as many.
        linear_head: the network ends in a linear layer, so that vectors are not all positive.
        dtype: of the images and the weights.
        steps: how many batches are trained on.
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
"""What each change is made in: advice that can't help broken code may help sound code."""
