"""Faults where the preprocessing and the model disagree: both normalise, or the model pools what was only added."""

import torch
from torch import Generator, Tensor, nn

from diagnosis.subject import Subject
from diagnosis.validity.planted.data import Standardised, some_network, through
from diagnosis.validity.planted.plant import Plant, Size
from diagnosis.validity.planted.sources import choice, some_digits


class RunningMean(nn.Module):
    """The mean of the words up to each place, as causal attention of equal weights."""

    def __init__(self, words: int, columns: int) -> None:
        super().__init__()
        self.words = nn.Embedding(words, columns)

    def forward(self, tokens: Tensor) -> Tensor:
        """`[N, L]` of ids to `[N, L, D]`."""
        places = torch.arange(1, tokens.shape[1] + 1, device=tokens.device)
        states: Tensor = self.words(tokens).cumsum(1) / places[:, None]
        return states


class FirstState(nn.Module):
    """The state of the first place, as for `[CLS]`."""

    def forward(self, states: Tensor) -> Tensor:
        """`[N, L, D]` to `[N, D]`."""
        return states[:, 0]


def normalised_by_the_model_too(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """Standardised pixels for a network that standardises bytes, 0 to 255, itself."""
    network = some_network(size, generator, ("batchnorm", "layernorm"))
    images, _ = some_digits(size.rows, generator)
    mean, spread, first = images.mean(), images.std(), network[0]
    assert isinstance(first, nn.Linear)
    with torch.no_grad():  # image = mean + spread * standardised, folded into the first layer
        first.bias.add_(first.weight.sum(1) * mean)
        first.weight.mul_(spread)
    model = nn.Sequential(Standardised(float(255 * mean), float(255 * spread)), network).eval()
    return through(model, (images - mean) / spread, dtype)


def first_state_is_padding(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """Texts padded at the start, of which the first state is taken."""
    words, longest = 2000, choice(16, 40, generator)
    tokens = torch.randint(1, words, (size.rows, longest), generator=generator)
    padding = torch.randint(1, longest - 2, (size.rows, 1), generator=generator)
    tokens[torch.arange(longest) < padding] = 0
    return through(nn.Sequential(RunningMean(words, size.columns), FirstState()).eval(), tokens, dtype)


PLANTS = (
    Plant("over_normalised_inputs", normalised_by_the_model_too),
    Plant("padding_dominates", first_state_is_padding),
)
