"""Does the monitor warn once, in time and with the cause, stay silent in healthy trainings, and change nothing?"""

import copy
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from diagnosis.monitor import CollapseMonitor, CollapseWarning
from diagnosis.monitor.health import METRICS, Health
from diagnosis.monitor.metrics import Metrics, metrics_of
from diagnosis.monitor.weights import Weights
from diagnosis.signature.signature import measure as signature
from diagnosis.subject import DiagnosisError, Subject
from tests.trainings import HEALTHY, network, steps

pytestmark = pytest.mark.usefixtures("one_thread")


class Given(nn.Module):
    """Returns its input through a trainable weight of 1."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, embeddings: Tensor) -> Tensor:
        return self.weight.to(embeddings.dtype) * embeddings


class Pairs(nn.Module):
    """Calls a module twice a step, each time for one row."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, pair: Tensor) -> Tensor:
        return self.model(pair[:1]) * self.model(pair[1:])


def cloud(rows: int, offset: float, seed: int = 0) -> Tensor:
    """Gaussian rows around `offset`: their mean cosine is offset^2 / (1 + offset^2)."""
    return torch.randn(rows, 16, generator=torch.Generator().manual_seed(seed)) + offset


def train(module: nn.Module, batches: Iterator[Tensor] | list[Tensor]) -> None:
    optimiser = torch.optim.SGD(module.parameters())
    for batch in batches:
        module(batch).float().sum().backward()
        optimiser.zero_grad()
        optimiser.step()  # without effect: gradients are zero


def collapsing(healthy: int, collapsed: int, rows: int = 32) -> list[Tensor]:
    return [cloud(rows, 0.5 if step < healthy else 20, step) for step in range(healthy + collapsed)]


def shrinking(age: int, seed: int) -> Tensor:
    """Rows that approach one point, as in a training without negatives."""
    return 1 + 0.8**age * cloud(64, 0, seed)


def clusters(length: float, seed: int) -> Tensor:
    """Rows of about this length along one line, on both sides of 0."""
    sides = torch.where(torch.arange(64) % 3 == 0, 1.0, -1.0)[:, None]
    return length * (sides * F.normalize(cloud(1, 0)) + 0.05 * cloud(64, 0, seed))


def exploding(age: int, seed: int) -> Tensor:
    """Embeddings under a learning rate that is too high: two clusters of rows that grow step by step."""
    return clusters(min(5.0**age, 1e5), seed)


@pytest.mark.parametrize("start", [1, 150, 163, 174])
@pytest.mark.parametrize("fault", [shrinking, exploding])
def test_a_collapse_is_seen_within_50_steps_of_its_start(fault: Callable[[int, int], Tensor], start: int) -> None:
    batches = [cloud(64, 0.1, step) if step < start else fault(step - start, step) for step in range(start + 51)]
    with pytest.warns(CollapseWarning), CollapseMonitor(model := Given()) as monitor:
        train(model, batches)
    assert monitor.collapse is not None
    assert start <= monitor.collapse.began <= start + 30
    assert monitor.collapse.began < monitor.collapse.seen <= start + 50
    assert monitor.collapse.cause == "training_collapse"


@pytest.mark.parametrize("length", [(1, 100), (1e-4, 100), (1e-4, 1e-3), (20, 2000)])
def test_two_classes_with_longer_rows_are_no_collapse(length: tuple[float, float]) -> None:
    before, after = length
    batches = [
        before / 4 * cloud(64, 0.1, step) if step < 40 else clusters(after, step).lerp(cloud(64, 0, step), 1e-4)
        for step in range(200)
    ]
    with warnings.catch_warnings(), CollapseMonitor(model := Given(), every=10):
        warnings.simplefilter("error")
        train(model, batches)


def test_one_number_learnt_by_a_head_that_started_small_is_no_collapse() -> None:
    line = cloud(1, 0)
    batches = [
        1e-4 * cloud(64, 0, step) + (cloud(64, 0, step)[:, :1] * line if step >= 40 else 0) for step in range(200)
    ]
    with warnings.catch_warnings(), CollapseMonitor(model := Given(), every=10):
        warnings.simplefilter("error")
        train(model, batches)


class Normalised(nn.Module):
    """Unit rows of a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(16, 16, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.normalize(self.linear(x))


@pytest.mark.parametrize("growth", [1, 3, 20])
def test_a_rate_too_high_shows_in_the_weights_where_outputs_are_normalised(growth: float) -> None:
    model = Normalised()
    weight = F.normalize(cloud(16, 0))
    few = torch.outer(weight[0], weight[1]) + 0.02 * weight
    model.linear.weight.data = weight.clone()
    with warnings.catch_warnings(record=True) as caught, CollapseMonitor(model, every=5) as monitor:
        warnings.simplefilter("always")
        train(model, [cloud(64, 0, step) for step in range(40)])
        model.linear.weight.data = growth * weight.norm() * F.normalize(few.flatten(), dim=0).view(16, 16)
        train(model, [cloud(64, 0, step) for step in range(40, 80)])
    assert len(caught) == (growth > 5)
    assert not monitor.collapse or (monitor.collapse.cause, monitor.collapse.began) == ("training_collapse", 40)


def test_the_growth_of_weights() -> None:
    model = nn.Sequential(nn.Linear(8, 12), nn.Linear(12, 12), nn.Linear(12, 3))
    for layer in model:
        layer.weight.data.fill_(1.0)
    weights = Weights(model, window=10)
    weights.record(0)
    assert weights.growth() == 1
    for layer in model:
        layer.weight.data *= 4
    weights.record(10)
    assert weights.growth() == pytest.approx(4)
    weights.record(20)
    assert weights.growth() == 1  # the window has passed
    model[0].requires_grad_(False)
    assert weights.growth() == 1
    small = nn.Linear(8, 3)
    small.weight.data.fill_(1e-6)
    weights = Weights(small, window=10)
    weights.record(0)
    small.weight.data.fill_(8**-0.5)  # unit rows
    assert weights.growth() == pytest.approx(3**0.5)
    assert Weights(nn.ReLU(), window=10).growth() == 1


@pytest.mark.parametrize("name", [name for name in HEALTHY if "dimensions" not in name])
def test_a_healthy_training_gives_no_warning(name: str) -> None:
    training = HEALTHY[name]
    model = network(training, 1)
    with warnings.catch_warnings(), CollapseMonitor(model) as monitor:
        warnings.simplefilter("error")
        running = steps(training, model, 1)
        for _ in range(121):
            next(running)
    assert set(range(0, 101, 25)) <= set(monitor.curve()["step"])


def test_it_warns_once_with_what_to_do_next() -> None:
    model = Given()
    with warnings.catch_warnings(record=True) as caught, CollapseMonitor(model, every=5) as monitor:
        warnings.simplefilter("always")
        train(model, collapsing(102, 50))
    (warning,) = caught
    assert warning.category is CollapseWarning
    assert str(warning.message).startswith(
        "Given: the embeddings have collapsed: training_collapse, since step 105, seen at step 109; 1 - mean cosine "
    )
    assert monitor.collapse is not None
    assert monitor.collapse.before == pytest.approx(0.8, abs=0.05)
    assert "```" in monitor.collapse.remedy


def test_a_high_mean_cosine_that_was_always_there_is_none() -> None:
    model = Given()
    with warnings.catch_warnings(), CollapseMonitor(model, every=1):
        warnings.simplefilter("error")
        train(model, [cloud(32, 10, step) for step in range(60)])


def test_what_returns_is_no_collapse() -> None:
    model = Given()
    batches = [cloud(32, 20 if step % 10 < 4 else 0.5, step) for step in range(60)]
    with warnings.catch_warnings(), CollapseMonitor(model, every=1):
        warnings.simplefilter("error")
        train(model, batches)


def rogue(step: int) -> Tensor:
    rows = cloud(32, 0, step)
    rows[:, 3] += 200
    return rows


@pytest.mark.parametrize(
    ("cause", "collapsed"),
    [
        ("rogue_dimension", rogue),
        ("nan_or_zero_rows", lambda step: cloud(32, 0, step) * torch.nan),
        ("nan_or_zero_rows", lambda step: cloud(32, 0, step) * 0),
        ("overflow", lambda step: (cloud(32, 0, step) * 3e4).half()),
        ("rank_collapse", lambda step: cloud(32, 0, step)[:, :1] * cloud(1, 0) + 1e-4 * cloud(32, 0, step)),
        ("training_collapse", lambda step: cloud(1, 0).expand(32, 16)),
        ("training_collapse", lambda step: cloud(32, 100, step).relu()),
    ],
)
def test_the_cause_is_named(cause: str, collapsed: Callable[[int], Tensor]) -> None:
    model = Given()
    with (
        pytest.warns(CollapseWarning, match=f"have collapsed: {cause}, since step 40"),
        CollapseMonitor(model, every=10) as monitor,
    ):
        train(model, [cloud(32, 0.5, step) if step < 40 else collapsed(step) for step in range(60)])
    assert monitor.collapse is not None
    assert (monitor.collapse.cause, monitor.collapse.seen) == (cause, 44)


def test_the_limit_of_few_dimensions_is_an_option() -> None:
    def line(step: int) -> Tensor:
        return cloud(32, 0, step)[:, :1] * cloud(1, 0) + 0.1 * cloud(32, 0, step)

    batches = [line(step) if step >= 40 else cloud(32, 0, step) for step in range(80)]
    with warnings.catch_warnings(), CollapseMonitor(model := Given()):
        warnings.simplefilter("error")
        train(model, batches)
    with pytest.warns(CollapseWarning, match="rank_collapse"), CollapseMonitor(model := Given(), dimensions=1.5):
        train(model, batches)


def test_two_clusters_are_no_rank_collapse() -> None:
    model, sides = Given(), torch.where(torch.arange(32) % 2 == 0, 1.0, -1.0)[:, None]
    with warnings.catch_warnings(), CollapseMonitor(model, every=10):
        warnings.simplefilter("error")
        train(model, [cloud(32, 0, step) if step < 40 else sides + 0.001 * cloud(32, 0, step) for step in range(80)])


def test_two_clusters_are_too_few_where_more_dimensions_are_required() -> None:
    sides = torch.where(torch.arange(32) % 2 == 0, 1.0, -1.0)[:, None]
    batches = [cloud(32, 0, step) if step < 40 else sides + 0.001 * cloud(32, 0, step) for step in range(80)]
    with pytest.warns(CollapseWarning, match="rank_collapse"), CollapseMonitor(model := Given(), dimensions=1.5):
        train(model, batches)


def test_a_step_ends_with_that_of_the_optimiser() -> None:
    model = nn.Linear(4, 3)
    optimiser = torch.optim.Adam(model.parameters())
    with CollapseMonitor(model, every=1) as monitor:
        for _ in range(3):
            for _ in range(2):  # accumulates gradients
                F.cosine_similarity(model(torch.randn(8, 4)), model(torch.randn(8, 4))).mean().backward()
            optimiser.step()
            with torch.no_grad():
                model(torch.randn(8, 4))
            model.eval()(torch.randn(8, 4))
            model.train()
            optimiser.step()  # of another network
    assert list(monitor.curve()["step"]) == [0, 1, 2]


def test_explicit_steps_replace_counted_ones() -> None:
    model = nn.Linear(4, 3)
    with CollapseMonitor(model, every=1) as monitor:
        monitor.step(100)
        for batch in range(6):
            model(torch.randn(16, 4)).sum().backward()
            if batch % 2:
                monitor.step()
                monitor.step(101 + batch // 2)
    assert list(monitor.curve()["step"]) == [100, 101, 102]


def test_pairs_one_at_a_time_are_gathered_over_steps() -> None:
    model = Given()
    with pytest.warns(CollapseWarning), CollapseMonitor(model, every=1) as monitor:
        train(Pairs(model), collapsing(80, 70, rows=2))
    assert list(monitor.curve()["step"][:3]) == [7, 15, 23]
    assert monitor.collapse is not None
    assert 80 <= monitor.collapse.began < monitor.collapse.seen <= 130


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_it_works_under_autocast(dtype: torch.dtype) -> None:
    model = nn.Linear(16, 16)
    with CollapseMonitor(model, every=1) as monitor, torch.autocast("cpu", dtype):
        put_out = model(cloud(32, 0.5))
        monitor.step()
    expected = signature(Subject(x=put_out.detach().double()))
    assert put_out.dtype == dtype
    assert monitor.curve()["mean_cosine"].item() == pytest.approx(expected.mean_cosine, abs=1e-5)


def test_many_rows_of_sequences_are_thinned() -> None:
    model = nn.Linear(4, 3)
    with CollapseMonitor(model, every=1) as monitor:
        model(torch.randn(32, 128, 4))
        (rows,) = monitor._rows
        assert rows.shape[0] <= 64
        assert not rows.requires_grad
        monitor.step()


@settings(deadline=None, max_examples=40)
@given(
    rows=st.integers(2, 40),
    columns=st.integers(1, 20),
    offset=st.floats(-30, 30),
    scale=st.sampled_from([1e-30, 1, 1e30]),
    lost=st.integers(0, 3),
    seed=st.integers(0, 99),
)
def test_figures_are_those_of_the_signature(
    rows: int, columns: int, offset: float, scale: float, lost: int, seed: int
) -> None:
    table = (torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed)) + offset) * scale
    whole = torch.cat([table, torch.tensor([[0.0], [torch.nan], [torch.inf]])[:lost].expand(lost, columns)])
    found, expected = metrics_of(0, whole), signature(Subject(x=whole))
    for name in ("mean_cosine", "mean_share", "top_dimension_energy"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name), abs=2e-5), name
    units = F.normalize(table.double() / scale)
    variances = torch.linalg.svdvals(units - units.mean(0)).square()
    if columns > 1:
        ratio = float(variances.sum().square() / variances.square().sum())
        assert found.participation_ratio == pytest.approx(ratio, rel=1e-2)
    assert found.usable_rows == pytest.approx(rows / (rows + lost))


def test_the_beginning_is_where_the_healthy_range_was_left() -> None:
    health, noise = Health(METRICS[1], window=200), np.random.default_rng(0).normal(0, 0.02, 60)
    for step in range(60):
        spread = 0.8 * min(1, 0.7 ** (step - 39)) * np.exp(noise[step])
        health.add(Metrics(step, 1, 1 - spread))
    assert health.fallen[0].step > 45
    assert health.began() == 40


def test_nothing_of_the_training_is_changed() -> None:
    def weights(*, monitored: bool) -> tuple[list[Tensor], Tensor]:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(16, 16), nn.Dropout(0.2), nn.Linear(16, 8))
        optimiser = torch.optim.SGD(model.parameters(), 0.1)
        monitor = CollapseMonitor(model, every=1)
        if monitored:
            monitor.attach()
        for step in range(30):
            optimiser.zero_grad()
            put_out = model(cloud(32, 0.1 if step < 15 else 1e3, step))
            (put_out.square().mean() / put_out.detach().square().mean()).backward()
            optimiser.step()
        monitor.detach()
        assert (monitor.collapse is not None) == monitored
        return [one.detach() for one in model.parameters()], torch.rand(1)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CollapseWarning)
        (left, drawn), (right, other) = weights(monitored=True), weights(monitored=False)
    assert all(map(torch.equal, left, right))
    assert torch.equal(drawn, other)


# ---- noise of training mode


class Noise(nn.Module):
    """Adds noise without a torch module."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind, self.generator = kind, torch.Generator()

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        if self.kind == "functional dropout":
            return F.dropout(x, 0.3)
        if self.kind == "generator of its own":
            return x + 0.3 * torch.randn(x.shape, generator=self.generator)
        if self.kind == "NumPy":
            return x + 0.3 * torch.from_numpy(np.random.default_rng().normal(size=tuple(x.shape))).float()
        return x + 0.3 * x * (torch.rand(len(x), 1) < 0.8)  # drops a path per row


class Encoder(nn.Module):
    """Calls a head by keyword, behind a transformer with dropout."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, batch_first=True)
        self.layers, self.head = nn.TransformerEncoder(layer, 1), head

    def forward(self, x: Tensor) -> Tensor:
        return self.head(input=self.layers(x.view(-1, 2, 8)).mean(1))


NOISY: dict[str, Callable[[], nn.Module]] = {
    "dropout": lambda: nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 32)),
    "dropout of the outputs": lambda: nn.Sequential(nn.Linear(16, 32), nn.Dropout(0.1)),
    "RReLU": lambda: nn.Sequential(nn.Linear(16, 64), nn.RReLU(), nn.Linear(64, 32)),
    "batch norm": lambda: nn.Sequential(nn.Linear(16, 64), nn.Dropout(0.1), nn.Linear(64, 32), nn.BatchNorm1d(32)),
    "transformer": lambda: Encoder(nn.Linear(8, 32)),
    **{
        kind: lambda kind=kind: nn.Sequential(nn.Linear(16, 64), Noise(kind), nn.Linear(64, 32))  # type: ignore[misc]
        for kind in ("functional dropout", "generator of its own", "NumPy", "dropped paths")
    },
}


@pytest.mark.parametrize("watched", ["network", "head"])
@pytest.mark.parametrize("name", [name for name in NOISY if name != "batch norm"])
def test_noise_does_not_hide_a_collapse(name: str, watched: str) -> None:
    torch.manual_seed(0)
    model = NOISY[name]()
    module = model if watched == "network" else list(model.children())[-1]
    with pytest.warns(CollapseWarning, match="1 - mean cosine fell"), CollapseMonitor(module, every=10) as monitor:
        train(model, [cloud(64, 0, step) if step < 30 else cloud(1, 0).expand(64, 16) for step in range(50)])
    assert monitor.collapse is not None
    assert (monitor.collapse.began, monitor.collapse.seen) == (30, 34)
    assert monitor.collapse.after < 1e-5


@pytest.mark.parametrize("name", NOISY)
def test_noise_in_a_healthy_training_gives_no_warning(name: str) -> None:
    torch.manual_seed(0)
    with warnings.catch_warnings(), CollapseMonitor(model := NOISY[name](), every=5) as monitor:
        warnings.simplefilter("error")
        train(model, [cloud(64, 0, step) for step in range(60)])
    assert monitor.curve()["mean_cosine"].max() < 0.9


def test_a_noiseless_figure_has_to_fall_further() -> None:
    health = Health(METRICS[1], window=200)
    health.add(Metrics(0, 1, 1 - 0.15), noiseless=True)
    assert health.limit() == pytest.approx(0.03)
    assert health.limit(noiseless=True) == pytest.approx(0.01)
    health.add(Metrics(1, 1, 1 - 0.02), noiseless=True)
    assert not health.fallen
    health.add(Metrics(2, 1, 1 - 0.005), noiseless=True)
    assert [one.step for one in health.fallen] == [2]


class Meddler(nn.Module):
    """Draws random numbers, counts calls, keeps tensors in lists, buffers and attributes, and stores a loss."""

    seen: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.linear, self.norm = nn.Linear(16, 16), nn.BatchNorm1d(16)
        self.register_buffer("seen", torch.zeros(()))
        self.calls, self.losses, self.queue = 0, list[float](), torch.zeros(16)
        self.loss = torch.zeros(())

    def forward(self, x: Tensor) -> Tensor:
        y = F.dropout(self.norm(self.linear(x)), 0.2, self.training)
        self.calls += 1
        self.seen += len(x)
        self.queue[:] = y[0].detach()
        self.loss = y.square().mean()
        self.losses.append(self.loss.item())
        return y


def test_the_network_that_runs_once_more_is_left_as_it_was() -> None:
    def trained(*, monitored: bool) -> tuple[object, ...]:
        torch.manual_seed(0)
        model, calls = Meddler(), list[str]()
        model.register_forward_hook(lambda *_: calls.append("after"))
        model.linear.register_forward_pre_hook(lambda *_: calls.append("before"))
        optimiser, monitor = torch.optim.SGD(model.parameters(), 0.1), CollapseMonitor(model.linear, every=1)
        if monitored:
            monitor.attach()
        for step in range(5):
            model(cloud(40, 0, step))
            optimiser.zero_grad()
            model.loss.backward()
            optimiser.step()
        assert len(monitor.curve()) == (5 if monitored else 0)
        assert model.training
        monitor.detach()
        state = {name: value.tolist() for name, value in model.state_dict().items()}
        return state, model.calls, model.losses, model.queue.tolist(), model.loss.item(), calls, torch.rand(1).item()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert trained(monitored=True) == trained(monitored=False)


class Written(nn.Module):
    """Writes into weights, nested containers or an unregistered module in each forward call."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self.what, self.linear, self.teacher = what, nn.Linear(16, 16), nn.Linear(16, 16)
        self.hidden = [nn.BatchNorm1d(16)]
        self.state: dict[str, list[Any]] = {"calls": [0], "mean": [torch.zeros(16)], "random": [torch.Generator()]}
        self.state["itself"] = [self.state]
        self.pair = (self.state["mean"][0], "mean")

    @torch.no_grad()
    def write(self, x: Tensor) -> Tensor | float:
        state, weight, source = self.state, self.teacher.weight, self.linear.weight
        match self.what:
            case "weights in place":
                weight.mul_(0.9).add_(source, alpha=0.1)
            case "data of weights in place":
                source.data.div_(source.data.norm(dim=1, keepdim=True))
            case "data of weights":
                weight.data = 0.9 * weight.data + 0.1 * source.data
            case "several weights at once":
                torch._foreach_lerp_(list(self.teacher.parameters()), list(self.linear.parameters()), 0.1)
            case "nested containers":
                state["calls"][0] += 1
                state["mean"][0] += 1
                self.pair[0].add_(1)
                return state["calls"][0] + torch.rand(1, generator=state["random"][0])
            case "a hidden module":
                return self.hidden[0](x)
        return self.teacher(x)

    def forward(self, x: Tensor) -> Tensor:
        return F.dropout(self.linear(x), 0.2, self.training) + 0.1 * self.write(x)


@pytest.mark.parametrize(
    "what",
    [
        "weights in place",
        "data of weights in place",
        "data of weights",
        "several weights at once",
        "nested containers",
        "a hidden module",
    ],
)
def test_what_a_network_writes_when_it_runs_once_more_is_restored(what: str) -> None:
    def trained(*, monitored: bool) -> list[list[float]]:
        torch.manual_seed(0)
        model = Written(what)
        monitor = CollapseMonitor(model, every=1)
        optimiser = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
        if monitored:
            monitor.attach()
        for step in range(4):
            optimiser.zero_grad()
            model(cloud(40, 0, step)).square().mean().backward()
            optimiser.step()
        assert not monitored or (monitor._noiseless._noisy and monitor._noiseless._whole), "the network reran"
        monitor.detach()
        tensors = [*model.state_dict().values(), *model.hidden[0].state_dict().values(), *model.state["mean"]]
        generator = model.state["random"][0].get_state()
        return [one.tolist() for one in (*tensors, generator, torch.tensor(model.state["calls"]))]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert trained(monitored=True) == trained(monitored=False)


class Strict(nn.Module):
    """Refuses to run in eval mode."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        assert self.training
        return self.module(x)


def test_where_the_network_does_not_run_once_more_the_module_alone_does() -> None:
    model = Strict(nn.Sequential(nn.Linear(16, 64), nn.Dropout(0.5), nn.Linear(64, 32)))
    batches = [cloud(64, 0, step) if step < 30 else cloud(1, 0).expand(64, 16) for step in range(50)]
    with pytest.warns(CollapseWarning), CollapseMonitor(model.module, every=10):
        train(model, batches)
    with warnings.catch_warnings(), CollapseMonitor(model, every=10) as monitor:
        warnings.simplefilter("error")
        train(model, batches)  # noise hides the collapse
    assert len(monitor.curve()) == 5


def test_a_compiled_network_with_noise_is_not_compiled_again() -> None:
    graphs = list[object]()

    def backend(graph: torch.fx.GraphModule, _: object) -> Callable[..., object]:
        graphs.append(graph)
        return graph.forward

    model = torch.compile(NOISY["dropout"](), backend=backend)
    train(model, [cloud(64, 0)])
    before = len(graphs)
    with pytest.warns(CollapseWarning), CollapseMonitor(model, every=10):
        train(model, [cloud(64, 0, step) if step < 30 else cloud(1, 0).repeat(64, 1) for step in range(50)])
    assert len(graphs) == before


def test_attach_and_detach_leave_no_hook() -> None:
    model = nn.Linear(4, 3)
    monitor = CollapseMonitor(model, every=1)
    monitor.attach()
    monitor.attach()
    train(model, [torch.randn(16, 4)])
    monitor.detach()
    monitor.detach()
    train(model, [torch.randn(16, 4)])
    assert len(monitor.curve()) == 1
    assert not model._forward_hooks


def test_a_copy_of_the_model_is_not_watched() -> None:
    model = nn.Linear(4, 3)
    with CollapseMonitor(model, every=1) as monitor:
        average = copy.deepcopy(model)
        train(model, [torch.randn(16, 4)])
        train(average, [torch.randn(16, 4)] * 2)
    assert len(monitor.curve()) == 1


def test_a_compiled_module_is_watched() -> None:
    model = torch.compile(nn.Linear(4, 3), backend="eager")
    with CollapseMonitor(model, every=1) as monitor:
        train(model, [torch.randn(16, 4)] * 2)
    assert len(monitor.curve()) == 2


def test_the_curve_is_written_and_drawn(tmp_path: Path) -> None:
    model = Given()
    with pytest.warns(CollapseWarning), CollapseMonitor(model, every=10, curve=tmp_path / "curve.csv") as monitor:
        train(model, collapsing(40, 40))
    written = pd.read_csv(tmp_path / "curve.csv")
    pd.testing.assert_frame_equal(written, monitor.curve())
    assert list(written["step"][written["collapsed"]]) == [40, 41, 42, 43, 44, 54, 64, 74]
    monitor.plot(tmp_path / "curve.png")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_a_monitor_that_saw_nothing_says_so() -> None:
    model = nn.Linear(4, 3)
    with pytest.warns(UserWarning, match="saw 0 calls of the Linear in train mode .* no step; hand over"):  # noqa: SIM117
        with CollapseMonitor(model):
            train(model.eval(), [torch.randn(16, 4)])
    with pytest.warns(UserWarning, match=r"saw 1 calls .* call step\(\)"), CollapseMonitor(model.train()):
        model(torch.randn(16, 4)).sum().backward()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"module": "head"}, "module is a str; hand over the nn.Module"),
        ({"every": 0}, "every=0 and window=500; needed is 1 <= every <= window"),
        ({"every": 20, "window": 10}, "every=20 and window=10; needed"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(DiagnosisError, match=message):
        CollapseMonitor(**({"module": nn.Linear(4, 3)} | arguments))  # type: ignore[arg-type]


def test_what_is_no_embeddings_is_refused() -> None:
    model = nn.LSTM(4, 3)
    monitor = CollapseMonitor(model)
    monitor.attach()
    with pytest.raises(DiagnosisError, match="the LSTM put out a tuple, not embeddings"):
        model(torch.randn(2, 4))


# ---- Lightning


@pytest.fixture
def no_lightning(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("lightning", "lightning.pytorch", "lightning.pytorch.callbacks", "pytorch_lightning"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "diagnosis.monitor.lightning", raising=False)
    return monkeypatch


def test_without_lightning_it_says_what_to_install(no_lightning: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImportError, match=r"needs Lightning, .* `pip install lightning`; without it, CollapseMonitor"):
        import diagnosis.monitor.lightning  # noqa: F401


def test_the_callback_counts_the_trainers_steps(no_lightning: pytest.MonkeyPatch) -> None:
    stand_in = types.ModuleType("pytorch_lightning.callbacks")
    stand_in.Callback = type("Callback", (), {})  # type: ignore[attr-defined]
    no_lightning.setitem(sys.modules, "pytorch_lightning", types.ModuleType("pytorch_lightning"))
    no_lightning.setitem(sys.modules, "pytorch_lightning.callbacks", stand_in)
    from diagnosis.monitor.lightning import CollapseCallback

    trainer, module = types.SimpleNamespace(global_step=7), nn.Sequential(nn.Linear(4, 3))
    callback = CollapseCallback("0", every=1)
    callback.on_train_start(trainer, module)
    for batch in range(4):
        module(torch.randn(16, 4)).sum().backward()
        trainer.global_step += batch % 2  # two batches make a step
        callback.on_train_batch_end(trainer, module, None, None, batch)
    callback.on_train_end(trainer, module)
    assert callback.monitor is not None
    assert list(callback.monitor.curve()["step"]) == [7, 8]
    with pytest.raises(DiagnosisError, match="the Sequential has no module 'head'; it has 0"):
        CollapseCallback("head").on_train_start(trainer, module)
