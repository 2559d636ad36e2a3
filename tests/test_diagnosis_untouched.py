"""Are the user's tensors, arrays and loaders left as they were by a model, similarity or loss that writes to them?"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from diagnosis import Diagnosis, diagnose
from diagnosis.__main__ import main
from diagnosis.isolation import seeded
from tests.tensors import normal


class Writing(nn.Module):
    """Writes to its inputs before a linear layer, whose bias is long in a collapse."""

    def __init__(self, write: Callable[[Tensor], Any], *, collapsed: bool) -> None:
        super().__init__()
        with seeded(1):
            self.write, self.linear = write, nn.Linear(16, 8)
            self.linear.bias.data *= 300 if collapsed else 1

    def forward(self, x: Tensor) -> Tensor:
        self.write(x)
        answer: Tensor = self.linear(x.reshape(-1, 16).float())
        return answer


def by_numpy(x: Tensor) -> None:
    x.numpy()[:] += 1


def by_data(x: Tensor) -> None:
    x.data = x.data.abs()
    x.data += 1


WRITES: dict[str, Callable[[Tensor], Any]] = {
    "ReLU in place": nn.ReLU(inplace=True),
    "pixels normalised in place": lambda x: x.sub_(128).div_(64),
    "an assignment": lambda x: x.__setitem__(slice(None), 0),
    "a slice": lambda x: x[:, 3].mul_(2),
    "out=": lambda x: torch.add(x, 1, out=x),
    "its shape": lambda x: x.unsqueeze_(1),
    "NumPy": by_numpy,
    "data": by_data,
    "NaN": lambda x: x[0].fill_(torch.nan),
}


def inputs(seed: int = 0) -> Tensor:
    return normal(64, 16, seed=seed)


DOORS: dict[str, Callable[[nn.Module, Tensor, Tensor], Diagnosis]] = {
    "tensor": lambda model, a, b: diagnose(model=model, inputs=a),
    "array": lambda model, a, b: diagnose(model=model, inputs=a.numpy()),
    "both sides": lambda model, a, b: diagnose(model=model, inputs=a, other_inputs=b),
    "one for both sides": lambda model, a, b: diagnose(model=model, inputs=a, other_inputs=a),
    "embeddings and inputs": lambda model, a, b: diagnose(normal(64, 8), model=model, inputs=a),
    "a list of tensors as loader": lambda model, a, b: diagnose(model=model, loader=[a, b]),
    "a list of arrays as loader": lambda model, a, b: diagnose(model=model, loader=[a.numpy(), b.numpy()]),
    "a list of pairs as loader": lambda model, a, b: diagnose(model=model, loader=[(a, b)]),
    "DataLoader": lambda model, a, b: diagnose(model=model, loader=DataLoader(TensorDataset(a, b), batch_size=64)),
    "the values of a dict": lambda model, a, b: diagnose(model=model, loader={"a": a, "b": b}.values()),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("collapsed", [False, True])
def test_inputs_are_as_they_were_behind_each_door(door: str, collapsed: bool) -> None:
    a, b = inputs(), inputs(1)
    found = DOORS[door](Writing(WRITES["ReLU in place"], collapsed=collapsed), a, b)
    assert torch.equal(a, inputs())
    assert torch.equal(b, inputs(1))
    assert [remark.partition(":")[0] for remark in found.remarks] == ["the model writes to its arguments"]


@pytest.mark.parametrize("write", WRITES)
def test_inputs_are_as_they_were_however_a_model_writes(write: str) -> None:
    a = inputs()
    found = diagnose(model=Writing(WRITES[write], collapsed=True), inputs=a)
    assert a.shape == (64, 16)
    assert torch.equal(a, inputs())
    assert found.remarks


def test_read_only_memory_is_copied_first() -> None:
    array = inputs().numpy()
    array.flags.writeable = False
    assert diagnose(model=Writing(WRITES["ReLU in place"], collapsed=False), inputs=array).remarks
    row = inputs()[:1].expand(64, 16)  # torch refuses to write to it
    assert diagnose(model=Writing(WRITES["ReLU in place"], collapsed=False), inputs=row).remarks


def test_the_cause_is_that_of_the_inputs_as_they_were() -> None:
    pixels = 255 * torch.rand(64, 16, generator=torch.Generator().manual_seed(0))
    found = diagnose(model=Writing(lambda x: x.sub_(128).div_(64), collapsed=True), inputs=pixels.clone())
    apart = diagnose(model=Writing(lambda x: x, collapsed=True), inputs=(pixels - 128) / 64)
    assert [one.name for one in found.causes] == [one.name for one in apart.causes] == ["bias_dominates"]


class Half(nn.Module):
    """Normalises a copy in place, as it should."""

    def forward(self, x: Tensor) -> Tensor:
        return x.clone().sub_(1).relu_()


@pytest.mark.parametrize("model", [Half(), nn.Sequential(nn.Linear(16, 8), nn.ReLU(inplace=True)), nn.Identity()])
def test_what_writes_to_no_input_gets_no_remark(model: nn.Module) -> None:
    nan = inputs()
    nan[0, 0] = torch.nan
    assert not diagnose(model=model, inputs=inputs()).remarks
    assert not diagnose(model=model, inputs=nan).remarks


def unit_in_place(x: Tensor, y: Tensor) -> Tensor:
    for side in (x, y):
        side.div_(side.norm(dim=1, keepdim=True))
    return (x * y).sum(1)


def signed_in_place(similarities: Tensor, labels: Tensor) -> Tensor:
    labels.mul_(2).sub_(1)
    return (1 - similarities.mul_(labels)).mean()


def contrast_in_place(x: Tensor, y: Tensor, labels: Tensor) -> Tensor:
    x.mul_(2), y.mul_(2), labels.mul_(2)
    return F.cosine_embedding_loss(x, y, labels - 1)


@pytest.mark.parametrize("loss", [signed_in_place, contrast_in_place])
def test_a_similarity_and_a_loss_write_to_copies(loss: Any) -> None:
    x, y, labels = inputs(), inputs(1), torch.arange(64) % 2
    found = diagnose(x, y, labels=labels, similarity=unit_in_place, loss=loss)
    assert torch.equal(x, inputs())
    assert torch.equal(y, inputs(1))
    assert torch.equal(labels, torch.arange(64) % 2)
    assert [remark.partition(" writes")[0] for remark in found.remarks] == ["the similarity", "the loss"]
    assert diagnose(x, similarity=unit_in_place).remarks
    assert torch.equal(x, inputs())


def test_a_loss_that_writes_in_place_is_no_fault_in_a_training() -> None:
    known = {"inputs": inputs(), "other_inputs": inputs(1), "labels": torch.arange(64) % 2, "learning_rate": 1e-3}

    def loss(similarities: Tensor, labels: Tensor) -> Tensor:
        return (similarities - labels).square().mean()

    def in_place(similarities: Tensor, labels: Tensor) -> Tensor:
        return similarities.sub_(labels).square_().mean()

    model = Writing(lambda x: x, collapsed=True)
    expected = diagnose(model=model, loss=loss, **known)
    assert [cause.name for cause in diagnose(model=model, loss=in_place, **known).causes] == [
        cause.name for cause in expected.causes
    ]


def test_weights_are_as_they_were() -> None:
    model = Writing(WRITES["a slice"], collapsed=True)
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    weights["linear.bias"] *= 0
    before = {name: value.clone() for name, value in weights.items()}
    diagnose(model=model, inputs=inputs(), weights=weights)
    assert list(weights) == list(before)
    assert all(torch.equal(weights[name], before[name]) for name in before)


def test_a_loader_may_fill_its_buffer_again() -> None:
    buffer = torch.empty(32, 16)

    def batches() -> Any:
        for seed in range(4):
            yield buffer.copy_(normal(32, 16, seed=seed))

    linear = Writing(lambda x: x, collapsed=False)
    assert diagnose(model=linear, loader=batches()).verdict == "healthy"
    assert diagnose(model=nn.Identity(), loader=batches()).verdict == "healthy"


def test_a_remark_is_printed_and_in_json_and_on_the_page(tmp_path: Any) -> None:
    found = diagnose(model=Writing(WRITES["a slice"], collapsed=True), inputs=inputs(), report=tmp_path)
    assert "\n\nNote: the model writes to its arguments: here to copies" in str(found)
    assert found.to_dict()["remarks"] == list(found.remarks)
    assert f"\nNote: {found.remarks[0]}\n" in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_files_are_as_they_were(tmp_path: Any) -> None:
    np.save(tmp_path / "x.npy", inputs().numpy() + 5)
    before = (tmp_path / "x.npy").read_bytes()
    assert main([str(tmp_path / "x.npy"), "--json"]) == 1
    assert (tmp_path / "x.npy").read_bytes() == before
