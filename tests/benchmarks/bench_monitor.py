"""How soon `CollapseMonitor` sees a collapse, whether it keeps silent in healthy trainings, and what it costs.

    python -m tests.benchmarks.bench_monitor [--seeds 20] [--rounds 60]

Small networks learn scikit-learn's digits. In the planted trainings a fault sets in at step `START` + seed, or is
there from the first step on: printed is how many steps later the warning comes, which step it calls the begin, and the
cause. Healthy trainings have no fault. The cost is the ratio of a step's seconds with the monitor to those without,
blocks of one training side by side in random order; and the seconds within the monitor's hooks, which vary less.
"""

import argparse
import random
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from diagnosis.monitor import CollapseMonitor, CollapseWarning
from diagnosis.monitor.health import RANK
from diagnosis.validity.planted.sources import digits

START, AFTER = 150, 100
TARGET_STEPS, TARGET_COST = 50, 0.01
BLOCK = 50  # steps

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


def delays(seeds: int) -> None:
    """Print a line a planted training."""
    for name, training in PLANTED.items():
        starts = [training.start and training.start + seed for seed in range(seeds)]  # a look sees them sooner or later
        runs = [watched(replace(training, start=start), seed, start + AFTER) for seed, start in enumerate(starts)]
        seen = [(run.collapse, start) for run, start in zip(runs, starts, strict=True) if run.collapse]
        late, began = ([getattr(one, step) - start for one, start in seen] for step in ("seen", "began"))
        early, soon = sum(one < 0 for one in late), sum(0 <= one <= TARGET_STEPS for one in late)
        print(
            f"{name}: {len(seen)} of {seeds} warned, {early} too early, {soon} within {TARGET_STEPS} steps: "
            f"{quantiles(late)} after the fault; said to begin {quantiles(began)} after it; "
            f"{dict(Counter(one.cause for one, _ in seen))}"
        )


def false_alarms(seeds: int) -> None:
    """Print a line a healthy training."""
    for name, training in HEALTHY.items():
        runs = [watched(training, seed, 2 * AFTER) for seed in range(seeds)]
        warned = [run.collapse.cause for run in runs if run.collapse]
        cosines, ranks = (
            [run.curve()[figure].iloc[-1] for run in runs] for figure in ("mean_cosine", "participation_ratio")
        )
        print(
            f"{name}: {len(warned)} of {seeds} warned {warned}; at the end mean cosine {quantiles(cosines)}, "
            f"participation ratio {quantiles(ranks)}"
        )


class Timed(CollapseMonitor):
    """Knows the seconds that were spent in it."""

    seconds = 0.0

    def _call(self, *given: Any) -> None:
        begun = time.perf_counter()
        super()._call(*given)
        self.seconds += time.perf_counter() - begun

    def _update(self, *given: Any) -> None:
        begun = time.perf_counter()
        super()._update(*given)
        self.seconds += time.perf_counter() - begun


def cost(training: Training, rounds: int, batch: int, block: int) -> None:
    """Print the ratio of a step's seconds, and its 95 % interval (bootstrap of the median over rounds)."""
    model = network(training, 0)
    monitor, running, order = Timed(model), steps(training, model, 0, batch), random.Random(0)
    ratios, plain, own = [], [], 0.0
    for _ in range(rounds):
        seconds = {}
        for with_monitor in order.sample([True, False], 2):
            if with_monitor:
                monitor.attach()
            next(running)
            begun, before = time.perf_counter(), monitor.seconds
            for _ in range(block):
                next(running)
            seconds[with_monitor] = (time.perf_counter() - begun) / block
            own += monitor.seconds - before
            if with_monitor:
                monitor.detach()
        ratios.append(seconds[True] / seconds[False])
        plain.append(seconds[False])
    own_s = own / rounds / block
    drawn = np.random.default_rng(0).choice(ratios, (2000, rounds))
    low, high = np.quantile(np.median(drawn, axis=1), [0.025, 0.975])
    print(
        f"step of {1e3 * np.median(plain):.2f} ms: {np.median(ratios) - 1:+.2%} ({low - 1:+.2%} to {high - 1:+.2%}); "
        f"in the monitor {1e6 * own_s:.0f} us, {own_s / np.mean(plain):.2%}; target {TARGET_COST:.0%}"
    )


def quantiles(values: list[int] | list[float]) -> str:
    """Median, 95 % quantile and maximum."""
    if not values:
        return "-"
    return "/".join(f"{value:.3g}" for value in (np.median(values), np.quantile(values, 0.95), max(values)))


def main() -> None:
    """Measure all three."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=60)
    options = parser.parse_args()
    torch.set_num_threads(1)
    small = HEALTHY["cosine embedding"]
    cost(small, options.rounds, batch=64, block=BLOCK)
    cost(replace(small, width=768, dim=384), options.rounds // 3, batch=128, block=BLOCK // 2)
    delays(options.seeds)
    false_alarms(options.seeds)


if __name__ == "__main__":
    main()
