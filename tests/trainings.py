"""Small trainings on scikit-learn's digits, healthy ones and ones with a fault, for `CollapseMonitor` to watch."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from diagnosis.monitor import CollapseMonitor, CollapseWarning
from diagnosis.monitor.health import RANK
from diagnosis.validity.planted.sources import digits

START = 150  # the step at which a fault sets in

Objective = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
"""`(embeddings, those of partners, classes, partners' classes) -> loss`."""


def supervised(x: Tensor, y: Tensor, classes: Tensor, others: Tensor) -> Tensor:
    """Cross-entropy of the first ten dimensions."""
    return F.cross_entropy(x[:, :10], classes) + F.cross_entropy(y[:, :10], others)


def two_classes(x: Tensor, y: Tensor, classes: Tensor, others: Tensor) -> Tensor:
    """Even and odd digits, separated by a fixed readout."""
    readout = torch.linspace(-1, 1, x.shape[1])
    return F.binary_cross_entropy_with_logits(torch.cat([x, y]) @ readout, torch.cat([classes, others]) % 2.0)


def cosine_embedding(x: Tensor, y: Tensor, classes: Tensor, others: Tensor) -> Tensor:
    """torch's own."""
    return F.cosine_embedding_loss(x, y, 2.0 * (classes == others) - 1)


def contrastive(x: Tensor, y: Tensor, classes: Tensor, others: Tensor) -> Tensor:
    """Hadsell's, on the sphere, with margin 1."""
    distance = F.pairwise_distance(F.normalize(x), F.normalize(y))
    return torch.where(classes == others, distance, (1 - distance).clamp_min(0)).square().mean()


def supervised_contrastive(temperature: float) -> Objective:
    """Each row has to find its partner in the batch; other rows of its class are left out."""

    def loss(x: Tensor, y: Tensor, classes: Tensor, others: Tensor) -> Tensor:
        logits = F.normalize(x) @ F.normalize(y).T / temperature
        wrong = (classes[:, None] == others) & ~torch.eye(len(x), dtype=torch.bool)
        return F.cross_entropy(logits.masked_fill(wrong, -torch.inf), torch.arange(len(x)))

    return loss


def only_alike(x: Tensor, y: Tensor, classes: Tensor, others: Tensor) -> Tensor:
    """All pairs are labelled alike."""
    return 1 - F.cosine_similarity(x, y).mean()


def squashed(x: Tensor, y: Tensor, classes: Tensor, others: Tensor) -> Tensor:
    """The guide's loop: BCE of the sigmoid of the cosine, and one label for the batch."""
    alike = (classes == others).float()[:1].expand(len(x))
    return F.binary_cross_entropy(F.cosine_similarity(x, y).sigmoid(), alike)


def contrast(cosines: Tensor, labels: Tensor) -> Tensor:
    """Binary cross-entropy of a scaled and shifted cosine, for labels 0 and 1."""
    return F.binary_cross_entropy_with_logits(10 * cosines - 5, labels.float())


def correlated(x: Tensor, y: Tensor, classes: Tensor, others: Tensor) -> Tensor:
    """A term for independent dimensions, with the wrong sign."""
    return cosine_embedding(x, y, classes, others) - 5 * torch.corrcoef(x.T).square().mean()


class Normalised(nn.Module):
    """Unit rows."""

    def forward(self, x: Tensor) -> Tensor:
        return F.normalize(x)


@dataclass(frozen=True)
class Training:
    """AdamW on an objective; from step `start` on, `fault` replaces it and `faulty_rate` the learning rate.

    `head` scales the initial weights of the last layer, and a module of type `end` follows it.
    """

    objective: Objective
    fault: Objective | None = None
    rate: float = 1e-3
    faulty_rate: float | None = None
    decay: float = 0.0
    start: int = -1
    offset: float = 0.0
    width: int = 128
    dim: int = 32
    dimensions: float = RANK.most
    dropout: float = 0.0
    head: float = 1.0
    end: Callable[[], nn.Module] | None = None


HEALTHY: Mapping[str, Training] = {
    "supervised": Training(supervised),
    "two classes": Training(two_classes),
    "cosine embedding": Training(cosine_embedding),
    "contrastive": Training(contrastive),
    "contrastive, dimensions=1.5": Training(contrastive, dimensions=1.5),
    "temperature 0.1": Training(supervised_contrastive(0.1)),
    "temperature 0.02, offset": Training(supervised_contrastive(0.02), offset=1.0),
}
PLANTED: Mapping[str, Training] = {
    "no negatives": Training(cosine_embedding, only_alike, start=START),
    "no negatives at all": Training(only_alike, start=0),
    "learning rate x 300": Training(cosine_embedding, faulty_rate=0.3, start=START),
    "learning rate x 300, dimensions=1.5": Training(cosine_embedding, faulty_rate=0.3, start=START, dimensions=1.5),
    "learning rate 0.3": Training(cosine_embedding, rate=0.3, start=0),
    "weight decay": Training(contrastive, decay=500.0, start=START),
    "decorrelation, wrong sign, dimensions=1.5": Training(cosine_embedding, correlated, start=START, dimensions=1.5),
    "the guide's loop": Training(squashed, start=0),
}
RATE = replace(PLANTED["learning rate x 300"], start=START)
MORE_PLANTED: Mapping[str, Training] = {
    "no negatives, dropout 0.1": replace(PLANTED["no negatives"], dropout=0.1),
    "no negatives, dropout 0.5": replace(PLANTED["no negatives"], dropout=0.5),
    "no negatives at all, dropout 0.1": replace(PLANTED["no negatives at all"], dropout=0.1),
    "learning rate x 300, dropout 0.1": replace(RATE, dropout=0.1),
    "learning rate x 300, normalised": replace(RATE, end=Normalised),
    "learning rate x 300, layer norm": replace(RATE, end=partial(nn.LayerNorm, 32)),
    "learning rate x 300, temperature 0.1": replace(RATE, objective=supervised_contrastive(0.1)),
}
MORE_HEALTHY: Mapping[str, Training] = {
    "dropout 0.1": Training(cosine_embedding, dropout=0.1),
    "dropout 0.5": Training(cosine_embedding, dropout=0.5),
    "two classes, dropout 0.5": Training(two_classes, dropout=0.5),
    "two classes, small head": Training(two_classes, head=1e-4),
    "two classes, normalised": Training(two_classes, end=Normalised),
    "two classes, rate 0.01": Training(two_classes, rate=0.01),
    "supervised, rate 0.01": Training(supervised, rate=0.01),
    "normalised": Training(cosine_embedding, end=Normalised),
    "layer norm": Training(cosine_embedding, end=partial(nn.LayerNorm, 32)),
    "batch norm": Training(cosine_embedding, end=partial(nn.BatchNorm1d, 32)),
    "from all classes to two": Training(supervised, two_classes, start=100),
    "from pairs to all classes": Training(cosine_embedding, supervised, start=100),
    "two dimensions": Training(contrastive, dim=2),
}


def network(training: Training, seed: int) -> nn.Sequential:
    """Three layers, `[N, 64]` to `[N, dim]`, whose last bias is `offset` and more."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        width = training.width
        first, second, last = nn.Linear(64, width), nn.Linear(width, width), nn.Linear(width, training.dim)
    with torch.no_grad():
        last.weight *= training.head
        last.bias *= training.head
        last.bias += training.offset
    dropout = [nn.Dropout(training.dropout)] if training.dropout else []
    end = [training.end()] if training.end else []
    return nn.Sequential(first, nn.ReLU(), *dropout, second, nn.ReLU(), *dropout, last, *end)


def steps(training: Training, model: nn.Module, seed: int, batch: int = 64) -> Iterator[int]:
    """Train for ever; every other pair is of one class. Yields the number of each step when it is done."""
    images, classes = digits()
    generator = torch.Generator().manual_seed(seed)
    by_class, counts = classes.argsort(), classes.bincount()
    starts = counts.cumsum(0) - counts
    parameters = list(model.parameters())
    groups = [{"params": [one for one in parameters if one.ndim == dims], "weight_decay": 0.0} for dims in (2, 1)]
    optimiser = torch.optim.AdamW(groups, training.rate)
    objective, number = training.objective, 0
    while True:
        if number == training.start:
            objective = training.fault or objective
            for group in groups:
                group["lr"] = training.faulty_rate or training.rate
            groups[0]["weight_decay"] = training.decay  # of weights, not of biases, as is usual
        first, second = torch.randint(len(images), (2, batch), generator=generator)
        own = classes[first[::2]]
        second[::2] = by_class[starts[own] + (torch.rand(len(own), generator=generator) * counts[own]).long()]
        optimiser.zero_grad()
        objective(model(images[first]), model(images[second]), classes[first], classes[second]).backward()
        optimiser.step()
        yield number
        number += 1


def watched(training: Training, seed: int, last: int) -> CollapseMonitor:
    """The monitor after training until step `last`, or until it warns."""
    model = network(training, seed)
    monitor = CollapseMonitor(model, dimensions=training.dimensions)
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]), monitor:
        warnings.simplefilter("ignore", CollapseWarning)
        torch.manual_seed(seed)  # of dropout
        running = steps(training, model, seed)
        while not monitor.collapse and next(running) < last:
            pass
    return monitor
