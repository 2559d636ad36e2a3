"""Is a function accepted as a model, with the modules that it calls, and are these left as they were?"""

from functools import partial

import pytest
import torch
from torch import Tensor, nn

from diagnosis import DiagnosisError, diagnose
from diagnosis.intake.function import as_module
from tests.tensors import normal

NET = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 8)).eval()
with torch.no_grad():
    NET[2].bias.fill_(40)  # type: ignore[union-attr, operator]


def of_a_global(inputs: Tensor) -> Tensor:
    answer: Tensor = NET(inputs)
    return answer


def of_a_default(inputs: Tensor, net: nn.Module = NET) -> Tensor:
    answer: Tensor = net(inputs)
    return answer


def of_a_closure() -> object:
    net = NET
    scale = 2.0
    return lambda inputs: scale * net(inputs)


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = NET

    def encode(self, inputs: Tensor) -> Tensor:
        answer: Tensor = self.net(inputs)
        return answer


@pytest.mark.parametrize("model", [of_a_global, of_a_closure(), of_a_default, Encoder().eval().encode])
def test_the_layers_that_a_function_calls_are_examined(model: object) -> None:
    found = diagnose(model=model, inputs=normal(64, 16))  # type: ignore[arg-type]
    assert found.causes[0].name == "bias_dominates"
    assert str(found.causes[0].evidence["layer"]).endswith("2")


@pytest.mark.parametrize("model", [
    lambda inputs: inputs.square().cumsum(1),
    partial(torch.nn.functional.normalize, dim=1),
    torch.nn.functional.silu,
])  # fmt: skip
def test_a_function_without_modules_is_examined_by_its_answers(model: object) -> None:
    assert diagnose(model=model, inputs=normal(64, 16) + 9).causes  # type: ignore[arg-type]
    assert diagnose(model=model, loader=[normal(64, 16) + 9]).causes  # type: ignore[arg-type]


def test_the_modules_of_a_function_stay_as_they_were() -> None:
    net = nn.Sequential(nn.BatchNorm1d(16), nn.Linear(16, 8)).train()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    diagnose(model=lambda inputs: net(inputs) + 0, inputs=normal(64, 16) + 3)
    assert net.training
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())


def test_a_function_is_in_the_mode_of_its_modules() -> None:
    assert as_module(of_a_global).training == NET.training
    assert as_module(NET) is NET
    assert as_module(torch.relu).training is False


def test_a_function_whose_name_has_no_value_yet_is_called_once_it_has() -> None:
    model = as_module(lambda inputs: later(2 * inputs))

    def later(inputs: Tensor) -> Tensor:
        return inputs + 1

    assert torch.equal(model(normal(4, 3)), 2 * normal(4, 3) + 1)


def test_the_weights_of_a_function_are_those_of_its_module() -> None:
    held = {name: tensor.clone() for name, tensor in NET.state_dict().items()}
    assert diagnose(model=of_a_global, inputs=normal(64, 16), weights=held).causes[0].name == "bias_dominates"
    held["2.bias"] = torch.zeros(8)
    found = diagnose(model=of_a_global, inputs=normal(64, 16), weights=held).causes[0]
    assert found.name == "weights_not_loaded"
    assert found.counterfactual is not None
    assert found.counterfactual.flips


@pytest.mark.parametrize(("model", "said"), [
    (3, "model is a int; known: torch.nn.Module, or a function of a batch of inputs"),
    (nn.Linear, "model is the class Linear; known: torch.nn.Module"),
])  # fmt: skip
def test_what_can_not_be_called_is_refused(model: object, said: str) -> None:
    with pytest.raises(DiagnosisError, match=said):
        diagnose(model=model, inputs=normal(8, 4))  # type: ignore[arg-type]


@torch.no_grad()
def decorated(inputs: Tensor) -> Tensor:
    return of_a_global(inputs)


def test_the_modules_behind_a_decorator_and_a_partial_are_examined() -> None:
    spoilt = nn.BatchNorm1d(16).train()

    @torch.no_grad()
    def embed(inputs: Tensor, scale: float = 1.0) -> Tensor:
        answer: Tensor = spoilt(inputs) * scale
        return answer

    for model in (embed, partial(embed, scale=2.0)):
        assert [name for name, _ in as_module(model).named_children()] == ["spoilt"]
        diagnose(model=model, inputs=normal(64, 16))
        assert spoilt.num_batches_tracked == 0
    assert torch.equal(as_module(decorated)(normal(4, 16)), NET(normal(4, 16)))
