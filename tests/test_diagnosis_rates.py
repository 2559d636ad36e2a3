"""Is a learning rate that is handed over with a collapse named as too high?"""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from diagnosis import diagnose
from diagnosis.isolation import seeded
from tests.tensors import normal
from tests.trainings import contrast


def collapsed(net: nn.Sequential) -> nn.Module:
    """The network as a training leaves it that ran into one point: small weights below large biases."""
    with torch.no_grad():
        for layer in net:
            if isinstance(layer, nn.Linear):
                layer.weight.mul_(0.05)
                if layer.bias is not None:
                    layer.bias.add_(torch.randn(layer.bias.shape))
    return net.eval()


def perceptron() -> nn.Sequential:
    return nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32, bias=False))


def smooth() -> nn.Sequential:
    return nn.Sequential(nn.Linear(16, 64), nn.GELU(), nn.Linear(64, 32), nn.LayerNorm(32, elementwise_affine=False))


def wide() -> nn.Sequential:
    return nn.Sequential(nn.Linear(16, 256), nn.Tanh(), nn.Linear(256, 24), nn.Tanh(), nn.Linear(24, 48))


@pytest.mark.parametrize("make", [perceptron, smooth, wide])
@pytest.mark.parametrize("rate", [1e-2, 1.0])
def test_a_high_rate_is_named_where_a_model_collapsed(make: Callable[[], nn.Sequential], rate: float) -> None:
    with seeded(3):
        model = collapsed(make())
    found = diagnose(model=model, inputs=normal(128, 16), learning_rate=rate)
    assert found.causes[0].name == "learning_rate_too_high"
    assert found.causes[0].evidence["learning_rate"] == rate


def test_a_usual_rate_is_not_named() -> None:
    with seeded(3):
        model = collapsed(perceptron())
    found = diagnose(model=model, inputs=normal(128, 16), learning_rate=1e-4)
    assert found.causes
    assert "learning_rate_too_high" not in [cause.name for cause in found.causes]


def test_a_high_rate_is_named_with_the_loss_too_and_for_embeddings_alone() -> None:
    with seeded(3):
        model = collapsed(perceptron())
    pairs = (normal(128, 16), normal(128, 16, seed=1), torch.tensor([0, 1] * 64))
    known = diagnose(model=model, loader=[pairs], loss=contrast, learning_rate=1e-2)
    assert "learning_rate_too_high" in [cause.name for cause in known.causes]
    point: Tensor = normal(1, 16) + 0.005 * normal(200, 16, seed=1)
    assert diagnose(point, learning_rate=1e-2).causes[0].name == "learning_rate_too_high"
    assert diagnose(point, learning_rate=1e-3).causes[0].name != "learning_rate_too_high"
    assert diagnose(normal(200, 16), learning_rate=1e-2).verdict == "healthy"
