"""Faults before the model: wrong samples, lost differences, another range, padding."""

from dataclasses import replace

import torch
from torch import Generator, Tensor, nn

from diagnosis.subject import Subject
from diagnosis.validity.planted.plant import Plant, Size
from diagnosis.validity.planted.sources import Architecture, choice, some_digits, trained, uniform

KINDS: tuple[Architecture, ...] = ("batchnorm", "layernorm", "conv")


def same_sample_twice(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """A dataset that draws one index for both sides of a pair, with or without the inputs."""
    model, (images, _) = some_network(size, generator), some_digits(size.rows, generator)
    x, y = run(model, images).to(dtype), run(model, images.clone()).to(dtype)
    return Subject(x=x, y=y, inputs=images, other_inputs=images) if choice(0, 1, generator) else Subject(x=x, y=y)


def constant_inputs(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """A loader that always reads one file, or a camera whose frames are nearly all blank."""
    model, (images, _) = some_network(size, generator), some_digits(size.rows, generator)
    if choice(0, 1, generator):
        return through(model, images[:1].expand(len(images), -1).clone(), dtype)
    blank = torch.rand(len(images), generator=generator) < uniform(0.97, 0.995, generator)
    blank[: 2 * len(images) // 3] = True
    return through(model, torch.where(blank[:, None], torch.zeros(()), images), dtype)


def unknown_words(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """Another tokenizer's vocabulary: nearly every token between `[CLS]` and `[SEP]` is `[UNK]`."""
    longest = choice(40, 80, generator)
    lengths = torch.randint(20, longest, (size.rows, 1), generator=generator)
    places = torch.arange(longest)
    tokens = torch.full((size.rows, longest), 100)
    known = torch.rand(size.rows, 1, generator=generator) < uniform(0, 0.02, generator)
    tokens = torch.where(known & (places % 7 == 3), torch.randint(103, 1000, tokens.shape, generator=generator), tokens)
    tokens[:, 0] = 101
    tokens = torch.where(places == lengths - 1, 102, tokens.masked_fill(places >= lengths, 0))
    return through(bag_of_words(size, generator), tokens, dtype)


def over_normalised_inputs(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """Pixels in 0 to 1, divided by 255 again or standardised with the mean and spread of pixels in 0 to 255."""
    model, (images, _) = some_network(size, generator), some_digits(size.rows, generator)
    if choice(0, 1, generator):
        inputs = images / 255
    else:
        inputs = (images - uniform(100, 135, generator)) / uniform(55, 75, generator)
    return through(model, inputs, dtype)


def channel_or_range_mismatch(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """A network trained on standardised scans (faint pencil on white paper) gets raw bytes, 0 to 255."""
    model, (ink, _) = some_network(size, generator, ("batchnorm", "layernorm")), some_digits(size.rows, generator)
    faint = uniform(0.15, 0.35, generator)
    paper = 1 - faint * ink
    mean, spread, first = paper.mean(), paper.std(), model[0]
    assert isinstance(first, nn.Linear)
    with torch.no_grad():  # ink = (1 - mean - spread * standardised) / faint, folded into the first layer
        first.bias.add_(first.weight.sum(1) * (1 - mean) / faint)
        first.weight.mul_(-spread / faint)
    return through(model, (255 * paper).round(), dtype)


def bytes_expected(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """A network that standardises bytes, 0 to 255, gets pixels in 0 to 1."""
    model, (images, _) = some_network(size, generator, ("batchnorm", "layernorm")), some_digits(size.rows, generator)
    mean, spread, first = 0.0, 1.0, model[0]
    assert isinstance(first, nn.Linear)
    if choice(0, 1, generator):
        mean, spread = float(images.mean()), float(images.std())
        with torch.no_grad():  # image = mean + spread * standardised, folded into the first layer
            first.bias.add_(first.weight.sum(1) * mean)
            first.weight.mul_(spread)
    return through(nn.Sequential(Standardised(255 * mean, 255 * spread), model).eval(), images, dtype)


def padding_dominates(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """Short texts padded to a model's full length, and a mean over all places without a mask."""
    words, longest = 2000, choice(16, 40, generator)
    lengths = torch.randint(4, longest, (size.rows, 1), generator=generator)
    frequency = 1 / torch.arange(1, words).double()  # Zipf's law
    tokens = 1 + torch.multinomial(frequency, size.rows * longest, replacement=True, generator=generator)
    padded = torch.zeros(size.rows, choice(6, 16, generator) * longest, dtype=torch.long)
    padded[:, :longest] = tokens.reshape(size.rows, longest)
    padded[torch.arange(padded.shape[1]) >= lengths] = 0
    subject = through(bag_of_words(size, generator, words), padded, dtype)
    return subject if choice(0, 1, generator) else replace(subject, model=None)


def padding_before_training(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """The same with an untrained model, which keeps short texts without padding distinct."""
    subject = padding_dominates(size, dtype, generator)
    assert subject.inputs is not None
    body = bag_of_words(size, generator)
    return through(nn.Sequential(body, nn.Linear(size.columns, size.columns)).eval(), subject.inputs, dtype)


def white_pages(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """Dark digits on white pages, compared pixel by pixel."""
    images, _ = some_digits(size.rows, generator)
    page = choice(24, 32, generator)
    pages = torch.ones(len(images), page, page)
    pages[:, 8:16, 8:16] = 1 - images.reshape(-1, 8, 8)
    return Subject(x=pages.flatten(1).to(dtype), inputs=pages)


def bag_of_words(size: Size, generator: Generator, words: int = 2000) -> nn.EmbeddingBag:
    """The mean over all positions of a text, padding included."""
    return nn.EmbeddingBag.from_pretrained(torch.randn(words, size.columns, generator=generator), mode="mean")


class Standardised(nn.Module):
    """A model's own preprocessing."""

    def __init__(self, mean: float, spread: float) -> None:
        super().__init__()
        self.mean, self.spread = mean, spread

    def forward(self, images: Tensor) -> Tensor:
        """In the shape of `images`."""
        return (images - self.mean) / self.spread


def some_network(size: Size, generator: Generator, kinds: tuple[Architecture, ...] = KINDS) -> nn.Sequential:
    """A network of one of the `kinds`, trained on the digits."""
    return trained(kinds[choice(0, len(kinds) - 1, generator)], size.columns, generator)


def run(model: nn.Module, inputs: Tensor) -> Tensor:
    """The model's output, without a graph."""
    with torch.no_grad():
        answer: Tensor = model(inputs)
    return answer


def through(model: nn.Module, inputs: Tensor, dtype: torch.dtype) -> Subject:
    """The model's outputs in `dtype`, with the inputs and the model."""
    return Subject(x=run(model, inputs).to(dtype), inputs=inputs, model=model)


PLANTS = (
    Plant("same_sample_twice", same_sample_twice),
    Plant("constant_inputs", constant_inputs),
    Plant("constant_inputs", unknown_words),
    Plant("over_normalised_inputs", over_normalised_inputs),
    Plant("channel_or_range_mismatch", channel_or_range_mismatch),
    Plant("channel_or_range_mismatch", bytes_expected),
    Plant("padding_dominates", padding_dominates),
    Plant("padding_dominates", padding_before_training),
    Plant("padding_dominates", white_pages),
)
