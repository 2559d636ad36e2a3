"""A third set of blind cases for `diagnosis`, written from its interface alone.

Models and data are as users have them: images, texts, series, spectra, counts, tables, codes, two towers. The expected
answers are fixed before the first run and stay. `bench_blind_third.txt` keeps the table of that run as it came.
"""

import copy
import itertools
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import torch
from sklearn import datasets
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.functional import cosine_similarity, normalize

from tests.benchmarks.bench_blind import (
    CASES,
    Arguments,
    Function,
    batched,
    case,
    chosen,
    classifier,
    collapsed,
    digit_pairs,
    digits,
    encoder,
    fit,
    hinge,
    main,
    negative_cosine,
    seen,
    siamese,
    standardised,
    table,
    usable,
)

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
WORDS = 800
LENGTH = 64


def fixed(make: Callable[..., Any]) -> Callable[..., Any]:
    """Makes each thing once, from seed 0 whatever came before, and hands out copies."""

    @lru_cache
    def once(*settings: Any) -> Any:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return make(*settings)

    return lambda *settings: copy.deepcopy(once(*settings))


# Data.


@fixed
def photos() -> tuple[Tensor, Tensor]:
    """Patches [300, 3, 16, 16] of two photographs, in bytes as floats; the class is the photograph and its half."""
    pictures = torch.stack([torch.tensor(image.copy()) for image in datasets.load_sample_images().images])
    cells = F.avg_pool2d(pictures.permute(0, 3, 1, 2)[:, :, :416].float(), 2).unfold(2, 16, 16).unfold(3, 16, 16)
    cells = cells.permute(0, 2, 3, 1, 4, 5)
    classes = 2 * torch.arange(2)[:, None, None] + (torch.arange(13) > 6)[:, None] + torch.zeros(20, dtype=torch.long)
    order = torch.randperm(classes.numel())[:300]
    return cells.flatten(0, 2)[order].round(), classes.flatten()[order]


@fixed
def texts() -> tuple[Tensor, Tensor]:
    """Token ids [240, 64] of 4 to 9 words from descriptions of data sets, padded by 0; the class is the data set."""
    names = "iris", "wine", "breast_cancer", "diabetes", "digits"
    words = [re.findall("[a-z]+", getattr(datasets, f"load_{name}")().DESCR.lower()) for name in names]
    ids = {word: 2 + i for i, word in enumerate(dict.fromkeys(word for text in words for word in text))}
    rows, classes = torch.zeros(240, LENGTH, dtype=torch.long), torch.arange(240) % len(names)
    for row, kind in zip(rows, classes, strict=True):
        length = int(torch.randint(4, 10, ()))
        start = int(torch.randint(len(words[kind]) - length, ()))
        row[:length] = torch.tensor([ids[word] % WORDS for word in words[kind][start : start + length]])
    return rows, classes


@fixed
def series(kelvin: bool = False) -> tuple[Tensor, Tensor]:
    """Temperatures [240, 1, 48] of days in four kinds of weather, in degrees Celsius or in Kelvin; and the kind."""
    kinds, hours = torch.arange(240) % 4, torch.arange(48) / 48 * 2 * torch.pi
    swing = torch.tensor([2.0, 8.0, 5.0, 3.0])[kinds, None] * (1 + 0.3 * torch.randn(240, 1))
    phase = torch.tensor([0.0, 0.0, 2.0, 4.0])[kinds, None]
    days = 12 + 3 * torch.randn(240, 1) + swing * torch.sin(hours + phase) + 0.5 * torch.randn(240, 48)
    return (days + 273.15 * kelvin)[:, None], kinds


def spectra(count: int = 200, points: int = 120) -> Tensor:
    """Absorbances of mixtures: four bands of random height at each row."""
    centres, axis = torch.rand(count, 4, 1) * points, torch.arange(points)
    return (torch.rand(count, 4, 1) * torch.exp(-(((axis - centres) / 5) ** 2))).sum(1)


# Models.


def headed(net: nn.Module, values: Tensor, classes: Tensor, steps: int = 60, lr: float = 3e-3) -> nn.Module:
    """The network, trained below a linear classifier of its outputs that is then thrown away."""
    with torch.no_grad():
        width = net(values[:4]).shape[-1]
    classifier(nn.Sequential(net, nn.Linear(width, int(classes.max()) + 1)), values, classes, steps, lr)
    return net


def cnn(channels: int = 3, last: nn.Module | None = None, norm: bool = True) -> nn.Sequential:
    """Two convolutions with batch normalisation, pooled, and a linear layer to 32 outputs."""
    layers: list[nn.Module] = []
    for width_in, width in ((channels, 16), (16, 32)):
        layers += [nn.Conv2d(width_in, width, 3, 2, 1), nn.BatchNorm2d(width) if norm else nn.Identity(), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), last or nn.Linear(32, 32))


def imagenet(raw: Tensor) -> Tensor:
    return (raw / 255 - MEAN) / STD


@fixed
def photo_cnn(scale: str = "imagenet") -> nn.Module:
    """A network for patches, trained on them in one scale: "imagenet", "half", "unit", "bytes" or "own"."""
    raw, classes = photos()
    return headed(cnn(), scaled(raw, scale), classes).eval()


def scaled(raw: Tensor, scale: str) -> Tensor:
    own = (raw - raw.mean((1, 2, 3), keepdim=True)) / (raw.std((1, 2, 3), keepdim=True) + 1e-6)
    ways = {"imagenet": imagenet(raw), "half": (raw / 255 - 0.5) / 0.5, "unit": raw / 255, "bytes": raw, "own": own}
    return ways[scale]


class TextEncoder(nn.Module):
    """A transformer over token ids, pooled over the tokens, or the state of the last position."""

    def __init__(self, masked: bool = True, pool: str = "mean", dropout: float = 0.1) -> None:
        super().__init__()
        self.masked, self.pool = masked, pool
        self.tokens, self.positions = nn.Embedding(WORDS, 48), nn.Embedding(LENGTH, 48)
        nn.init.normal_(self.positions.weight, std=0.02)
        layer = nn.TransformerEncoderLayer(48, 4, 96, dropout, batch_first=True)
        self.layers = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)

    def forward(self, ids: Tensor) -> Tensor:
        padding = ids == 0
        states = self.tokens(ids) + self.positions.weight[: ids.shape[1]]
        states = self.layers(states, src_key_padding_mask=padding if self.masked else None)
        if self.pool == "last":
            return states[:, -1]
        kept = (~padding | (not self.masked)).float()[..., None]
        return (states * kept).sum(1) / kept.sum(1).clamp(min=1)


@fixed
def text_encoder() -> nn.Module:
    """A text encoder with masks, trained to tell the data sets apart."""
    ids, classes = texts()
    return headed(TextEncoder(), ids[:, :10], classes, steps=40).eval()


def changed(model: nn.Module, **settings: Any) -> nn.Module:
    for name, value in settings.items():
        setattr(model, name, value)
    return model


class Recurrent(nn.Module):
    """The last state of a GRU over token ids or over [N, 1, T] series."""

    def __init__(self, words: int = 0, batch_first: bool = True) -> None:
        super().__init__()
        self.tokens = nn.Embedding(words, 24) if words else None
        self.gru = nn.GRU(24 if words else 1, 32, batch_first=batch_first)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.gru(self.tokens(inputs) if self.tokens else inputs.mT)[0][:, -1]


def series_net() -> nn.Sequential:
    return nn.Sequential(nn.Conv1d(1, 16, 5, 2), nn.ReLU(), nn.Conv1d(16, 32, 5, 2), nn.ReLU(), *pooled(1), head())


def pooled(dims: int) -> tuple[nn.Module, nn.Module]:
    return (nn.AdaptiveAvgPool1d if dims == 1 else nn.AdaptiveAvgPool2d)(1), nn.Flatten()


def head() -> nn.Module:
    return nn.Linear(32, 32)


class Tower(nn.Module):
    """An embedding table and two layers: ids in, vectors out."""

    def __init__(self, rows: int, width: int = 32) -> None:
        super().__init__()
        self.table = nn.Embedding(rows, width)
        self.layers = nn.Sequential(nn.Linear(width, 64), nn.ReLU(), nn.Linear(64, 32))

    def forward(self, ids: Tensor) -> Tensor:
        return self.layers(self.table(ids))


def ratings(count: int = 400) -> tuple[Tensor, Tensor, Tensor]:
    """Ids of users and items, and 1 where the user likes the item: a matter of five hidden tastes."""
    tastes, traits = torch.randn(80, 5), torch.randn(60, 5)
    users, items = torch.randint(80, (count,)), torch.randint(60, (count,))
    return users, items, ((tastes[users] * traits[items]).sum(1) > 0).float()


def two_towers(loss: Callable[[Tensor, Tensor], Tensor], steps: int = 150, lr: float = 3e-3) -> Arguments:
    """Both sides and the labels, from towers trained with loss(cosines, labels)."""
    users, items, labels = ratings()
    towers = nn.ModuleList([Tower(80), Tower(60)])
    batches = batched(users, items, labels, size=200)

    def objective(users: Tensor, items: Tensor, labels: Tensor) -> Tensor:
        return loss(cosine_similarity(towers[0](users), towers[1](items)), labels)

    fit(towers, objective, batches, steps, lr)
    with torch.no_grad():
        return {"x": towers[0](users), "y": towers[1](items), "labels": labels}


def each_side_is_a_point(x: Tensor, y: Tensor, labels: Tensor | None = None) -> Arguments:
    """The arguments; asserts that each side is one point, and that the two are apart."""
    assert min(negative_cosine(x), negative_cosine(y)) >= 0.95
    assert abs(cosine_similarity(x, y).mean()) < 0.9
    return {"x": x, "y": y} if labels is None else {"x": x, "y": y, "labels": labels}


def trained_pairs(
    model: nn.Module, loss: Callable[..., Tensor], pairs: tuple[Tensor, ...], steps: int = 150, lr: float = 1e-2
) -> Arguments:
    """Arguments from a network trained on pairs with loss(x, y, labels): model, loader and loss."""
    batches = batched(*pairs, size=100)
    fit(model, lambda a, b, labels: loss(model(a), model(b), labels), batches, steps, lr)
    return seen(model.eval(), *pairs[:2], labels=pairs[2], loader=batches, loss=loss)


def photo_pairs(count: int = 300) -> tuple[Tensor, Tensor, Tensor]:
    raw, classes = photos()
    first, second = torch.randint(len(raw), (2, count))
    return imagenet(raw)[first], imagenet(raw)[second], (classes[first] == classes[second]).float()


# Both sides are the same data.


@case("same_tensor", "shared_storage")
def items_assigned_to_users() -> Arguments:
    """The item tower's output is assigned to both names in one line."""
    users = items = Tower(60)(torch.randint(60, (200,))).detach()
    return collapsed(users, items, labels=(torch.rand(200) < 0.5).float())


@case("same_tensor", "same_sample_twice", "carried_over", "cached_buffer")
def teacher_is_the_student() -> Arguments:
    """The teacher is the student's own object, not a copy, so both give equal outputs for a batch."""
    student = photo_cnn()
    teacher = student
    images = imagenet(photos()[0])
    with torch.no_grad():
        return collapsed(student(images), teacher(images))


@case("shared_storage", "same_tensor")
def one_out_buffer_for_both() -> Arguments:
    """Both products are written to the same `out` buffer, and each result is a view of it."""
    a, b, _ = digit_pairs()
    weights, buffer = torch.randn(64, 32), torch.empty(400, 32)
    x = torch.mm(a, weights, out=buffer)[:]
    y = torch.mm(b, weights, out=buffer)[:]
    return collapsed(x, y)


@case("shared_storage", "same_tensor")
def model_writes_its_output_into_the_batch() -> Arguments:
    """The model normalises in place and returns its input, which the loader refills for the second side."""
    model = Function(lambda batch: batch.sub_(batch.mean(1, keepdim=True)).div_(batch.norm(dim=1, keepdim=True)))
    a, b, labels = digit_pairs()
    batch = torch.empty_like(a)
    x = model(batch.copy_(a))
    y = model(batch.copy_(b))
    return collapsed(x, y, labels=labels)


@case("shared_storage", "same_tensor")
def sides_of_an_expanded_tensor() -> Arguments:
    """expand(2, ...) makes room for both sides, without memory for the second."""
    both = text_encoder()(texts()[0]).detach().expand(2, -1, -1)
    return collapsed(*both.unbind())


@case("carried_over", "cached_buffer")
def last_epochs_gallery() -> Arguments:
    """The gallery is the query batch's features from the epoch before, though its inputs are others."""
    (a, b, labels), model = photo_pairs(), photo_cnn()
    gallery = model(a).detach().clone()
    loss = nn.CosineEmbeddingLoss()
    fit(model, lambda a, b, t: loss(model(a), model(b), 2 * t - 1), [(a, b, labels)], 2, 1e-4)
    return collapsed(**{**seen(model, a, b, labels=labels), "y": gallery})


@case("carried_over", "same_sample_twice")
def previous_frame_as_the_partner() -> Arguments:
    """A streaming loop keeps the last embedding as the partner, so each row meets the one before it."""
    walk = torch.randn(2000, 64).cumsum(0)[1000:1300]
    walk = standardised(F.avg_pool1d(walk.T, 9, 1).T)
    x, y = walk[1:], walk[:-1]
    assert negative_cosine(x) < 0.5
    return collapsed(x, y.clone(), labels=torch.zeros(len(x)))


@case("same_sample_twice")
def random_crop_of_the_whole_image() -> Arguments:
    """The crop is as large as the image, so both "views" are the same, and they are labelled as negatives."""
    images, model = imagenet(photos()[0]), photo_cnn()
    return collapsed(**seen(model, images, images.clone(), labels=torch.zeros(len(images))))


@case("same_sample_twice", "same_tensor")
def partner_shifted_by_zero() -> Arguments:
    """roll(ids, shift) draws the partner, and the shift is 0."""
    ids = texts()[0]
    other, model = ids.roll(0, 0), text_encoder()
    return collapsed(**seen(model, ids, other, loader=batched(ids, other, torch.zeros(len(ids)))))


@case("cached_buffer")
def cache_by_the_shape() -> Arguments:
    """Outputs are cached by the shape of the batch, and all batches have the same."""
    net, known = photo_cnn(), {}

    def embed(images: Tensor) -> Tensor:
        if images.shape not in known:
            known[images.shape] = net(images)
        return known[images.shape].clone()

    return collapsed(**seen(Function(embed), *photo_pairs()[:2], labels=photo_pairs()[2]))


class Prototypes(nn.Module):
    """Returns features that are stored at the first call."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net
        self.register_buffer("stored", torch.empty(0))

    def forward(self, inputs: Tensor) -> Tensor:
        if not self.stored.numel():
            self.stored = self.net(inputs).detach()
        return self.stored


@case("cached_buffer", "shared_storage", "same_tensor")
def buffer_filled_once() -> Arguments:
    """The model stores its first output in a registered buffer and returns that ever after."""
    a, b, labels = digit_pairs()
    return collapsed(**seen(Prototypes(headed(encoder(), *table("digits"))), a, b, labels=labels))


# Shapes and inputs.


@case("wrong_dim")
def frames_instead_of_features() -> Arguments:
    """Clips [N, frame, feature] with dim=1: the features are positive and change little from frame to frame."""
    x, y = torch.randn(2, 120, 1, 48).mul(1.5).exp() * (1 + 0.08 * torch.randn(2, 120, 10, 48))
    assert negative_cosine(x, y) < 0.5
    return collapsed(x, y, dim=1)


@case("wrong_dim")
def rows_of_a_feature_map() -> Arguments:
    """Maps [N, channel, 4, 4] of energies, compared with dim=-1, along the width of the map."""
    x, y = torch.randn(2, 60, 32, 1, 1).mul(1.5).exp() * (1 + 0.15 * torch.randn(2, 60, 32, 4, 4)).abs()
    assert negative_cosine(x, y, dim=1) < 0.5
    return collapsed(x, y)


@case("size_one_dim")
def prices_as_embeddings() -> Arguments:
    """A regression with one output: all predictions are positive, so every cosine is 1."""
    values, target = standardised(table("diabetes")[0]), table("diabetes")[1].float()
    model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1), nn.Softplus())
    batches = batched(values, target[:, None], size=221)
    fit(model, lambda v, t: F.mse_loss(model(v), t / 100), batches, 200, 1e-2)
    return collapsed(**seen(model, values))


@case("size_one_dim", "wrong_dim")
def probabilities_with_a_trailing_axis() -> Arguments:
    """Class probabilities [N, 10, 1] are compared over the last axis, which a broadcast needed."""
    model = nn.Sequential(*classifier(encoder(outputs=10), *table("digits")), nn.Softmax(-1))
    a, b, labels = digit_pairs()
    with torch.no_grad():
        return collapsed(model(a)[..., None], model(b)[..., None], labels=labels)


@case("size_one_dim")
def score_of_each_pair() -> Arguments:
    """A verifier's score [N, 1] is taken for an embedding; nearly all scores are positive."""
    x, y = torch.randn(2, 200, 1) + 3
    return collapsed(x, y, labels=(torch.arange(200) % 2).float())


@case("scaled_copies", "rank_collapse")
def one_unit_before_the_embedding() -> Arguments:
    """A bottleneck of one ReLU unit without biases leaves the rows nothing but their length."""
    narrow = nn.Linear(64, 1, bias=False)
    nn.init.uniform_(narrow.weight, 0, 0.1)
    return collapsed(**seen(nn.Sequential(narrow, nn.ReLU(), nn.Linear(1, 32, bias=False)), digits()))


@case("scaled_copies", "constant_inputs", "rank_collapse")
def one_substance_at_many_concentrations() -> Arguments:
    """By Beer and Lambert, the absorbance of one substance is its spectrum times its concentration."""
    return collapsed(spectra(1) * torch.logspace(-2, 0, 150)[:, None])


@case("constant_inputs")
def letterbox_cropped() -> Arguments:
    """The crop keeps the black border of letterboxed photographs only."""
    images = F.pad(photos()[0], (0, 0, 16, 16))[:, :, :16]
    return collapsed(**seen(photo_cnn(), imagenet(images)))


@case("constant_inputs")
def fractions_cast_to_integers() -> Arguments:
    """Features scaled to 0..1 are read as integers, hence all 0."""
    values, classes = table("breast_cancer")
    values = 0.99 * (values - values.amin(0)) / (values.amax(0) - values.amin(0))
    model = headed(encoder(30), values, classes)
    return collapsed(**seen(model, values.long().float()))


@case("constant_inputs")
def every_word_unknown() -> Arguments:
    """The vocabulary is lower-case and the texts are not, so all sentences of 12 words are twelve times <unk>."""
    return collapsed(**seen(text_encoder(), torch.ones(150, 12, dtype=torch.long)))


@case("over_normalised_inputs", "constant_inputs", "channel_or_range_mismatch")
def imagenet_in_both_scales() -> Arguments:
    """Normalised by ImageNet's mean and standard deviation for 0..1, then again by those for 0..255."""
    return collapsed(**seen(photo_cnn(), (imagenet(photos()[0]) - 255 * MEAN) / (255 * STD)))


@case("over_normalised_inputs", "constant_inputs", "channel_or_range_mismatch")
def halves_twice() -> Arguments:
    """ToTensor and Normalize(0.5, 0.5), and then the processor does it again with its own division by 255."""
    once = (photos()[0] / 255 - 0.5) / 0.5
    return collapsed(**seen(photo_cnn("half"), (once / 255 - 0.5) / 0.5))


@case("over_normalised_inputs", "channel_or_range_mismatch", "constant_inputs", "bias_dominates")
def divided_by_255_in_both_places() -> Arguments:
    """The data set divides by 255, and so does the transform."""
    return collapsed(**seen(photo_cnn("unit"), photos()[0] / 255 / 255))


@case("over_normalised_inputs", "constant_inputs", "channel_or_range_mismatch")
def per_image_and_then_imagenet() -> Arguments:
    """Each image is standardised by itself, then by ImageNet's constants for bytes."""
    return collapsed(**seen(photo_cnn(), (scaled(photos()[0], "own") - 255 * MEAN) / (255 * STD)))


@case("over_normalised_inputs", "constant_inputs")
def calibration_curves_standardised_each() -> Arguments:
    """Curves differ in level and gain, which standardising each curve by itself removes."""
    shape = torch.linspace(0, 3, 48).exp()
    curves = 5 * torch.randn(200, 1) + torch.rand(200, 1).add(0.5) * shape + 0.05 * torch.randn(200, 48)
    levels = (curves[:, 0] > 0).long()
    model = headed(encoder(48), standardised(curves), levels)
    each = (curves - curves.mean(1, keepdim=True)) / curves.std(1, keepdim=True)
    return collapsed(**seen(model, each))


class InPlace(nn.Module):
    """A network that divides its inputs by 255 in place before it reads them."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, images: Tensor) -> Tensor:
        return self.net(images.div_(255))


@case("over_normalised_inputs", "channel_or_range_mismatch", "constant_inputs", "bias_dominates")
def divided_in_place_at_each_call() -> Arguments:
    """The model divides its inputs by 255 in place, so the second epoch sees images that are nearly black."""
    model, images = InPlace(photo_cnn("unit")), photos()[0]
    with torch.no_grad():
        model(images)
        x = model(images)
    return collapsed(x, inputs=images, model=model)


@case("channel_or_range_mismatch", "batchnorm_misuse")
def fractions_for_a_network_of_bytes() -> Arguments:
    """A network with batch normalisation, trained on 0..255, gets images from ToTensor: 0..1."""
    return collapsed(**seen(photo_cnn("bytes"), photos()[0] / 255))


@case("channel_or_range_mismatch", "batchnorm_misuse")
def celsius_for_a_network_of_kelvin() -> Arguments:
    """Trained on temperatures in Kelvin, and given degrees Celsius."""
    net = headed(nn.Sequential(nn.BatchNorm1d(1), *series_net()), *series(True), steps=150).eval()
    usable(net(series(True)[0]))
    return collapsed(**seen(net, series()[0]))


@case("channel_or_range_mismatch")
def channels_last_for_channels_first() -> Arguments:
    """Bytes [N, 16, 16, 3] are reshaped to [N, 3, 16, 16], not permuted, and not scaled either."""
    raw = photos()[0].permute(0, 2, 3, 1).reshape(300, 3, 16, 16)
    return collapsed(**seen(photo_cnn(), raw))


@case("padding_dominates")
def attention_mask_not_passed() -> Arguments:
    """A transformer trained with masks is called without: 4 to 9 tokens and 55 or more paddings are pooled."""
    return collapsed(**seen(changed(text_encoder(), masked=False), texts()[0]))


@case("padding_dominates", "duplicate_rows")
def last_state_of_the_padding() -> Arguments:
    """The state of the last position is taken, as for padding on the left; on the right it is that of a padding."""
    ids, classes = texts()
    states = nn.Sequential(nn.Embedding(WORDS, 32), nn.Linear(32, 32), nn.GELU(), nn.Linear(32, 32))
    headed(nn.Sequential(states, Function(lambda steps: steps.mean(1))), ids[:, :4], classes)
    return collapsed(**seen(nn.Sequential(states, Function(lambda steps: steps[:, -1])), ids))


@case("padding_dominates")
def gru_runs_through_the_padding() -> Arguments:
    """The last state of a GRU comes after 55 paddings, by which time it has forgotten the text."""
    ids, classes = texts()
    model = headed(Recurrent(WORDS), ids[:, :4], classes)
    usable(model(ids[:, :4]))
    return collapsed(**seen(model, ids))


@case("padding_dominates", "constant_inputs")
def small_images_on_a_large_canvas() -> Arguments:
    """Photographs are padded to canvases of ten times their sides, over which the network averages."""
    return collapsed(**seen(photo_cnn(), F.pad(imagenet(photos()[0]), (72,) * 4)))


# The geometry of the embeddings.


@case("common_offset")
def temperatures_in_kelvin() -> Arguments:
    """Windows of raw temperatures: all are near 288 K, and the differences are of a few degrees."""
    return {"x": collapsed(series(True)[0].flatten(1))["x"].numpy()}


@case("common_offset", "positive_only")
def spectra_on_a_baseline() -> Arguments:
    """Absorbance spectra on the baseline of the solvent, which is the same for all."""
    return collapsed(spectra() + 2 + torch.linspace(1, 0, 120))


@case("common_offset", "positive_only")
def unsigned_codes_around_their_zero_point() -> Arguments:
    """Vectors quantised to unsigned bytes, compared without subtracting the zero point of 128."""
    codes = (128 + 20 * torch.randn(250, 96)).round().clamp(0, 255).byte()
    return collapsed(codes.float())


@case("common_offset", "scaled_copies")
def common_direction_with_unequal_norms() -> Arguments:
    """Frequent words are longer, and all words share one direction."""
    direction, norms = normalize(torch.randn(1, 64)), torch.randn(300, 1).exp()
    return collapsed(norms * (direction + 0.15 / 8 * torch.randn(300, 64)))


@case("positive_only", "common_offset")
def energies_of_filters() -> Arguments:
    """The mean of ReLU outputs over long recordings: each filter gives nearly the same for all."""
    net = nn.Sequential(nn.Conv1d(1, 16, 9, 2), nn.ReLU(), nn.Conv1d(16, 64, 9, 2), nn.ReLU(), *pooled(1))
    waves = torch.randn(120, 1, 400) * (1 + torch.sin(torch.rand(120, 1, 1) * torch.arange(400)))
    headed(net, waves, torch.arange(120) % 2, 10, 1e-4)
    with torch.no_grad():
        return collapsed(net(waves))


@case("positive_only", "common_offset")
def relu_states_of_long_documents() -> Arguments:
    """The mean of 250 tokens' ReLU states: no element is negative, and documents share most of their words."""
    states = nn.Sequential(nn.Embedding(WORDS, 64), nn.Linear(64, 96), nn.ReLU())
    ids, topics = torch.randint(WORDS, (150, 250)), torch.arange(150) % 3
    ids[:, :50] = torch.randint(50, (150, 50)) + 50 * topics[:, None]
    model = headed(nn.Sequential(states, Function(lambda tokens: tokens.mean(1))), ids, topics, 10, 1e-3)
    with torch.no_grad():
        return collapsed(model(ids), labels=topics)


@case("saturated_head")
def sigmoid_code_of_unscaled_features() -> Arguments:
    """An autoencoder's sigmoid code of features up to 4000: each unit is at 0 or 1 for nearly every row."""
    values = table("breast_cancer")[0]
    code = nn.Sequential(nn.Linear(30, 24), nn.Sigmoid())
    model = nn.Sequential(code, nn.Linear(24, 30))
    fit(model, lambda v: F.mse_loss(model(v), v), batched(values, size=100), 60, 1e-3)
    return collapsed(**seen(code, values))


@case("saturated_head")
def softmax_at_a_high_temperature() -> Arguments:
    """Probabilities distilled at temperature 50 are nearly uniform for every image."""
    net = classifier(encoder(outputs=10), *table("digits"))
    return collapsed(**seen(nn.Sequential(net, Function(lambda logits: logits / 50), nn.Softmax(-1)), digits()))


@case("saturated_head")
def tanh_behind_a_large_gain() -> Arguments:
    """Days in Kelvin go through a linear layer into a tanh: every unit is at one end."""
    return collapsed(**seen(nn.Sequential(nn.Flatten(), nn.Linear(48, 40), nn.Tanh()), series(True)[0]))


@case("dead_units", "bias_dominates", "training_collapse", "learning_rate_too_high")
def autoencoder_killed_by_its_first_steps() -> Arguments:
    """Steps of SGD at a far too large rate on raw features kill the hidden ReLUs."""
    values = table("wine")[0]
    model = nn.Sequential(nn.Linear(13, 64), nn.ReLU(), nn.Linear(64, 13))
    optimiser = torch.optim.SGD(model.parameters(), 1e-3)
    for _ in range(3):
        optimiser.zero_grad()
        F.mse_loss(model(values), values).backward()
        optimiser.step()
    model = nn.Sequential(*model[:2], nn.Linear(64, 32))
    assert not model[:2](values).any()
    return collapsed(**seen(model, values))


@case("dead_units", "positive_only")
def most_units_below_zero() -> Arguments:
    """The hidden layer's bias starts at a rare class's log prior times ten: three units of 64 are alive."""
    model = headed(nn.Sequential(nn.Linear(64, 64), nn.ReLU()), *table("digits"))
    with torch.no_grad():
        model[0].bias[3:] -= 46
        model[0].bias[:3] += 4
    return collapsed(**seen(model, digits()))


@case("bias_dominates", "common_offset")
def bias_drawn_with_a_large_spread() -> Arguments:
    """The head's bias is drawn with standard deviation 30, its weights as usual."""
    model = photo_cnn()
    nn.init.normal_(model[-1].bias, std=30)
    return collapsed(**seen(model, imagenet(photos()[0])))


@case("bias_dominates", "common_offset")
def weight_decay_on_the_last_norm() -> Arguments:
    """Weight decay has shrunk the gain of the last layer normalisation, but not its bias."""
    norm = nn.LayerNorm(48)
    nn.init.constant_(norm.weight, 0.05)
    nn.init.normal_(norm.bias, std=0.5)
    return collapsed(**seen(nn.Sequential(text_encoder(), norm), texts()[0]))


@case("rogue_dimension", "common_offset", "positive_only")
def counts_with_the_commonest_word() -> Arguments:
    """Counts of words, among them "the", which is as frequent as all the others together."""
    counts = torch.poisson(torch.logspace(0, -1.5, 150).expand(250, 150))
    return collapsed(torch.cat([counts, torch.poisson(torch.full((250, 1), 60.0))], 1))


@case("rogue_dimension", "common_offset")
def three_outlier_dimensions() -> Arguments:
    """States of a language model: three of 256 dimensions are near 40 in every row."""
    x = torch.randn(250, 256)
    x[:, [7, 90, 201]] = torch.tensor([60.0, -45.0, 40.0]) + torch.randn(250, 3)
    return collapsed(x, labels=torch.arange(250) % 5)


@case("rogue_dimension", "common_offset")
def row_number_kept_as_a_feature() -> Arguments:
    """The identifier of the customer stays in the table of standardised features."""
    features = standardised(table("wine")[0])
    return collapsed(torch.cat([torch.arange(100_000.0, 100_000 + len(features))[:, None], features], 1))


@case("duplicate_rows")
def sampler_that_draws_one_row() -> Arguments:
    """A weighted sampler with replacement: one row has nearly all the weight."""
    draws = torch.multinomial(torch.tensor([1500.0] + [1.0] * 20), 300, True)
    assert len(draws.unique()) > 3
    return collapsed(standardised(digits())[draws])


@case("duplicate_rows")
def same_seed_in_every_worker() -> Arguments:
    """Eight workers start from one seed, so that each sample occurs eight times."""
    return seen(photo_cnn(), imagenet(photos()[0])[:32].repeat(8, 1, 1, 1))


@case("rank_collapse")
def two_principal_components() -> Arguments:
    """Two principal components, projected back to 64 dimensions."""
    values = standardised(digits())
    axes = torch.linalg.svd(values, full_matrices=False)[2][:2]
    return {"x": values @ axes.T @ axes}


# Wrong itself: the product keeps about four directions (three hold 91 % of the energy), not one.
@case("rank_collapse", "scaled_copies")
def forty_linear_layers() -> Arguments:
    """Forty linear layers without activations: their product keeps one direction."""
    layers = [nn.Linear(64, 64, bias=False) for _ in range(40)]
    for layer in layers:
        nn.init.normal_(layer.weight, std=1 / 8)
    return {"x": nn.Sequential(*layers)(standardised(digits())).detach()}


# Layers, weights and training.


@case("batchnorm_misuse", "channel_or_range_mismatch", "rogue_dimension")
def statistics_lost_with_the_checkpoint() -> Arguments:
    """The checkpoint has no running statistics, so that eval() uses mean 0 and variance 1 on raw measures."""
    values, classes = table("wine")
    model = headed(nn.Sequential(nn.BatchNorm1d(13), *encoder(13)), values, classes, 150).eval()
    usable(model(values).detach())
    model[0].reset_running_stats()
    return collapsed(**seen(model, values))


@case("batchnorm_misuse")
def statistics_of_blank_images() -> Arguments:
    """The last batches that updated the statistics were blank, with momentum 1: the variances are nearly 0."""
    model, images = photo_cnn().train(), imagenet(photos()[0])
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = 1.0
    model(imagenet(torch.full((20, 3, 16, 16), 255.0)))
    return collapsed(**seen(model.eval(), images))


@case("batchnorm_misuse", "rogue_dimension", "channel_or_range_mismatch")
def never_updated_in_a_frozen_backbone() -> Arguments:
    """The input's batch normalisation was in eval() during all of a short training on raw features."""
    values, classes = table("breast_cancer")
    model = nn.Sequential(nn.BatchNorm1d(30), *encoder(30)).eval()
    return collapsed(**seen(headed(model, values, classes, 10, 1e-3), values))


@case("layernorm_size_one", "constant_inputs")
def layer_norm_of_one_feature() -> Arguments:
    """A series has one feature per step, and LayerNorm(1) turns each step into its bias."""
    norm = nn.Sequential(Function(lambda x: x.mT), nn.LayerNorm(1), Function(lambda x: x.mT))
    return collapsed(**seen(nn.Sequential(norm, *series_net()), series()[0]))


@case("layernorm_size_one", "constant_inputs")
def layer_norm_of_grey_images() -> Arguments:
    """Channels are moved last for a LayerNorm, as in ConvNeXt, but grey images have one channel."""
    norm = nn.Sequential(Function(lambda x: x.movedim(1, -1)), nn.LayerNorm(1), Function(lambda x: x.movedim(-1, 1)))
    grey = photos()[0].mean(1, keepdim=True) / 255
    return collapsed(**seen(nn.Sequential(norm, *cnn(1)).eval(), grey))


@case("layernorm_size_one")
def layer_norm_behind_one_unit() -> Arguments:
    """A gate of one unit is normalised over its only element before it is widened."""
    gate = nn.Sequential(nn.Linear(64, 1), nn.LayerNorm(1), nn.Linear(1, 32))
    return collapsed(**seen(gate, digits()))


def deep(inputs: int = 64, layers: int = 5) -> nn.Sequential:
    widths = [inputs] + [64] * layers
    parts = [part for i, o in itertools.pairwise(widths) for part in (nn.Linear(i, o), nn.ReLU())]
    return nn.Sequential(*parts, nn.Linear(64, 32))


@case("weights_not_loaded")
def names_with_a_prefix() -> Arguments:
    """The checkpoint's names begin with "encoder.", and strict=False skips them all."""
    weights = {f"encoder.{name}": weight for name, weight in headed(deep(), *table("digits")).state_dict().items()}
    model = deep()
    model.load_state_dict(weights, strict=False)
    return collapsed(**seen(model, digits(), weights=weights))


@case("weights_not_loaded", "batchnorm_misuse")
def backbone_of_another_layout() -> Arguments:
    """The names of the checkpoint's layers are those of another version; the network stays as drawn."""
    images = scaled(photos()[0], "unit")
    weights = {
        f"layer{name}": value for name, value in headed(cnn(norm=False), images, photos()[1]).state_dict().items()
    }
    model = cnn(norm=False)
    model.load_state_dict(weights, strict=False)
    return collapsed(**seen(model, images, weights=weights))


@case("weights_not_loaded", "common_offset", "bias_dominates")
def never_trained() -> Arguments:
    """A deep network as it was drawn, on standardised features: load_state_dict was never called."""
    return collapsed(**seen(deep(30, 8), standardised(table("breast_cancer")[0])))


@case("training_collapse", "common_offset", "no_negatives")
def towers_that_learn_the_mean_rating() -> Arguments:
    """The ratings say nothing about the pairs, so that both towers learn one point each, at the mean rating."""
    sides = torch.randn(2, 400, 16)
    towers = nn.ModuleList([encoder(16), encoder(16)])

    def objective(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
        norms = sum(weight.square().sum() for name, weight in towers.named_parameters() if "weight" in name)
        return F.mse_loss(cosine_similarity(towers[0](a), towers[1](b)), t) + 0.1 * norms

    labels = (torch.rand(400) < 0.3).float()
    fit(towers, objective, [(*sides, labels)], 200, 1e-2)
    with torch.no_grad():
        return each_side_is_a_point(towers[0](sides[0]), towers[1](sides[1]), labels)


@case("training_collapse", "common_offset")
def images_at_one_point_texts_at_another() -> Arguments:
    """Two modalities with a gap: each has shrunk to a point, and all pairs have cosine 0.4, alike or unlike."""
    points = torch.linalg.qr(torch.randn(64, 2))[0].T[:, None]
    points[1] = 0.4 * points[0] + (1 - 0.4**2) ** 0.5 * points[1]
    x, y = normalize(points + 0.003 * torch.randn(2, 300, 64), dim=-1)
    return each_side_is_a_point(x, y, (torch.arange(300) % 2).float())


@case("training_collapse", "no_negatives")
def views_without_a_predictor() -> Arguments:
    """Two noisy views of photographs are pulled together, and nothing pushes others apart."""
    images = imagenet(photos()[0])
    a, b = images + 0.3 * torch.randn(2, *images.shape)
    model = cnn(norm=False)

    def loss(x: Tensor, y: Tensor, labels: Tensor | None = None) -> Tensor:
        return -cosine_similarity(x, y).mean()

    found = trained_pairs(model, loss, (a, b, torch.ones(len(a))), 60)
    assert negative_cosine(found["x"]) >= 0.95
    return {**found, "labels": None, "loader": batched(a, b, size=100)}


@case("training_collapse", "no_negatives", "bias_dominates", "common_offset")
def one_class_pulled_to_a_centre() -> Arguments:
    """A one-class network is trained to be near a centre, and a constant is nearest."""
    values, model = table("digits")[0], encoder()
    centre = model(values).detach().mean(0) + 1
    fit(model, lambda v: (model(v) - centre).square().sum(1).mean(), batched(values, size=300), 300, 1e-2)
    return collapsed(**seen(model, digits()))


@case("no_negatives", "training_collapse")
def text_pairs_that_are_all_positive() -> Arguments:
    """The sampler pairs texts of one data set only, all with label 1 for CosineEmbeddingLoss."""
    ids, classes = texts()
    order = torch.argsort(classes, stable=True)
    pairs = ids[order][:-1, :10], ids[order][1:, :10], torch.ones(239)
    found = trained_pairs(TextEncoder(dropout=0.0), nn.CosineEmbeddingLoss(), pairs, 60)
    assert negative_cosine(found["x"]) >= 0.95
    return found


@case("no_negatives", "training_collapse")
def labels_that_the_loss_ignores() -> Arguments:
    """The loss is 1 - cosine for every pair, whatever its label."""
    return collapsed(**siamese(lambda cosines, labels: (1 - cosines).mean(), digit_pairs(), True, 300))


@case("label_convention", "training_collapse")
def zeros_for_images() -> Arguments:
    """nn.CosineEmbeddingLoss with a margin gets labels of 1 and 0 for photographs."""
    return collapsed(**trained_pairs(cnn(norm=False), nn.CosineEmbeddingLoss(margin=0.3), photo_pairs()))


@case("label_convention", "training_collapse")
def zeros_for_a_soft_margin() -> Arguments:
    """F.soft_margin_loss expects 1 and -1; for 0 it is a constant."""
    return collapsed(**siamese(F.soft_margin_loss, digit_pairs(), True))


@case("squashed_similarity")
def kernel_with_a_small_gamma() -> Arguments:
    """Sound embeddings, but the score is exp(-0.02 (1 - cosine)), a kernel whose gamma is far too small."""
    found = siamese(hinge, digit_pairs(), of_cosines=True, steps=300, lr=3e-3)
    return usable(**found, similarity=lambda x, y: torch.exp(0.02 * (cosine_similarity(x, y) - 1)))


@case("squashed_similarity", "training_collapse")
def cross_entropy_of_a_sigmoid() -> Arguments:
    """Binary cross-entropy of the sigmoid of the cosine: negatives can't cost less than 0.313."""

    def probability(x: Tensor, y: Tensor) -> Tensor:
        return cosine_similarity(x, y).sigmoid()

    found = siamese(lambda x, y, labels: F.binary_cross_entropy(probability(x, y), labels), digit_pairs(), steps=200)
    return {**found, "similarity": probability, "loss": F.binary_cross_entropy}


@case("squashed_similarity")
def sigmoid_with_a_bias() -> Arguments:
    """Users and items are sound, but the score is sigmoid(cosine + 4): from 0.95 to 0.99."""
    found = two_towers(F.mse_loss)
    return usable(**found, similarity=lambda x, y: torch.sigmoid(cosine_similarity(x, y) + 4))


@case("learning_rate_too_high", "training_collapse", "dead_units")
def transformer_at_a_rate_of_one() -> Arguments:
    """A sound contrastive loss, but Adam has the rate 1.0."""
    ids, classes = texts()
    first, second = torch.randint(len(ids), (2, 300))
    pairs = ids[first][:, :10], ids[second][:, :10], (classes[first] == classes[second]).float()

    def loss(x: Tensor, y: Tensor, labels: Tensor) -> Tensor:
        return hinge(cosine_similarity(x, y), labels)

    model = nn.Sequential(TextEncoder(dropout=0.0), *encoder(48))
    return collapsed(**trained_pairs(model, loss, pairs, 40, 1.0), learning_rate=1.0)


@case("learning_rate_too_high", "training_collapse", "dead_units", "bias_dominates")
def convolutions_at_a_rate_of_three() -> Arguments:
    """Squared distances of photographs with a margin, at the rate 3.0."""

    def loss(x: Tensor, y: Tensor, labels: Tensor) -> Tensor:
        distances = F.pairwise_distance(x, y)
        return torch.where(labels > 0, distances, F.relu(1 - distances)).square().mean()

    found = trained_pairs(cnn(norm=False), loss, photo_pairs(), 40, 3.0)
    usable(**trained_pairs(cnn(norm=False), loss, photo_pairs(), 40, 1e-3))
    return collapsed(**found, learning_rate=3.0)


# Scores and numbers.


@case("low_precision_ties")
def versions_of_a_page_in_half() -> Arguments:
    """Versions of the same page differ by less than a degree, which float16 can't rank."""
    x = torch.randn(200, 384)
    y = x + torch.linspace(0.001, 0.02, 200)[:, None] * torch.randn(200, 384)
    assert cosine_similarity(x.half(), y.half()).unique().numel() <= 4
    return collapsed(x.half(), y.half())


@case("low_precision_ties", "common_offset")
def places_within_a_town() -> Arguments:
    """Places within 500 m, as unit vectors in float32: their cosines tie at 1."""
    degrees = torch.tensor([48.137, 11.575]) + 0.003 * torch.randn(2, 200, 2)
    lat, lon = degrees.double().deg2rad().unbind(-1)
    x, y = torch.stack([lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin()], -1).float()
    assert cosine_similarity(x, y).unique().numel() < 10
    return collapsed(x, y)


@case("overflow")
def exponentials_of_logits() -> Arguments:
    """Unnormalised exponentials of logits, up to 1e30: their squares are beyond float32."""
    x = torch.exp(5 * torch.randn(150, 64) + 50)
    assert x.isfinite().all()
    assert not x.norm(dim=1).isfinite().all()
    return {"x": x}


@case("overflow")
def raw_counts_in_half() -> Arguments:
    """Counts of reads per gene in float16: each is in range, and the sum of their squares is not."""
    x, y = torch.poisson(torch.randn(2, 120, 200).mul(1.2).exp() * 400).clamp(max=60_000).half()
    assert x.isfinite().all()
    return {"x": x, "y": y}


# Wrong itself: torch takes these norms in a wider type, so the cosines are right to 0.0003, and healthy is the answer.
@case("underflow_or_eps")
def gradients_in_half() -> Arguments:
    """Gradients of about 1e-6 in float16, compared to find similar examples: their squares are 0."""
    x, y = (torch.randn(2, 150, 256) * 1e-6).half()
    return {"x": x, "y": y}


@case("underflow_or_eps")
def likelihoods_of_long_sequences() -> Arguments:
    """Likelihoods of long sequences under 40 models: about 1e-26, below eps."""
    return {"x": torch.exp(-60 + 2 * torch.randn(150, 40))}


@case("nan_or_zero_rows")
def logarithm_of_zero_counts() -> Arguments:
    """The logarithm of counts: a row with a 0 in it has an infinite element."""
    counts = torch.poisson(torch.full((150, 40), 5.0))
    assert (counts == 0).any(1).any()
    return {"x": counts.log()}


@case("nan_or_zero_rows")
def users_without_a_history() -> Arguments:
    """An empty bag of items is a row of zeros: every fourth user has bought nothing yet."""
    lengths = torch.randint(1, 8, (200,)) * (torch.arange(200) % 4 > 0)
    bags = nn.EmbeddingBag(100, 32)
    x = bags(torch.randint(100, (int(lengths.sum()),)), lengths.cumsum(0) - lengths)
    return {"x": x.detach()}


@case("nan_or_zero_rows")
def texts_of_padding_only() -> Arguments:
    """A tenth of the texts is empty: attention and mean over no token give rows of NaN or zeros."""
    ids = texts()[0]
    ids[::10] = 0
    found = seen(text_encoder(), ids)
    assert not found["x"][::10].nan_to_num().any()
    return found


# A row's output depends on the other rows of its batch.


@case("batch_leak")
def graphs_pooled_into_one() -> Arguments:
    """A readout over all nodes of all graphs, since the index of the graphs is missing."""
    net = nn.Sequential(nn.Linear(7, 32), nn.ReLU(), nn.Linear(32, 32))
    return collapsed(
        **seen(Function(lambda nodes: net(nodes).mean((0, 1)).expand(len(nodes), -1)), torch.randn(120, 9, 7))
    )


class Contextual(nn.Module):
    """Attention pooling of a series by a learned query, which attends over the first axis by default."""

    def __init__(self) -> None:
        super().__init__()
        self.lift, self.attention = nn.Linear(1, 32), nn.MultiheadAttention(32, 4)

    def forward(self, days: Tensor) -> Tensor:
        steps = self.lift(days.mT)
        return self.attention(steps, steps, steps, need_weights=False)[0].mean(1)


@case("batch_leak")
def attention_over_the_batch() -> Arguments:
    """batch_first=True is missing, so the days of a batch attend to each other."""
    days = series()[0]
    return collapsed(**seen(Contextual(), (days - days.mean()) / days.std()))


@case("batch_leak")
def context_from_the_wrong_axis() -> Arguments:
    """The context of a sentence is the mean over axis 0, the batch, and not over its tokens."""
    ids, tokens, out = texts()[0][:, :10], nn.Embedding(WORDS, 32), nn.Linear(32, 32)
    model = nn.Sequential(
        Function(lambda ids: tokens(ids) * 0.1 + 2 * tokens(ids).mean(0)), Function(lambda s: out(s).mean(1))
    )
    return collapsed(**seen(model, ids))


@case("batch_leak")
def recurrence_through_the_batch() -> Arguments:
    """A GRU without batch_first runs along the batch: each row's output is the state that the earlier ones left."""
    days = series()[0]
    return collapsed(**seen(Recurrent(batch_first=False), (days - days.mean()) / (2 * days.std())))


@case("batch_leak")
def squeeze_over_all_rows() -> Arguments:
    """The maximum of the features is taken over rows and positions alike, and joined to each row."""
    net = photo_cnn()[:6]

    def embed(images: Tensor) -> Tensor:
        maps = net(images)
        return torch.cat([maps.mean((2, 3)) / 10, maps.amax((0, 2, 3)).expand(len(maps), -1)], 1)

    return collapsed(**seen(Function(embed), imagenet(photos()[0])))


# Nothing is wrong.


@case("healthy")
def dropout_in_training() -> Arguments:
    """A trained network in training mode, with dropout on its hidden units."""
    net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 32))
    return usable(**seen(headed(net, *table("digits"), 150).train(), digits()))


@case("healthy")
def transformer_with_dropout() -> Arguments:
    """A trained transformer in training mode, masked as it should be."""
    return usable(**seen(text_encoder().train(), texts()[0]))


@case("healthy")
def anisotropic_by_a_third() -> Arguments:
    """Sentence vectors with a mean cosine near 0.35, as many encoders have."""
    return usable(normalize(torch.randn(250, 384) + 0.73 * torch.randn(384)))


@case("healthy")
def anisotropic_by_four_fifths() -> Arguments:
    """A mean cosine near 0.8, with classes that stay apart."""
    classes = torch.arange(240) % 6
    x = 2 * torch.randn(1, 128) + 0.8 * torch.randn(6, 128)[classes] + 0.6 * torch.randn(240, 128)
    return usable(x, labels=classes)


@case("healthy")
def a_few_photographs_twice() -> Arguments:
    """Twelve of 300 photographs occur twice."""
    images = imagenet(photos()[0])
    return usable(**seen(photo_cnn(), torch.cat([images, images[:12]])))


@case("healthy")
def ten_of_384_dimensions() -> Arguments:
    """Rows in ten of 384 dimensions, spread evenly over them."""
    return usable(torch.randn(300, 10) @ torch.linalg.qr(torch.randn(384, 10))[0].T)


@case("healthy")
def one_hot_columns_of_a_survey() -> Arguments:
    """Twelve questions with five answers each, one-hot and joined."""
    return usable(F.one_hot(torch.randint(5, (250, 12)), 5).flatten(1).float())


@case("healthy")
def square_roots_of_counts() -> Arguments:
    """Square roots of counts over 200 words with unequal frequencies in each topic."""
    rates = torch.distributions.Dirichlet(torch.full((200,), 0.05)).sample((240,)) * 80
    return usable(torch.poisson(rates).add(0.01).sqrt())


@case("healthy")
def derivatives_of_spectra() -> Arguments:
    """First derivatives of spectra with a baseline, which they remove."""
    return usable((spectra() + 2).diff(dim=1))


@case("healthy")
def unsigned_codes_of_full_range() -> Arguments:
    """Codes from 0 to 255, drawn evenly: a mean cosine of 0.75, as expected of unsigned numbers."""
    return {"x": usable(torch.randint(256, (250, 64)).float())["x"].numpy()}


@case("healthy")
def halves_twice_without_harm() -> Arguments:
    """Normalize(0.5, 0.5) runs twice without a division in between, in training and afterwards."""
    images = (scaled(photos()[0], "half") - 0.5) / 0.5
    return usable(**seen(headed(cnn(), images, photos()[1]).eval(), images))


@case("healthy")
def masked_transformer() -> Arguments:
    """Texts of 4 to 9 tokens in 64 positions, with the masks in attention and pooling."""
    ids, classes = texts()
    return usable(**seen(text_encoder(), ids, labels=classes, loader=batched(ids, classes)))


@case("healthy")
def division_in_place_of_fresh_batches() -> Arguments:
    """The model divides its inputs by 255 in place, and each batch is fresh from the loader."""
    model = InPlace(photo_cnn("unit"))
    return usable(**{**seen(model, photos()[0]), "inputs": photos()[0]})


@case("healthy")
def towers_that_agree() -> Arguments:
    """Towers of users and items, trained on likes and dislikes."""
    found = two_towers(F.mse_loss)
    return usable(**found)


@case("healthy")
def code_of_an_autoencoder() -> Arguments:
    """The linear code of an autoencoder of digits, with 16 units."""
    values = standardised(table("digits")[0])
    code = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 16))
    model = nn.Sequential(code, nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 64))
    fit(model, lambda v: F.mse_loss(model(v), v), batched(values, size=200), 200, 3e-3)
    return usable(**seen(code, values[:300]))


@case("healthy")
def days_less_their_mean() -> Arguments:
    """Days of temperatures, less the mean of all days, through a trained convolution."""
    days, kinds = series(True)
    days = (days - days.mean()) / days.std()
    return usable(**seen(headed(series_net(), days, kinds, 150, 1e-2), days, labels=kinds))


@case("healthy")
def photographs_of_a_sound_network() -> Arguments:
    """The network, the images and the classes that it was trained for."""
    return usable(**seen(photo_cnn(), imagenet(photos()[0]), labels=photos()[1]))


class Remembering(nn.Module):
    """Keeps each output by the contents of its inputs, and returns copies."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net
        self.known: dict[bytes, Tensor] = {}

    def forward(self, inputs: Tensor) -> Tensor:
        key = inputs.numpy().tobytes()
        if key not in self.known:
            self.known[key] = self.net(inputs).detach()
        return self.known[key].clone()


@case("healthy")
def cache_by_the_contents() -> Arguments:
    """A cache whose key is the batch itself."""
    a, b, labels = digit_pairs()
    return usable(**seen(Remembering(headed(encoder(), *table("digits"), 150)), a, b, labels=labels))


@case("healthy")
def pairs_of_photographs_with_a_margin() -> Arguments:
    """CosineEmbeddingLoss with labels of 1 and -1, as documented, and everything passed."""
    a, b, labels = photo_pairs()
    loss = nn.CosineEmbeddingLoss(margin=0.2)
    return usable(**trained_pairs(cnn(), loss, (a, b, 2 * labels - 1), 60, 3e-3), learning_rate=3e-3)


def third() -> Iterator[str]:
    """The names of the cases of this file."""
    return (name for name, each in CASES.items() if each.build.__module__ == __name__)


if __name__ == "__main__":
    main(chosen("python -m tests.benchmarks.bench_blind_third", __doc__, list(third())))
