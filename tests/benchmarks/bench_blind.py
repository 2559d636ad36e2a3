"""Blind cases for `diagnosis`: real bugs, or none, written without knowledge of its detectors.

Every function builds the arguments of one `diagnose` call from real data or a trained small network. The expected
answers were fixed before the first run and stay; a comment marks a case that is itself wrong. `collapsed` and `usable`
assert that a user would, or would not, complain about the cosines.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from sklearn import datasets
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.functional import cosine_similarity, normalize

from command import Command
from diagnosis import DiagnosisError, diagnose
from nearest import did_you_mean

Arguments = dict[str, Any]
Batches = list[tuple[Tensor, ...]]
Build = Callable[[], Arguments]


class BlindCase(NamedTuple):
    """A builder of the arguments, the right answer (a cause, healthy or unknown), and other acceptable answers."""

    build: Build
    expected: str
    accepted: tuple[str, ...]


CASES: dict[str, BlindCase] = {}
ARRAYS = {"x", "y", "dim", "labels", "inputs", "other_inputs"}


def case(expected: str, *accepted: str) -> Callable[[Build], Build]:
    def register(build: Build) -> Build:
        CASES[build.__name__] = BlindCase(build, expected, accepted)
        return build

    return register


def negative_cosine(x: Tensor, y: Tensor | None = None, dim: int = -1, labels: Tensor | None = None) -> float:
    """The mean cosine of negative pairs (all pairs if no labels name any), or of all different rows without y."""
    if y is not None:
        cosines = cosine_similarity(x.detach().double(), y.detach().double(), dim)
        return float((cosines if labels is None or bool((labels > 0).all()) else cosines[labels < 1]).mean())
    rows = normalize(x.detach().double(), dim=-1)
    return float((rows @ rows.T)[~torch.eye(len(rows), dtype=torch.bool)].mean())


def collapsed(x: Tensor, y: Tensor | None = None, dim: int = -1, **more: Any) -> Arguments:
    """The arguments; asserts that these cosines are useless."""
    assert negative_cosine(x, y, dim, more.get("labels")) >= 0.95
    return {"x": x, "y": y, "dim": dim, **more}


def usable(x: Tensor, y: Tensor | None = None, **more: Any) -> Arguments:
    """The arguments; asserts that unrelated rows are distinct."""
    assert torch.isfinite(x).all()
    assert negative_cosine(x) < 0.9
    return {"x": x, "y": y, **more}


def seen(model: nn.Module, inputs: Tensor, other_inputs: Tensor | None = None, **more: Any) -> Arguments:
    """The arguments that a user with a model has: inputs, outputs and the model."""
    with torch.no_grad():
        out = {"x": model(inputs), "inputs": inputs, "model": model, **more}
        return out if other_inputs is None else {**out, "y": model(other_inputs), "other_inputs": other_inputs}


@lru_cache
def table(name: str) -> tuple[Tensor, Tensor]:
    """Values and classes of a data set of scikit-learn, shuffled; digits are scaled to 0..1, others unscaled."""
    data = getattr(datasets, f"load_{name}")()
    order = torch.randperm(len(data.data), generator=torch.Generator().manual_seed(0))
    values = torch.tensor(data.data, dtype=torch.float32)[order]
    return values / 16 if name == "digits" else values, torch.tensor(data.target)[order]


def digits() -> Tensor:
    return table("digits")[0][:300].clone()


def digit_pairs(count: int = 400) -> tuple[Tensor, Tensor, Tensor]:
    """Pairs of digits with label 1 for the same class, else 0; at least half are positive."""
    values, classes = table("digits")
    first, second = torch.randint(len(values), (2, count))
    for i in range(0, count, 2):
        positive = (classes == classes[first[i]]).nonzero().flatten()
        second[i] = positive[torch.randint(len(positive), ())]
    return values[first], values[second], (classes[first] == classes[second]).float()


def standardised(values: Tensor) -> Tensor:
    return (values - values.mean(0)) / (values.std(0) + 1e-6)


def batched(*tensors: Tensor, size: int = 50) -> Batches:
    return list(zip(*(tensor.split(size) for tensor in tensors), strict=True))


def encoder(inputs: int = 64, outputs: int = 32) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, 64), nn.ReLU(), nn.Linear(64, outputs))


def fit(model: nn.Module, objective: Callable[..., Tensor], batches: Batches, steps: int, lr: float) -> None:
    optimiser = torch.optim.Adam(model.parameters(), lr)
    for step in range(steps):
        optimiser.zero_grad()
        objective(*batches[step % len(batches)]).backward()
        optimiser.step()


def classifier(
    model: nn.Sequential, values: Tensor, classes: Tensor, steps: int = 200, lr: float = 1e-3
) -> nn.Sequential:
    """The model, trained with cross-entropy: its outputs are logits."""
    batches = batched(values, classes, size=200)
    fit(model, lambda inputs, targets: F.cross_entropy(model(inputs), targets), batches, steps, lr)
    return model


def siamese(
    loss: Callable[..., Tensor], pairs: tuple[Tensor, ...], of_cosines: bool = False, steps: int = 600, lr: float = 1e-2
) -> Arguments:
    """Arguments from a siamese network trained with loss(x, y, labels), or with loss(cosines, labels)."""
    model, batches = encoder(), batched(*pairs)

    def objective(a: Tensor, b: Tensor, labels: Tensor) -> Tensor:
        x, y = model(a), model(b)
        return loss(cosine_similarity(x, y), labels) if of_cosines else loss(x, y, labels)

    fit(model, objective, batches, steps, lr)
    return seen(model, *pairs[:2], labels=pairs[2], loader=batches, loss=loss)


def hinge(cosines: Tensor, labels: Tensor) -> Tensor:
    """The usual contrastive loss on cosines, for labels 1 and 0."""
    return torch.where(labels > 0, 1 - cosines, F.relu(cosines - 0.2)).mean()


class Function(nn.Module):
    """A module that applies a function."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, inputs: Tensor) -> Tensor:
        return self.function(inputs)


class MeanPooled(nn.Module):
    """Token vectors averaged over all positions, or without padding (0)."""

    def __init__(self, masked: bool) -> None:
        super().__init__()
        self.tokens, self.masked = nn.Embedding(500, 64), masked

    def forward(self, ids: Tensor) -> Tensor:
        kept = (ids != 0).float() if self.masked else torch.ones(ids.shape)
        return (self.tokens(ids) * kept[..., None]).sum(1) / kept.sum(1, keepdim=True)


def sentences() -> Tensor:
    """Ids of 4 to 9 tokens, padded to 128 by 0."""
    return torch.randint(1, 500, (200, 128)) * (torch.arange(128) < torch.randint(4, 10, (200, 1)))


@lru_cache
def class_embeddings() -> tuple[Tensor, Tensor]:
    """Embeddings of digits that are near each other only within a class, and the classes."""
    values, classes = table("digits")
    return F.softmax(classifier(encoder(outputs=10), values, classes, 300, 1e-2)(values), -1).detach(), classes


# Both sides are the same data.


@case("same_tensor", "shared_storage")
def snapshot_by_to_cpu() -> Arguments:
    """Embeddings "saved" by .to("cpu") before an in-place update: on a CPU this makes no copy."""
    after = encoder()(digits()).detach()
    before = after.to("cpu").float()
    return collapsed(after.add_(torch.randn_like(after)), before)


@case("shared_storage", "same_tensor")
def in_place_augmentation() -> Arguments:
    """The clean view is flatten() of the images, to which the augmentation adds noise in place."""
    images = digits().view(-1, 8, 8)
    clean = images.flatten(1)
    images.add_(0.5 * torch.randn_like(images))
    return collapsed(images.view(-1, 64), clean)


@case("shared_storage", "same_tensor")
def snapshot_by_numpy() -> Arguments:
    """Last epoch's embeddings kept as x.numpy(), which shares memory with the tensor that is overwritten."""
    x = encoder()(digits()).detach()
    kept = torch.from_numpy(x.numpy())
    return collapsed(x.copy_(encoder()(digits()).detach()), kept)


@case("carried_over", "cached_buffer")
def keys_of_the_previous_step() -> Arguments:
    """The keys come from the queries' batch one optimiser step earlier, not from the other inputs."""
    (a, b, labels), model = digit_pairs(), encoder()
    keys = model(a).detach()
    fit(model, lambda a, b, t: hinge(cosine_similarity(model(a), model(b)), t), [(a, b, labels)], 1, 1e-3)
    return collapsed(**{**seen(model, a, b), "y": keys})


@case("carried_over", "cached_buffer")
def features_of_the_other_side_never_rewritten() -> Arguments:
    """The gallery's features copy the query's: the second loop does not reassign the variable."""
    a, b, _ = digit_pairs()
    features = encoder()(a).detach()
    return collapsed(features, features.clone(), inputs=a, other_inputs=b)


@case("same_sample_twice")
def dataset_indexes_itself() -> Arguments:
    """__getitem__ draws the partner with the index of the anchor."""
    a, b = digits(), digits()
    return collapsed(**seen(encoder(), a, b, loader=batched(a, b)))


@case("cached_buffer")
def forward_remembers_its_first_answer() -> Arguments:
    """A cache meant for static prompts that is never invalidated."""
    (a, b, labels), net = digit_pairs(), encoder()
    cache: dict[str, Tensor] = {}
    return collapsed(
        **seen(Function(lambda inputs: cache.setdefault("prompt", net(inputs)).clone()), a, b, labels=labels)
    )


# Shapes and inputs.


@case("wrong_dim")
def channels_first_features() -> Arguments:
    """Energies [N, channel, time], nearly constant in time: the default dim=-1 compares times, not channels."""
    x, y = torch.randn(2, 60, 40, 1).mul(1.5).exp() * (1 + 0.1 * torch.randn(2, 60, 40, 25))
    assert negative_cosine(x, y, dim=1) < 0.5
    return collapsed(x, y)


@case("wrong_dim")
def paragraphs_instead_of_topics() -> Arguments:
    """Topic shares [N, paragraph, topic] with dim=1, copied from code for [N, topic]."""
    topics = torch.distributions.Dirichlet(torch.full((30,), 0.3)).sample((2, 80))[:, :, None]
    x, y = topics * (1 + 0.15 * torch.randn(2, 80, 12, 30)).abs()
    assert negative_cosine(x, y) < 0.5
    return collapsed(x, y, dim=1)


@case("size_one_dim")
def cosine_of_scores() -> Arguments:
    """A verifier's probabilities [N, 1] compared as embeddings."""
    values, classes = standardised(table("breast_cancer")[0]), table("breast_cancer")[1]
    scores = F.softmax(classifier(encoder(30, 2), values, classes, 60)(values), -1)[:, 1:].detach()
    return collapsed(scores[:200], scores[200:400])


@case("scaled_copies")
def gain_is_the_only_augmentation() -> Arguments:
    """The second view of each signal is the first at another volume."""
    signals = torch.randn(200, 128)
    return collapsed(signals, signals * torch.rand(200, 1).add(0.2))


@case("scaled_copies", "rank_collapse")
def exposures_of_one_frame() -> Arguments:
    """A burst of one scene with different exposures only."""
    return collapsed(torch.linspace(0.1, 4, 100)[:, None] * digits()[7])


@case("constant_inputs")
def integer_division() -> Arguments:
    """uint8 images // 255 are all black."""
    return collapsed(**seen(encoder(), (digits() * 254).byte().floor_divide(255).float()))


@case("over_normalised_inputs", "constant_inputs")
def two_features_standardised_by_row() -> Arguments:
    """scale(X, axis=1) of petal length and width: the longer is always 1, the other -1."""
    petals = table("iris")[0][:, 2:]
    return collapsed(**seen(encoder(2), (petals - petals.mean(1, keepdim=True)) / petals.std(1, keepdim=True)))


@case("over_normalised_inputs", "layernorm_size_one")
def two_features_layer_normed() -> Arguments:
    """The same in the model: a LayerNorm(2) at the input makes different inputs equal."""
    return collapsed(**seen(nn.Sequential(nn.LayerNorm(2), *encoder(2)), table("iris")[0][:, 2:]))


@case("channel_or_range_mismatch", "batchnorm_misuse")
def trained_on_bytes_fed_fractions() -> Arguments:
    """A network with an input BatchNorm, trained on 0..255, is given images of 0..1."""
    values, classes = table("digits")
    return collapsed(
        **seen(classifier(nn.Sequential(nn.BatchNorm1d(64), *encoder()), values * 255, classes).eval(), digits())
    )


# Wrong itself: the arguments don't show the range in training, so over_normalised_inputs is as good an answer.
@case("channel_or_range_mismatch", "bias_dominates")
def divided_by_255_twice() -> Arguments:
    """Trained on 0..1, but at test time both ToTensor and the transform divide by 255."""
    return collapsed(**seen(classifier(encoder(), *table("digits")), digits() / 255))


@case("padding_dominates")
def mean_over_padding() -> Arguments:
    """Mean pooling forgot the attention mask."""
    return collapsed(**seen(MeanPooled(masked=False), sentences()))


@case("padding_dominates", "common_offset", "positive_only")
def digits_on_a_white_page() -> Arguments:
    """Pixels of 8 x 8 digits pasted on white 40 x 40 pages."""
    pages = F.pad(1 - digits().view(-1, 8, 8), (16,) * 4, value=1.0)
    return collapsed(pages.flatten(1), inputs=pages)


# The geometry of the embeddings.


@case("common_offset")
def anisotropic_embeddings() -> Arguments:
    """Sentence vectors around a mean vector of many times their spread, not centred."""
    return collapsed(torch.randn(250, 96) + 6 * torch.randn(96))


@case("common_offset", "positive_only", "rogue_dimension")
def iris_as_measured() -> Arguments:
    """The flowers' four lengths in cm, not centred."""
    return collapsed(table("iris")[0])


# Wrong itself: the network is untrained, so weights_not_loaded is as good an answer.
@case("positive_only", "common_offset")
def pooled_relu_maps() -> Arguments:
    """Global average pooling after two ReLU convolutions: no component can be negative."""
    convolutions = nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 128, 3), nn.ReLU()
    return collapsed(
        **seen(nn.Sequential(*convolutions, nn.AdaptiveAvgPool2d(1), nn.Flatten()), digits().view(-1, 1, 8, 8))
    )


@case("saturated_head")
def tanh_of_unscaled_features() -> Arguments:
    """Raw chemical measures, up to 1680, drive every tanh to one end."""
    return collapsed(**seen(nn.Sequential(nn.Linear(13, 64), nn.Tanh()), table("wine")[0]))


@case("saturated_head", "rogue_dimension")
def softmax_of_an_imbalanced_task() -> Arguments:
    """Class probabilities as embeddings, with 98 % of the training examples in one class."""
    values, classes = table("digits")
    rare = (torch.rand(len(classes)) < 0.02) * (classes % 3 + 1)
    return collapsed(
        **seen(nn.Sequential(*classifier(encoder(outputs=4), values, rare, 100, 1e-2), nn.Softmax(-1)), digits())
    )


@case("dead_units", "bias_dominates")
def relus_killed_by_one_step() -> Arguments:
    """SGD on unscaled features: the first steps kill all hidden units."""
    (inputs, classes), model = table("breast_cancer"), encoder(30, 8)
    optimiser = torch.optim.SGD(model.parameters(), 1.0)
    for _ in range(3):
        optimiser.zero_grad()
        F.cross_entropy(model(inputs), classes).backward()
        optimiser.step()
    return collapsed(**seen(model, inputs))


@case("bias_dominates")
def head_drawn_too_small() -> Arguments:
    """The head's weights are drawn with std 1e-3, its bias with PyTorch's default."""
    head = nn.Linear(64, 32)
    nn.init.normal_(head.weight, std=1e-3)
    return collapsed(**seen(nn.Sequential(nn.Linear(64, 64), nn.ReLU(), head), digits()))


@case("rogue_dimension", "common_offset")
def wine_as_measured() -> Arguments:
    """Thirteen chemical measures; proline is in the hundreds and more."""
    values, classes = table("wine")
    return collapsed(values, labels=classes)


@case("rogue_dimension", "common_offset")
def a_timestamp_among_the_features() -> Arguments:
    """Standardised features, plus a timestamp in seconds since 1970."""
    features = standardised(table("breast_cancer")[0])
    return collapsed(torch.cat([features, 1.7e9 + 1e6 * torch.rand(len(features), 1)], 1))


@case("duplicate_rows")
def mostly_unknown_words() -> Arguments:
    """A lower-case vocabulary looked up by capitalised words: 99 % fall back to the vector of <unk>."""
    return collapsed(torch.randn(300, 50)[torch.where(torch.rand(300) < 0.99, 0, torch.arange(300))])


@case("rank_collapse")
def blown_up_from_two_components() -> Arguments:
    """64 dimensions by name, but the bottleneck before the last layer has two, and not because of few classes."""
    model = nn.Sequential(nn.Linear(64, 2, bias=False), nn.Linear(2, 64, bias=False))
    assert torch.linalg.matrix_rank(model(digits())) == 2
    return seen(model, standardised(digits()))


@case("rank_collapse", "common_offset", "scaled_copies")
def attention_without_skips() -> Arguments:
    """Eight self-attention layers without residuals: all the tokens of a text become one vector."""
    tokens = torch.randn(200, 32)
    for query, key, value in torch.randn(8, 3, 32, 32) / 32**0.5:
        tokens = F.softmax(tokens @ query @ key.T @ tokens.T / 32**0.5, -1) @ tokens @ value
    return collapsed(tokens)


# Layers, weights and training.


@case("batchnorm_misuse", "rogue_dimension")
def momentum_of_the_other_framework() -> Arguments:
    """momentum=0.9999 was meant; with 0.0001, eval() uses nearly the initial running statistics."""
    model, wine = nn.Sequential(nn.BatchNorm1d(13, momentum=1e-4), *encoder(13)), table("wine")
    classifier(nn.Sequential(model, nn.ReLU(), nn.Linear(32, 3)), *wine)
    usable(model(wine[0]))
    return collapsed(**seen(model.eval(), wine[0]))


@case("batchnorm_misuse", "channel_or_range_mismatch")
def statistics_of_a_raw_warm_up() -> Arguments:
    """A warm-up on unscaled images after training has overwritten the running statistics."""
    model = nn.Sequential(nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 32))
    classifier(model, *table("digits"))
    for values in table("digits")[0].split(200):
        model(255 * values)
    return collapsed(**seen(model.eval(), digits()))


@case("layernorm_size_one")
def layer_norm_of_a_trailing_axis() -> Arguments:
    """LayerNorm(1) on [N, 32, 1], where LayerNorm(32) was meant before the unsqueeze."""
    norm = nn.Unflatten(1, (32, 1)), nn.LayerNorm(1), nn.Flatten()
    return collapsed(**seen(nn.Sequential(nn.Linear(64, 32), *norm, *encoder(32)), digits()))


@case("weights_not_loaded")
def state_dict_of_data_parallel() -> Arguments:
    """strict=False skipped every key, since the checkpoint's begin with "module."."""
    trained, model = (nn.Sequential(*(encoder(outputs=64) for _ in range(3)), nn.Linear(64, 32)) for _ in range(2))
    classifier(trained, *table("digits"))
    weights = {f"module.{key}": value for key, value in trained.state_dict().items()}
    model.load_state_dict(weights, strict=False)
    return collapsed(**seen(model, digits(), weights=weights))


@case("training_collapse", "no_negatives")
def simsiam_without_stop_gradient() -> Arguments:
    """Two noisy views are pulled together from both sides, with neither predictor nor stop-gradient."""
    a, b = digits() + 0.3 * torch.randn(2, 300, 64)
    report = siamese(lambda x, y, labels=None: -cosine_similarity(x, y).mean(), (a, b, torch.ones(300)))
    assert negative_cosine(report["x"]) > 0.95
    return {**report, "labels": None, "loader": batched(a, b)}


# Wrong itself: this collapse also kills every hidden ReLU, so dead_units is as good an answer.
@case("training_collapse")
def triplets_of_scrambled_labels() -> Arguments:
    """Batch-hard triplets with shuffled labels: the loss is least when all embeddings are equal."""
    (values, classes), model = table("digits"), encoder()
    classes = classes[torch.randperm(len(classes))]

    def batch_hard(inputs: Tensor, classes: Tensor) -> Tensor:
        distances, positive = torch.cdist(model(inputs), model(inputs) + 1e-6), classes[:, None] == classes
        return F.relu((distances * positive).amax(1) - (distances + 1e6 * positive).amin(1) + 0.2).mean()

    fit(model, batch_hard, batched(values, classes, size=100), 250, 1e-2)
    return collapsed(**seen(model, digits(), labels=classes[:300]))


@case("no_negatives", "training_collapse")
def only_genuine_pairs() -> Arguments:
    """The sampler makes positive pairs only, so a constant minimises the contrastive loss."""
    a, b, labels = digit_pairs(800)
    positive = labels > 0
    report = siamese(hinge, (a[positive], b[positive], labels[positive]), of_cosines=True)
    assert negative_cosine(report["x"]) >= 0.95
    return report


@case("label_convention", "training_collapse")
def zeros_for_cosine_embedding_loss() -> Arguments:
    """F.cosine_embedding_loss wants 1 and -1; negative pairs of label 0 cost nothing."""
    return collapsed(**siamese(F.cosine_embedding_loss, digit_pairs()))


@case("label_convention", "training_collapse")
def minus_ones_for_a_mask_of_zeros() -> Arguments:
    """The loss picks its negatives by labels == 0, and the data set says -1."""
    a, b, labels = digit_pairs()

    def loss(cosines: Tensor, labels: Tensor) -> Tensor:
        return ((1 - cosines) * (labels == 1) + F.relu(cosines) * (labels == 0)).mean()

    return collapsed(**siamese(loss, (a, b, 2 * labels - 1), of_cosines=True))


@case("learning_rate_too_high", "training_collapse", "dead_units")
def adam_with_the_rate_of_sgd() -> Arguments:
    """A sound contrastive loss on distances, but Adam has the learning rate 1.0 that was tuned for SGD."""
    pairs = digit_pairs()

    def loss(x: Tensor, y: Tensor, labels: Tensor) -> Tensor:
        distances = F.pairwise_distance(x, y)
        return torch.where(labels > 0, distances, F.relu(1 - distances)).square().mean()

    usable(**siamese(loss, pairs, steps=200, lr=1e-3))
    return collapsed(**siamese(loss, pairs, steps=200, lr=1.0), learning_rate=1.0)


# Scores and numbers.


@case("squashed_similarity")
def sigmoid_of_the_cosine() -> Arguments:
    """Sound embeddings, but the score is a sigmoid of the cosine: between 0.27 and 0.73 for every pair."""
    report = siamese(hinge, digit_pairs(), of_cosines=True, steps=300, lr=3e-3)
    return usable(**report, similarity=lambda x, y: torch.sigmoid(cosine_similarity(x, y)))


@case("low_precision_ties")
def near_duplicates_in_bfloat16() -> Arguments:
    """Near-duplicates of unlike rows, to be ranked by cosines of 0.9985 to 1: bfloat16 has no number in between."""
    x = torch.randn(200, 256)
    y = x + torch.rand(200, 1) * 0.05 * torch.randn(200, 256)
    assert cosine_similarity(x.bfloat16(), y.bfloat16()).unique().numel() <= 4
    return collapsed(x.bfloat16(), y.bfloat16())


@case("overflow")
def half_precision_norms() -> Arguments:
    """Unnormalised float16 activations of about 6000: the norm of 512 of them is beyond 65504."""
    x, y = (torch.randn(2, 100, 512) * 6000).half()
    assert x.isfinite().all()
    assert not (cosine_similarity(x, x) > 0.5).any()
    return {"x": x, "y": y}


@case("underflow_or_eps")
def norms_below_eps() -> Arguments:
    """Densities of about 1e-12: the norms are below the eps of 1e-8, so even a row with itself has cosine 0."""
    x = torch.randn(150, 64) * 1e-12
    assert cosine_similarity(x, x).max() < 0.01
    return {"x": x}


@case("nan_or_zero_rows")
def documents_without_known_words() -> Arguments:
    """Normalised word counts; a third of the documents has no word of the vocabulary: 0 / 0."""
    counts = torch.poisson(torch.full((150, 80), 0.3)) * (torch.arange(150) % 3 > 0)[:, None]
    return {"x": counts / counts.norm(dim=1, keepdim=True)}


# Nothing is wrong.


@case("healthy")
def standardised_pixels() -> Arguments:
    """Digits standardised by pixel."""
    return usable(standardised(digits()))


@case("healthy")
def two_halves_of_one_tensor() -> Arguments:
    """x and y are slices of one storage that do not overlap."""
    values = standardised(table("breast_cancer")[0])
    return usable(values[:250], values[250:500])


@case("healthy")
def a_sound_siamese_network() -> Arguments:
    """Trained well, with all arguments: loader, loss, weights, learning rate."""
    report = siamese(hinge, digit_pairs(), of_cosines=True, steps=300, lr=3e-3)
    return usable(**report, weights=report["model"].state_dict(), learning_rate=3e-3, similarity=cosine_similarity)


@case("healthy")
def three_classes_three_directions() -> Arguments:
    """Embeddings of a well trained classifier: about one direction per class, as intended."""
    (values, classes), net = table("iris"), encoder(4, 16)
    classifier(nn.Sequential(net, nn.Linear(16, 3)), standardised(values), classes, 300, 1e-2)
    return usable(**seen(net, standardised(values), labels=classes))


@case("healthy")
def genuine_pairs_are_alike() -> Arguments:
    """An evaluation of positive pairs alone: cosines are near 1, rightly, but other rows differ."""
    x = standardised(digits())
    return usable(x, x + 0.1 * torch.randn_like(x), labels=torch.ones(len(x)))


@case("healthy")
def unit_vectors_in_half_precision() -> Arguments:
    """An index of float16 unit vectors."""
    return usable(normalize(standardised(digits())).half())


@case("healthy")
def sparse_relu_features() -> Arguments:
    """A ReLU head of zero-mean units: nothing negative, but half of it zero."""
    return usable(**seen(nn.Sequential(nn.Linear(64, 128), nn.ReLU()), standardised(digits())))


@case("healthy")
def somewhat_anisotropic() -> Arguments:
    """A mean cosine of about 0.7 is common for language models, and still separates rows."""
    return usable(torch.randn(250, 96) + 1.5 * torch.randn(96))


@case("healthy")
def padding_left_out() -> Arguments:
    """Heavily padded sentences, but the mean uses the mask."""
    return usable(**seen(MeanPooled(masked=True), sentences()))


@case("healthy")
def batchnorm_as_it_should_be() -> Arguments:
    """Raw wine data, through a BatchNorm with settled statistics in eval()."""
    values, classes = table("wine")
    model = classifier(nn.Sequential(nn.BatchNorm1d(13), *encoder(13, 3)), values, classes).eval()
    return usable(**seen(model, values, labels=classes))


@case("healthy")
def a_tenth_is_duplicated() -> Arguments:
    """Word counts weighted by rarity, with a tenth of the texts duplicated."""
    counts = torch.poisson(torch.logspace(0, -2, 200).expand(200, 200))
    counts = torch.cat([counts, counts[:20]])
    return usable(counts * (len(counts) / (1 + (counts > 0).sum(0))).log())


@case("healthy")
def confident_probabilities() -> Arguments:
    """Ten class probabilities, nearly one-hot: saturated, but to ten different corners."""
    model = nn.Sequential(*classifier(encoder(outputs=10), *table("digits"), 300, 1e-2), nn.Softmax(-1))
    return usable(**seen(model, digits(), labels=table("digits")[1][:300]))


# Useless, for a reason unknown to the tool.


@case("unknown")
def negatives_that_are_none() -> Arguments:
    """Pairs of one digit by different writers are labelled negative, but the embedding ignores writers."""
    x, classes = class_embeddings()
    order = classes.argsort(stable=True)
    return collapsed(x[order[:-2:2]], x[order[2::2]], labels=(torch.arange(898) % 2).float())


@case("unknown")
def learnt_the_camera() -> Arguments:
    """The embedding separates cameras, not people; negative pairs come from one camera."""
    x, y = torch.randn(30, 64).repeat(8, 1) + 0.1 * torch.randn(2, 240, 64)
    return collapsed(x, y, labels=(torch.arange(240) % 2).float())


@case("unknown", "carried_over")
def neighbouring_windows() -> Arguments:
    """Negative pairs are windows of a slow signal that start one sample apart."""
    signal = F.avg_pool1d(torch.randn(1, 20_000), 41, 1)[0]
    starts = torch.arange(150)[:, None] * 120 + torch.arange(96)
    return collapsed(signal[starts], signal[starts + 1], labels=torch.zeros(150))


@case("unknown", "squashed_similarity", "padding_dominates")
def late_interaction_with_cls() -> Arguments:
    """The best match over all tokens' pairs: both texts have the same [CLS] vector, so it is 1."""
    x, y = torch.randn(2, 100, 12, 48)
    x[:, 0] = y[:, 0] = torch.randn(48)

    def best_match(x: Tensor, y: Tensor) -> Tensor:
        tokens, others = (normalize(rows.unflatten(1, (12, 48)), dim=-1) for rows in (x, y))
        return (tokens @ others.mT).flatten(1).amax(1)

    x, y = x.flatten(1), y.flatten(1)
    assert best_match(x, y).min() > 0.999
    return {"x": x, "y": y, "labels": (torch.arange(100) % 2).float(), "similarity": best_match}


@case("unknown", "squashed_similarity")
def best_of_the_batch() -> Arguments:
    """By mistake, a pair's score is x's best cosine with any y of the batch."""
    embeddings, classes = class_embeddings()
    x, y, labels = embeddings[:300], embeddings[300:600], (classes[:300] == classes[300:600]).float()

    def best(x: Tensor, y: Tensor) -> Tensor:
        return (normalize(x) @ normalize(y).T).amax(1)

    assert best(x, y)[labels < 1].mean() > 0.95
    return usable(x, y, labels=labels, similarity=best)


@case("unknown", "duplicate_rows")
def cut_off_behind_the_prompt() -> Arguments:
    """The model keeps eight tokens: those of the prompt that begins all texts."""
    net, ids = MeanPooled(masked=True), torch.randint(1, 500, (200, 48))
    ids[:, :8] = torch.arange(1, 9)
    return collapsed(**seen(Function(lambda ids: net(ids[:, :8])), ids))


@case("unknown", "duplicate_rows")
def one_code_for_all() -> Arguments:
    """A vector quantiser that uses one code only: its codes are much further apart than the data."""
    codes, net = 20 * torch.randn(64, 32), encoder()
    return collapsed(**seen(Function(lambda inputs: codes[torch.cdist(net(inputs), codes).argmin(1)]), digits()))


@case("unknown", "label_convention", "training_collapse")
def distance_labels() -> Arguments:
    """The loss takes 1 for "different", the data set for "positive": negative pairs are pulled together."""
    return collapsed(**siamese(lambda cosines, labels: hinge(cosines, 1 - labels), digit_pairs(150), of_cosines=True))


def run(name: str) -> tuple[str, list[str], str]:
    """The verdict on a case, the causes, and "right", "accepted" or "wrong"."""
    torch.manual_seed(0)
    arguments = CASES[name].build()
    if "loader" in arguments:  # diagnose takes a loader instead of arrays
        arguments = {key: value for key, value in arguments.items() if key not in ARRAYS}
    try:
        answer = diagnose(**arguments)
    except DiagnosisError as error:
        return "refused", [str(error)], "wrong"
    except Exception as error:
        return "crashed", [f"{type(error).__name__}: {error}"], "wrong"
    causes = [cause.name for cause in answer.causes]
    first = causes[0] if answer.verdict == "cause" and causes else answer.verdict
    mark = "right" if first == CASES[name].expected else "accepted" if first in CASES[name].accepted else "wrong"
    return answer.verdict, causes, mark


def main(names: Iterable[str]) -> None:
    torch.set_num_threads(1)
    totals: dict[str, Counter[str]] = {}
    for name in names:
        expected = CASES[name].expected
        verdict, causes, mark = run(name)
        totals.setdefault(expected if expected in ("healthy", "unknown") else "cause", Counter())[mark] += 1
        print(f"{name:43} {expected:26} {verdict:8} {', '.join(causes[:2]):46} {mark}")
    for kind, marks in totals.items():
        print(f"{kind}: {marks['right']} right, {marks['accepted']} accepted, {marks['wrong']} wrong")


def chosen(prog: str, about: str, cases: list[str]) -> list[str]:
    """The cases that the command line names, or all."""
    parser = Command(prog, about, {"": "all cases, in minutes", cases[-1]: "one of them"})
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these cases (default: all)")
    names: list[str] = parser.parse_args().names
    for name in names:
        if name not in cases:
            parser.error(f"no case {name!r}{did_you_mean(name, cases)}")
    return names or cases


if __name__ == "__main__":
    main(chosen("python -m tests.benchmarks.bench_blind", __doc__, list(CASES)))
