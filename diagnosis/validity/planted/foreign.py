"""Causes that the diagnosis does not know: all similarities are high, and the right answer is "unknown".

The embeddings are sound, real features. Wrong is the function that compares them, the pairing, or the output that was
read. Faults that a known cause describes are left out, since its remedy helps: a leaked batch mean, an
average over many words, missing values filled in, a template around each text, levels of time series, slow
trajectories from one start (`common_offset`: centring makes them distinct again); oversmoothed graphs and
encoders of one attribute (`rank_collapse`); codebooks of a few entries and hash collisions (`duplicate_rows`);
monotone functions of the cosine (`squashed_similarity`); words counted with "the" among them (`rogue_dimension`); a
function that compares x with x (`same_tensor`).
"""

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from diagnosis.subject import Similarity, Subject
from diagnosis.validity.planted.plant import MakeSubject, Plant, Size
from diagnosis.validity.planted.sources import (
    choice,
    digit_pairs,
    digits,
    feature_pairs,
    features,
    normal_like,
    some_digits,
    trained,
    uniform,
)


def compared_by(similarity: Similarity) -> MakeSubject:
    """Sound pairs of features with a faulty similarity."""

    def make(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
        x, y, labels = feature_pairs(size, generator)
        return Subject(x=x.to(dtype), y=y.to(dtype), labels=labels, similarity=similarity)

    return make


def clamped_from_below(x: Tensor, y: Tensor) -> Tensor:
    """`clamp(1)` instead of `clamp(max=1)`."""
    return F.cosine_similarity(x, y, dim=-1).clamp(1)


def averaged(x: Tensor, y: Tensor) -> Tensor:
    """A mean over the batch, broadcast back to every pair."""
    return F.cosine_similarity(x, y, dim=-1).mean().expand(len(x))


def of_sorted_values(x: Tensor, y: Tensor) -> Tensor:
    """`topk` used to select dimensions: its values are sorted, and sorted rows resemble each other."""
    return F.cosine_similarity(x.topk(x.shape[-1]).values, y.topk(y.shape[-1]).values, dim=-1)


def running_best(x: Tensor, y: Tensor) -> Tensor:
    """A running maximum that a loop does not reset."""
    return F.cosine_similarity(x, y, dim=-1).cummax(0).values


def best_of_all(x: Tensor, y: Tensor) -> Tensor:
    """The maximum over all candidates instead of the pair's own."""
    return (F.normalize(x, dim=-1) @ F.normalize(y, dim=-1).T).amax(1)


def searched(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """Queries, and a gallery with another view of each query in random order."""
    x, classes = features(size, generator)
    order = torch.randperm(len(x), generator=generator)
    gallery = (x + x.std() * uniform(0.05, 0.2, generator) * normal_like(x, generator))[order]
    labels = (classes == classes[order]).long()
    return Subject(x=x.to(dtype), y=gallery.to(dtype), labels=labels, similarity=best_of_all)


def decided(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """A yes or no instead of a score, at a threshold that all pairs of pixels pass."""
    x, y, labels = digit_pairs(size.rows, generator)
    threshold = uniform(0.1, 0.3, generator)

    def similarity(x: Tensor, y: Tensor) -> Tensor:
        return (F.cosine_similarity(x, y, dim=-1) > threshold).to(x.dtype)

    return Subject(x=x.to(dtype), y=y.to(dtype), labels=labels, similarity=similarity)


def neighbouring_frames(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """Negatives are the next frame of a video, positives the same frame with noise."""
    frames, _ = some_digits(size.rows, generator)
    later = frames + uniform(0.05, 0.1, generator) * normal_like(frames, generator)
    model = trained("layernorm", size.columns, generator)
    with torch.no_grad():
        x, y = model(frames).to(dtype), model(later).to(dtype)
    return Subject(x=x, y=y, labels=_halves(len(x), generator), inputs=frames, other_inputs=later)


def same_background(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """An encoder that learnt the place of a photograph, with pairs of people at the same place."""
    place, _ = features(size, generator)
    people = (features(size, generator)[0] * uniform(0.05, 0.2, generator) for _ in range(2))
    x, y = (place + person for person in people)
    return Subject(x=x.to(dtype), y=y.to(dtype), labels=_halves(len(x), generator))


def towers_that_see_each_other(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """Cross-attention mixes the two sides before they are compared."""
    x, y, labels = feature_pairs(size, generator)
    leak = uniform(0.9, 0.99, generator) / 2
    return Subject(x=x.lerp(y, leak).to(dtype), y=y.lerp(x, leak).to(dtype), labels=labels)


def mined_from_one_class(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """A miner's hardest negatives: the nearest rows, which are of the same class."""
    pairs, model = digit_pairs(size.rows, generator), trained("layernorm", size.columns, generator)
    with torch.no_grad():
        x, y, pool = (model(images) for images in (pairs.x, pairs.y, digits()[0]))
    cosines = F.normalize(x) @ F.normalize(pool).T
    nearest = pool[cosines.masked_fill(cosines > 1 - 1e-4, -1).argmax(1)]  # excluding the row itself
    y = torch.where(pairs.labels[:, None] > 0, y, nearest)
    return Subject(x=x.to(dtype), y=y.to(dtype), labels=pairs.labels)


def first_token_of_layer_zero(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """The `[CLS]` of the embedding layer, which has seen no other token yet."""
    model = _Layers(size.columns).eval()
    for weights in model.parameters():  # as after training
        weights.data += 0.1 * weights.std() * torch.randn_like(weights) + 0.02 * torch.randn_like(weights)
    model = model.to(dtype)
    tokens = torch.randint(1000, (size.rows, choice(8, 32, generator)), generator=generator)
    tokens[:, 0] = 101
    with torch.no_grad():
        return Subject(x=model(tokens), inputs=tokens, model=model)


class _Layers(nn.Module):
    def __init__(self, columns: int) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(1000, columns), nn.Embedding(32, columns)
        self.norm = nn.LayerNorm(columns)
        self.layer = nn.TransformerEncoderLayer(columns, 4, 64, batch_first=True)

    def forward(self, tokens: Tensor) -> Tensor:
        hidden = [self.norm(self.words(tokens) + self.places.weight[: tokens.shape[1]])]
        hidden.append(self.layer(hidden[0][:1]))
        first: Tensor = hidden[0][:, 0]
        return first


def _halves(rows: int, generator: Generator) -> Tensor:
    return torch.randint(2, (rows,), generator=generator)


FOREIGN = (
    Plant("clamped from below", compared_by(clamped_from_below)),
    Plant("averaged over the batch", compared_by(averaged)),
    Plant("sorted before they are compared", compared_by(of_sorted_values)),
    Plant("the best so far", compared_by(running_best)),
    Plant("the best of all candidates", searched),
    Plant("a decision for a score", decided),
    Plant("neighbouring frames as negatives", neighbouring_frames),
    Plant("an encoder of the background", same_background),
    Plant("towers that see each other", towers_that_see_each_other),
    Plant("mined negatives of the same class", mined_from_one_class),
    Plant("the first token of layer zero", first_token_of_layer_zero),
)
