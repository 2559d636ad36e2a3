"""Changes of a loop: each piece of advice alone, all advice together, and each fault of the code alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from suites.always_one.loop import Loop


@dataclass(frozen=True)
class Change:
    """One change: its name, the kind of advice, a description, and a function that returns the changed loop."""

    name: str
    advice: str
    what: str
    apply: Callable[[Loop], Loop]


NO_CHANGE = Change("", "", "", lambda loop: loop)


def changes(loop: Loop) -> list[Change]:
    """The changes that make a difference to `loop`."""
    return [change for change in CHANGES if change.apply(loop) != loop]


def _all_together(loop: Loop) -> Loop:
    for change in ADVICE:
        if change.name not in _ALTERNATIVES:
            loop = change.apply(loop)
    return loop


CODE = (
    Change("not_itself_first", "repair", "two batches before step 0", lambda loop: replace(loop, itself_first=False)),
    Change("itself_first", "fault", "image2 = image1 in step 0", lambda loop: replace(loop, itself_first=True)),
    Change("own_labels", "repair", "a label for each pair", lambda loop: replace(loop, own_labels=True)),
    Change("one_label", "fault", "the first pair's label for all", lambda loop: replace(loop, own_labels=False)),
    Change("fresh_vectors", "repair", "vector2 = model(image2)", lambda loop: replace(loop, second="fresh")),
    Change("detached_vectors", "detach", "model(image2).detach()", lambda loop: replace(loop, second="detached")),
    Change(
        "carried_vectors", "fault", "the last step's vector1.detach()", lambda loop: replace(loop, second="carried")
    ),
    Change("sigmoid", "fault", "BCE of sigmoid(cosine)", lambda loop: replace(loop, loss="sigmoid")),
)
"""Each repair changes only the loop as written, each fault only correct code."""

ADVICE = (
    Change("random_pairs", "pairs", "drawn at random", lambda loop: replace(loop, pairs="random", second="fresh")),
    Change(
        "balanced_pairs", "pairs", "half of them alike", lambda loop: replace(loop, pairs="balanced", second="fresh")
    ),
    Change("scaled_logits", "loss", "BCE of 10 (cosine - 0.5)", lambda loop: replace(loop, loss="scaled_logits")),
    Change("cosine_embedding", "loss", "torch's, labels ±1", lambda loop: replace(loop, loss="cosine_embedding")),
    Change("contrastive", "loss", "Hadsell's, margin 1", lambda loop: replace(loop, loss="contrastive")),
    Change("shifted_images", "augmentation", "by up to a pixel", lambda loop: replace(loop, shifted=True)),
    Change("lower_learning_rate", "learning rate", "1e-4 for 1e-3", lambda loop: replace(loop, learning_rate=1e-4)),
    Change("higher_learning_rate", "learning rate", "1e-2 for 1e-3", lambda loop: replace(loop, learning_rate=1e-2)),
    Change("l1", "regularisation", "1e-4 of the 1-norm", lambda loop: replace(loop, l1=1e-4)),
    Change("l2", "regularisation", "weight decay 1e-2", lambda loop: replace(loop, l2=1e-2)),
    Change("normalised_inputs", "preprocessing", "mean 0, deviation 1", lambda loop: replace(loop, normalised=True)),
    Change("twice_the_channels", "another model", "16 and 32", lambda loop: replace(loop, channels=2 * loop.channels)),
    Change("linear_head", "another model", "after the last ReLU", lambda loop: replace(loop, linear_head=True)),
    Change("float64", "precision", "weights and images", lambda loop: replace(loop, dtype="float64")),
)
_ALTERNATIVES = ("random_pairs", "cosine_embedding", "contrastive", "higher_learning_rate")
"""Left out of all advice together: only one alternative of a kind can be followed."""

CHANGES: Sequence[Change] = (
    *CODE,
    *ADVICE,
    Change("longer_training", "training", "400 steps for 80", lambda loop: replace(loop, steps=5 * loop.steps)),
    Change("all_together", "all", f"all but {', '.join(_ALTERNATIVES)}", _all_together),
)
