"""Small trainings on scikit-learn's digits, healthy ones and ones with a fault, for `CollapseMonitor` to watch."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

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
    """Even and odd digits, told apart by a readout that stays as it is."""
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
    """Each row is to find its partner among all of the batch; partners of its class are left out."""

    def loss(x: Tensor, y: Tensor, classes: Tensor, others: Tensor) -> Tensor:
        logits = F.normalize(x) @ F.normalize(y).T / temperature
        wrong = (classes[:, None] == others) & ~torch.eye(len(x), dtype=torch.bool)
        return F.cross_entropy(logits.masked_fill(wrong, -torch.inf), torch.arange(len(x)))

    return loss


def only_alike(x: Tensor, y: Tensor, classes: Tensor, others: Tensor) -> Tensor:
    """All pairs are said to be alike."""
    return 1 - F.cosine_similarity(x, y).mean()


def squashed(x: Tensor, y: Tensor, classes: Tensor, others: Tensor) -> Tensor:
    """The guide's: BCE of the sigmoid of the cosine, and one label for the batch."""
    alike = (classes == others).float()[:1].expand(len(x))
    return F.binary_cross_entropy(F.cosine_similarity(x, y).sigmoid(), alike)


def contrast(cosines: Tensor, labels: Tensor) -> Tensor:
    """Binary cross-entropy of a scaled and shifted cosine, for labels 0 and 1."""
    return F.binary_cross_entropy_with_logits(10 * cosines - 5, labels.float())


def correlated(x: Tensor, y: Tensor, classes: Tensor, others: Tensor) -> Tensor:
    """A term that is to make dimensions independent, with the wrong sign."""
    return cosine_embedding(x, y, classes, others) - 5 * torch.corrcoef(x.T).square().mean()


@dataclass(frozen=True)
class Training:
    """Adam on an objective; `fault` changes that from step `start` on, as `rate` does the learning rate."""

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


def network(training: Training, seed: int) -> nn.Sequential:
    """Three layers, `[N, 64]` to `[N, dim]`, whose last bias is `offset` and more."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        width = training.width
        layers = [nn.Linear(64, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, training.dim)]
    with torch.no_grad():
        layers[-1].bias += training.offset
    return nn.Sequential(*layers)


def steps(training: Training, model: nn.Module, seed: int, batch: int = 64) -> Iterator[int]:
    """Train for ever; every other pair is of one class. Each step's number, when it is done."""
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
    """The monitor after a training to step `last`, or to its warning."""
    model = network(training, seed)
    with warnings.catch_warnings(), CollapseMonitor(model, dimensions=training.dimensions) as monitor:
        warnings.simplefilter("ignore", CollapseWarning)
        running = steps(training, model, seed)
        while not monitor.collapse and next(running) < last:
            pass
    return monitor
