"""How soon `CollapseMonitor` sees a collapse, whether it keeps silent in healthy trainings, and what it costs.

Small networks learn scikit-learn's digits. In planted trainings a fault starts at step `START` + seed, or at step 0.
Each line gives the steps from the fault to the warning, the step named as the beginning, and the cause. Healthy
trainings have no fault. The cost is the ratio of a step's seconds with the monitor to those without, in blocks of one
training in random order; and the seconds spent in the monitor's hooks, which vary less. Trainings are seeded: a
processor gives the same counts each time, and another one may round differently.
"""

import random
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from command import Command
from diagnosis.monitor import CollapseMonitor
from tests.trainings import HEALTHY, MORE_HEALTHY, MORE_PLANTED, PLANTED, Training, network, steps, watched

AFTER = 100  # steps that a training goes on
TARGET_STEPS, TARGET_COST = 50, 0.01
BLOCK = 50  # steps


def delays(trainings: Mapping[str, Training], seeds: int) -> None:
    """Print one line per planted training."""
    for name, training in trainings.items():
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


def false_alarms(trainings: Mapping[str, Training], seeds: int) -> None:
    """Print one line per healthy training."""
    for name, training in trainings.items():
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
    """Counts the seconds spent in it."""

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
    parser = Command(
        "python -m tests.benchmarks.bench_monitor",
        __doc__,
        {"": "all seeds and rounds", "--seeds 2 --rounds 6": "a first look"},
    )
    parser.add_argument("--seeds", type=int, default=20, metavar="N", help="trainings of each kind (default: 20)")
    parser.add_argument("--rounds", type=int, default=60, metavar="N", help="blocks for the cost (default: 60)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    small = HEALTHY["cosine embedding"]
    cost(small, options.rounds, batch=64, block=BLOCK)
    cost(replace(small, width=768, dim=384), options.rounds // 3, batch=128, block=BLOCK // 2)
    cost(replace(small, dropout=0.1), options.rounds, batch=64, block=BLOCK)
    print(f"CPU capability {torch.backends.cpu.get_cpu_capability()}")
    for trainings in (PLANTED, MORE_PLANTED):
        delays(trainings, options.seeds)
    for trainings in (HEALTHY, MORE_HEALTHY):
        false_alarms(trainings, options.seeds)


if __name__ == "__main__":
    main()
