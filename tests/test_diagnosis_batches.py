"""Is a model whose rows depend on each other found, by each row alone and in a batch?"""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from diagnosis import diagnose
from diagnosis.isolation import seeded
from diagnosis.signature.signature import measure
from diagnosis.subject import Subject
from diagnosis.suspects.batch import batch_leak
from tests.tensors import normal

N = 128


class Applied(nn.Module):
    """A function of a network's outputs."""

    def __init__(self, function: Callable[[Tensor], Tensor], net: nn.Module | None = None) -> None:
        super().__init__()
        self.function = function
        self.net = net or nn.Sequential(nn.Linear(7, 32), nn.ReLU(), nn.Linear(32, 32))

    def forward(self, inputs: Tensor) -> Tensor:
        return self.function(self.net(inputs))


class Recurrent(nn.Module):
    """The last state of a GRU that runs along the batch."""

    def __init__(self, batch_first: bool = False) -> None:
        super().__init__()
        self.cells = nn.GRU(7, 32, batch_first=batch_first)

    def forward(self, inputs: Tensor) -> Tensor:
        states: Tensor = self.cells(inputs)[0]
        return states[:, -1]


class Attending(nn.Module):
    """Attention over the batch or over the places; without keys its weights are equal."""

    def __init__(self, batch_first: bool = False, keys: bool = True) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=batch_first)
        if not keys:
            nn.init.zeros_(self.attention.in_proj_weight[:16])

    def forward(self, inputs: Tensor) -> Tensor:
        answer: Tensor = self.attention(inputs, inputs, inputs)[0]
        return answer.mean(1)


def pooled(rows: Tensor) -> Tensor:
    return rows.mean((0, 1)).expand(len(rows), -1)


LEAKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "pooled over the batch": (lambda: Applied(pooled), (N, 9, 7)),
    "a mean added": (lambda: Applied(lambda rows: 0.02 * rows + rows.mean(0)), (N, 7)),
    "the highest of the batch": (lambda: Applied(lambda rows: rows.amax(0) + 0.01 * rows), (N, 7)),
    "a batch of one loses its dim": (lambda: Applied(lambda rows: pooled(rows[:, None]).squeeze()), (N, 7)),
    "attention over the batch": (lambda: Attending(keys=False), (N, 5, 8)),
}


@pytest.mark.parametrize("leak", LEAKS)
def test_a_model_whose_rows_see_each_other_is_named(leak: str) -> None:
    make, shape = LEAKS[leak]
    with seeded(1):
        model = make().eval()
    found = diagnose(model=model, inputs=normal(*shape))
    assert found.causes[0].name == "batch_leak"
    assert found.causes[0].counterfactual is not None
    assert found.causes[0].counterfactual.flips
    assert found.causes[0].evidence["share_of_rows_that_change_with_their_batch"] == 1


def test_rows_that_are_equal_within_each_batch_are_not_the_datas_copies() -> None:
    with seeded(1):
        model = Applied(pooled)
    found = diagnose(model=model, loader=list(normal(256, 9, 7).split(64)))
    assert found.signature["distinct_rows"] == 4
    assert [cause.name for cause in found.causes] == ["batch_leak"]


def test_both_sides_of_pairs_are_embedded_alone() -> None:
    with seeded(1):
        model = Applied(pooled)
    found = diagnose(model=model, inputs=normal(N, 9, 7), other_inputs=normal(N, 9, 7, seed=1))
    assert found.causes[0].name == "batch_leak"
    assert found.repaired is not None
    assert found.repaired.y is not None


def test_a_state_that_runs_along_the_batch_is_named() -> None:
    with seeded(1):
        model = Recurrent().eval()
        for bias in (model.cells.bias_ih_l0, model.cells.bias_hh_l0):
            nn.init.zeros_(bias)
        nn.init.constant_(model.cells.bias_ih_l0[32:64], 6)  # the update gate: the state is kept
    found = diagnose(model=model, inputs=normal(N, 3, 7) + 0.5)
    assert found.causes[0].name == "batch_leak"


def test_a_leak_that_does_no_harm_is_not_named() -> None:
    with seeded(1):
        model = Applied(lambda rows: rows - 0.5 * rows.mean(0), nn.Linear(7, 32)).eval()
    assert diagnose(model=model, inputs=normal(N, 7)).verdict == "healthy"


@pytest.mark.parametrize("make", [
    lambda: (Recurrent(batch_first=True), (N, 3, 7)),
    lambda: (Attending(batch_first=True), (N, 5, 8)),
    lambda: (nn.Sequential(nn.BatchNorm1d(7), nn.Linear(7, 8), nn.Dropout(0.5)).train(), (N, 7)),
    lambda: (nn.Sequential(nn.Linear(7, 8), nn.LayerNorm(8)).double(), (N, 7)),
])  # fmt: skip
def test_rows_that_see_only_themselves_give_no_clue(make: Callable[[], tuple[nn.Module, tuple[int, ...]]]) -> None:
    with seeded(1):
        model, shape = make()
    inputs = normal(*shape).to(next(model.parameters()).dtype)
    found = diagnose(model=model, inputs=inputs)
    assert "batch_leak" not in [cause.name for cause in found.causes]
    with torch.no_grad():
        subject = Subject(x=model(inputs), inputs=inputs, model=model)
    assert batch_leak(subject, measure(subject)) is None
