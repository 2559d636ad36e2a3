"""Is the layer named at which different inputs become equal?"""

import pytest
import torch
from torch import Tensor, nn

from diagnosis import diagnose
from diagnosis.isolation import seeded
from tests.tensors import normal


def network() -> nn.Sequential:
    with seeded(2):
        hidden = nn.Linear(16, 32), nn.LayerNorm(32), nn.ReLU(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 8)
        return nn.Sequential(*hidden).eval()


@pytest.mark.parametrize(("place", "named"), [
    (1, "1 (LayerNorm)"), (3, "3 (Linear)"), (5, "5 (Linear)"),
])  # fmt: skip
def test_the_first_layer_whose_bias_hides_the_input_is_named(place: int, named: str) -> None:
    net = network()
    with torch.no_grad():
        net[place].bias.fill_(-40 if place == 1 else 40)
    found = diagnose(model=net, inputs=normal(128, 16))
    assert found.signature["inputs_become_equal_at"] == named
    before, behind = (found.signature[f"mean_cosine_{name}_that_layer"] for name in ("before", "behind"))
    assert isinstance(before, float)
    assert isinstance(behind, float)
    assert before < 0.95 <= behind
    assert f"Different inputs become equal at this layer: {named}." in str(found)


def test_what_follows_the_last_layer_is_named_too() -> None:
    net = network()
    found = diagnose(model=lambda inputs: net(inputs) * 0.01 + 1, inputs=normal(128, 16))
    assert found.signature["inputs_become_equal_at"] == "what follows net.5 (Linear)"


def test_a_function_without_layers_is_named_as_a_whole() -> None:
    def model(inputs: Tensor) -> Tensor:
        return inputs * 0.01 + 1

    assert diagnose(model=model, inputs=normal(128, 16)).signature["inputs_become_equal_at"] == "the function"


def test_the_layer_that_makes_copies_is_named() -> None:
    class Rounded(nn.Module):
        def forward(self, rows: Tensor) -> Tensor:
            return rows.sign()

    net = nn.Sequential(nn.Linear(16, 3), Rounded(), nn.Linear(3, 8))
    assert diagnose(model=net, inputs=normal(128, 16)).signature["inputs_become_equal_at"] == "1 (Rounded)"


@pytest.mark.parametrize("inputs", [normal(128, 16), normal(1, 16).expand(128, -1)])
def test_no_layer_is_named_for_healthy_rows_or_equal_inputs(inputs: Tensor) -> None:
    assert "inputs_become_equal_at" not in diagnose(model=network(), inputs=inputs).signature
