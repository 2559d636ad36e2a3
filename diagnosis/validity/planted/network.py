"""Faults inside the model: layers, modes and weights that make a trained network's outputs nearly constant."""

import copy
import functools

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from diagnosis.subject import Subject
from diagnosis.validity.planted.data import run, some_network, through
from diagnosis.validity.planted.plant import Plant, Size
from diagnosis.validity.planted.sources import choice, digit_pairs, digits, some_digits, uniform


def cached_buffer(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """A model that writes each output into one buffer, with pairs compared after both calls."""
    model, pairs = Buffered(some_network(size, generator), size), digit_pairs(size.rows, generator)
    answers = run(model, pairs.x), run(model, pairs.y)
    x, y = (answer.clone().to(dtype) for answer in answers)
    return Subject(x=x, y=y, inputs=pairs.x, other_inputs=pairs.y, model=model)


def answers_once(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """A model that returns its first output for all later inputs, given before or after its first call."""
    pairs = digit_pairs(size.rows, generator)
    model = Once(some_network(size, generator))
    used = copy.deepcopy(model)
    x, y = run(used, pairs.x).to(dtype), run(used, pairs.y).to(dtype)
    model = used if choice(0, 1, generator) else model
    return Subject(x=x, y=y, inputs=pairs.x, other_inputs=pairs.y, model=model)


def bias_dominates(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """Too much weight decay on the last weights, and none on their bias."""
    model, (images, _) = some_network(size, generator), some_digits(size.rows, generator)
    last, spread = model[-1], run(model, images).std()
    assert isinstance(last, nn.Linear)
    with torch.no_grad():
        last.weight.mul_(10 ** -uniform(1, 3, generator))
        last.bias.add_(spread * uniform(1, 3, generator) * torch.randn(size.columns, generator=generator))
    return through(model, images, dtype)


def dead_layer(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """A step too large has pushed nearly all hidden units below 0 for every input."""
    model = some_network(size, generator, ("batchnorm", "layernorm"))
    images, _ = some_digits(size.rows, generator)
    norm = model[1]
    assert isinstance(norm, (nn.LayerNorm, nn.BatchNorm1d))
    with torch.no_grad():
        norm.bias.sub_(uniform(4, 40, generator))
    return through(model, images, dtype)


def head_of_probabilities(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """A sigmoid or a softmax after the embeddings of a classifier."""
    model, (images, _) = some_network(size, generator), some_digits(size.rows, generator)
    scale = uniform(0.03, 0.2, generator) / float(run(model, images).std())
    head = nn.Sigmoid() if choice(0, 1, generator) else nn.Softmax(dim=-1)
    with torch.no_grad():
        for weights in model[-1].parameters():
            weights.mul_(scale)
    return through(nn.Sequential(model, head).eval(), images, dtype)


def batchnorm_misuse(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """Eval mode with running statistics of unscaled pixels, about 100 times as large."""
    model = some_network(size, generator, ("batchnorm", "conv"))
    images, _ = some_digits(size.rows, generator)
    (norm,) = (module for module in model.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm))
    factor = 10 ** uniform(1.5, 2.5, generator)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    norm.running_mean *= factor
    norm.running_var *= factor**2
    return through(model, images, dtype)


def layernorm_size_one(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """Channels pooled to one number each, and a LayerNorm over that last dim."""
    images, _ = some_digits(size.rows, generator)
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(choice(0, 2**31, generator))
        convolution = nn.Sequential(nn.Unflatten(1, (1, 64)), nn.Conv1d(1, 32, 9), nn.ReLU(), nn.AdaptiveAvgPool1d(1))
        model = nn.Sequential(convolution, nn.LayerNorm(1), nn.Flatten(), nn.Linear(32, size.columns))
        for weights in model.parameters():  # as after some training
            weights.data += 0.1 * torch.randn_like(weights)
    return through(model.eval(), images, dtype)


def weights_not_loaded(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """A checkpoint whose names begin with "module.", loaded with strict=False into a deep network."""
    images, _ = some_digits(size.rows, generator)
    weights = deep(size.columns, seed=choice(0, 3, generator), steps=120).state_dict()
    model = deep(size.columns, seed=choice(4, 2**31, generator), steps=0)
    subject = through(model, images, dtype)
    checkpoint = {f"module.{name}": tensor for name, tensor in weights.items()}
    return Subject(x=subject.x, inputs=images, model=model, weights=checkpoint if choice(0, 1, generator) else None)


class Once(nn.Module):
    """A model that runs only on its first inputs."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.answer: Tensor | None = None

    def forward(self, inputs: Tensor) -> Tensor:
        """`[N, 64]` to `[N, D]`, for at most as many rows as in the first call."""
        if self.answer is None:
            self.answer = self.model(inputs)
        return self.answer[: len(inputs)].clone()


class Buffered(nn.Module):
    """A model that reuses one output buffer, to save an allocation per call."""

    out: Tensor

    def __init__(self, model: nn.Module, size: Size) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("out", torch.empty(size.rows, size.columns))

    def forward(self, inputs: Tensor) -> Tensor:
        """`[N, 64]` to `[N, D]`, in memory that the next call overwrites."""
        return self.out[: len(inputs)].copy_(self.model(inputs))


def shallow(columns: int, generator: Generator) -> nn.Sequential:
    """Two hidden layers without normalisation, untrained."""
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(choice(0, 2**31, generator))
        hidden = nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU()
        return nn.Sequential(*hidden, nn.Linear(128, columns)).eval()


def deep(columns: int, *, seed: int, steps: int) -> nn.Sequential:
    """Six layers without normalisation, after `steps` of training on the digits."""
    return copy.deepcopy(_deep(columns, seed, steps)) if steps else _deep.__wrapped__(columns, seed, steps)


@functools.cache
def _deep(columns: int, seed: int, steps: int) -> nn.Sequential:
    images, classes = digits()
    with torch.random.fork_rng(devices=()), torch.enable_grad():
        torch.manual_seed(seed)
        hidden = [layer for _ in range(4) for layer in (nn.Linear(128, 128), nn.ReLU())]
        body, head = (
            nn.Sequential(nn.Linear(64, 128), nn.ReLU(), *hidden, nn.Linear(128, columns)),
            nn.Linear(columns, 10),
        )
        optimizer = torch.optim.Adam([*body.parameters(), *head.parameters()], lr=1e-3)
        for _ in range(steps):
            batch = torch.randint(len(images), (128,))
            optimizer.zero_grad()
            F.cross_entropy(head(body(images[batch])), classes[batch]).backward()
            optimizer.step()
    return body.eval()


PLANTS = (
    Plant("cached_buffer", cached_buffer),
    Plant("cached_buffer", answers_once),
    Plant("bias_dominates", bias_dominates),
    Plant("dead_units", dead_layer),
    Plant("saturated_head", head_of_probabilities),
    Plant("batchnorm_misuse", batchnorm_misuse),
    Plant("layernorm_size_one", layernorm_size_one),
    Plant("weights_not_loaded", weights_not_loaded),
)
