"""Models whose rows depend on the other rows of the batch."""

import torch
from torch import Generator, Tensor, nn

from diagnosis.subject import Subject
from diagnosis.validity.planted.data import run, some_network
from diagnosis.validity.planted.plant import Plant, Size
from diagnosis.validity.planted.sources import choice, some_digits, uniform


class Pooling(nn.Module):
    """Adds to each row a mean or a maximum that is taken over the batch."""

    def __init__(self, model: nn.Module, own: float, highest: bool) -> None:
        super().__init__()
        self.model, self.own, self.highest = model, own, highest

    def forward(self, inputs: Tensor) -> Tensor:
        """`[N, 64]` to `[N, D]`."""
        rows: Tensor = self.model(inputs)
        return self.own * rows + (rows.amax(0) if self.highest else rows.mean(0))


class Attending(nn.Module):
    """Attention without `batch_first`: the images attend to each other, not the places of an image."""

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.lift, self.attention = nn.Linear(8, columns), nn.MultiheadAttention(columns, 4)

    def forward(self, inputs: Tensor) -> Tensor:
        """`[N, 64]` to `[N, D]`."""
        lines = self.lift(inputs.unflatten(1, (8, 8)))
        answer: Tensor = self.attention(lines, lines, lines)[0]
        return answer.mean(1)


def pooled_over_the_batch(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """A mean or maximum over dim 0, of which each row keeps a share of its own; or none, in batches of a loader."""
    network, (images, _) = some_network(size, generator), some_digits(size.rows, generator)
    alone = choice(0, 1, generator)
    model = Pooling(network, alone * uniform(0.005, 0.05, generator), bool(choice(0, 1, generator))).eval()
    rows = [run(model, images)] if alone else [run(model, batch) for batch in images.split(size.rows // 4)]
    return Subject(x=torch.cat(rows).to(dtype), inputs=images, model=model)


def attention_over_the_batch(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """Standardised images attend to each other, so that each gets about the mean of all."""
    images, _ = some_digits(size.rows, generator)
    images = (images - images.mean(0)) / images.std()
    model = Attending(size.columns).eval()
    for weights in model.parameters():  # as after some training
        weights.data += 0.1 * weights.data.std() * torch.randn_like(weights)
    return Subject(x=run(model, images).to(dtype), inputs=images, model=model)


PLANTS = (Plant("batch_leak", pooled_over_the_batch), Plant("batch_leak", attention_over_the_batch))
