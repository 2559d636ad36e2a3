"""The public function `diagnose`: accepted arguments, their diagnosis, and errors for the rest."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from diagnosis import Diagnosis, DiagnosisError, diagnose
from diagnosis.intake.loader import EMPTY_BATCHES, NUMBERS, ROWS, gather, read_batch
from diagnosis.monitor.curve import table
from diagnosis.monitor.metrics import metrics_of
from diagnosis.probes.loss import of_cosines
from diagnosis.validity.planted import data, network, objective
from diagnosis.validity.planted.plant import Plant, Size
from diagnosis.validity.planted.sources import digit_pairs, trained
from tests.tensors import normal
from tests.trainings import contrast


def beside_an_offset() -> torch.Tensor:
    return normal(64, 32) + 10 * normal(1, 32, seed=1)


def named(diagnosis: Diagnosis) -> list[str]:
    return [cause.name for cause in diagnosis.causes]


def digit_network() -> nn.Sequential:
    return trained("layernorm", 32, torch.Generator().manual_seed(0))


@pytest.mark.parametrize("plant", data.PLANTS + network.PLANTS + objective.PLANTS, ids=lambda plant: plant.name)
def test_each_cause_that_needs_more_than_vectors_is_named_with_its_evidence_and_remedy(plant: Plant) -> None:
    known = vars(plant.make(Size(64, 32), torch.float32, torch.Generator().manual_seed(7)))
    found = diagnose(**known)
    assert found.verdict == "cause"
    assert found.causes[0].name == plant.name
    assert found.causes[0].confidence >= 0.5
    assert found.causes[0].evidence
    assert found.causes[0].remedy
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["causes"][0]["name"] == plant.name


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_embeddings_alone(dtype: torch.dtype) -> None:
    assert diagnose(normal(64, 32).to(dtype)).verdict == "healthy"
    assert named(diagnose(beside_an_offset().to(dtype))) == ["common_offset"]


@pytest.mark.parametrize("convert", [
    lambda x: x.astype(np.float16),
    lambda x: x.astype(">f4"),
    lambda x: x.astype(np.longdouble),
    lambda x: x[::-1],
    np.asfortranarray,
])  # fmt: skip
def test_arrays_of_numpy_say_what_tensors_say(convert: Any) -> None:
    assert named(diagnose(convert(beside_an_offset().numpy()))) == ["common_offset"]


def test_a_read_only_array_raises_no_warning(recwarn: pytest.WarningsRecorder) -> None:
    x = normal(64, 32).numpy()
    x.flags.writeable = False
    assert diagnose(x).verdict == "healthy"
    assert not recwarn.list


@pytest.mark.parametrize("as_array", [True, False])
def test_one_object_on_both_sides_is_the_same_tensor(as_array: bool) -> None:
    x = normal(64, 32).numpy() if as_array else normal(64, 32)
    assert named(diagnose(x, x))[0] == "same_tensor"


def test_a_page_can_be_written_and_the_diagnosis_printed(tmp_path: Path) -> None:
    found = diagnose(beside_an_offset(), report=tmp_path / "out")
    page = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert page.startswith("# Why is my cosine similarity always 1?\n\n**Not healthy: common_offset.**")
    watched = table([metrics_of(step, normal(64, 32)) for step in range(3)], began=None)
    diagnose(beside_an_offset(), report=tmp_path / "out", curve=watched)
    assert (tmp_path / "out" / "training.png").exists()
    assert str(found).startswith("Not healthy: common_offset.\n\n1. common_offset: very likely")
    assert found.to_dict()["signature"]["symptoms"].startswith("mean cosine of unrelated rows: 0.9")  # type: ignore[index]


def test_a_healthy_set_has_its_mean_cosine_in_the_verdict() -> None:
    high = normal(200, 64) + 2.5 * normal(1, 64, seed=1)
    assert str(diagnose(high)).startswith("Healthy: the mean cosine of unrelated rows is 0.8")
    assert "Without the mean row, which raises all cosines" in " ".join(str(diagnose(high)).split())


def test_one_column_is_a_cause_and_no_error() -> None:
    assert named(diagnose(normal(64, 1)))[0] == "size_one_dim"


def test_a_graph_is_neither_needed_nor_changed() -> None:
    x = normal(64, 32).requires_grad_()
    assert diagnose(x * 2).verdict == "healthy"
    assert x.grad is None


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**31))
def test_the_diagnosis_does_not_depend_on_the_random_state(seed: int) -> None:
    torch.manual_seed(seed)
    x = normal(64, 32) + 1
    assert diagnose(x).to_dict() == diagnose(x).to_dict()


NOT_EMBEDDINGS: list[tuple[Any, str]] = [
    (torch.ones(4, 3, dtype=torch.int64), "x is torch.int64; a cosine needs floating point: x.float()"),
    (np.ones((4, 3), dtype=bool), "x is torch.bool"),
    (torch.ones(4, 3, dtype=torch.complex64), "torch.view_as_real"),
    (np.array([["a", "b"]]), "<U1 and holds no numbers"),
    (np.array([[1.0], None], dtype=object), "object and holds no numbers"),
    ("embeddings.npy", "x is a str; known: torch.Tensor and numpy.ndarray"),
    ([[1.0, 2.0]], "x is a list; known: torch.Tensor and numpy.ndarray; convert it first: torch.tensor(x)"),
    (torch.eye(3).to_sparse(), "x.to_dense()"),
    (torch.tensor(1.0), "x has the shape ()"),
    (torch.ones(3), "x has the shape (3,); a single vector can't be judged: stack several to [N, D]"),
    (torch.ones(1, 3), "x has rows: 1"),
    (torch.ones(0, 3), "x has rows: 0"),
    (torch.ones(3, 0), "x has the shape (3, 0) and holds no numbers"),
    (torch.full((4, 3), torch.nan), "every row of x (4, 3) has a NaN"),
]


@pytest.mark.parametrize(("x", "says"), NOT_EMBEDDINGS, ids=[says[:30] for _, says in NOT_EMBEDDINGS])
def test_other_arguments_than_embeddings_are_refused_with_the_next_step(x: Any, says: str) -> None:
    with pytest.raises(DiagnosisError) as raised:
        diagnose(x)
    assert says in str(raised.value)
    assert ";" in str(raised.value) or ":" in str(raised.value)


X = normal(8, 4)
UNFITTING: list[tuple[dict[str, Any], str]] = [
    ({}, "there is no x"),
    ({"y": X}, "there is no x"),
    ({"x": X, "y": X[:4]}, "x is (8, 4) torch.float32 on cpu and y is (4, 4)"),
    ({"x": X, "y": X.double()}, "y is (8, 4) torch.float64 on cpu; pairs are row by row"),
    ({"x": X, "dim": 2}, "dim is 2, and x is (8, 4); give one from -2 to 1"),
    ({"x": X, "dim": "last"}, "dim is 'last', and x is (8, 4); give one from -2 to 1"),
    ({"x": X, "labels": torch.zeros(7)}, "labels has the shape (7,) and x 8 rows"),
    ({"x": X, "labels": torch.zeros(8, 2)}, "not one finite number a row"),
    ({"x": X, "labels": torch.full((8,), torch.nan)}, "not one finite number a row"),
    ({"x": X, "y": -X, "labels": torch.arange(8)}, "labels of pairs hold [2, 3, 4, 5, 6]"),
    ({"x": X, "inputs": torch.zeros(3, 2)}, "inputs has the shape (3, 2) and x 8 rows"),
    ({"x": X, "model": nn.Linear(4, 4)}, "there is a model but no input for it"),
    ({"model": nn.Linear(4, 4)}, "there is no x"),
    ({"loader": [X]}, "there is a loader and no model"),
    ({"x": X, "model": nn.Linear(4, 4), "loader": [X]}, "there is a loader and x, and no inputs"),
    ({"model": 3, "loader": [X]}, "model is a int; known: torch.nn.Module"),
    ({"x": X, "loss": "bce"}, "loss is a str, which can't be called"),
    ({"x": X, "similarity": 1}, "similarity is a int, which can't be called"),
    ({"x": X, "weights": "model.pt"}, "weights is a str, not a state dict of tensors"),
    ({"x": X, "weights": {"model": {}}}, "weights is a dict, not a state dict of tensors"),
    ({"x": X, "y": -X, "similarity": lambda x, y: x @ y.T}, "a tensor (8, 8) for 8 pairs; known: one number a pair"),
    ({"x": X, "y": -X, "similarity": lambda x, y: 1.0}, "the similarity returns a float, no tensor"),
    ({"x": X, "learning_rate": 0}, "learning_rate is 0"),
    ({"x": X, "learning_rate": "1e-3"}, "learning_rate is '1e-3'"),
    ({"x": X, "learning_rate": float("nan")}, "learning_rate is nan"),
]


@pytest.mark.parametrize(("given", "says"), UNFITTING, ids=[says[:40] for _, says in UNFITTING])
def test_what_does_not_fit_together_is_refused_with_the_value(given: dict[str, Any], says: str) -> None:
    with pytest.raises(DiagnosisError) as raised:
        diagnose(**given)
    assert says in str(raised.value)


A, B, L = normal(8, 64), normal(8, 64, seed=1), torch.tensor([0, 1] * 4)
FORMS: list[tuple[Any, tuple[bool, bool]]] = [  # an item, and whether it has other inputs and labels
    (A, (False, False)),
    ((A,), (False, False)),
    ([A], (False, False)),
    ((A, L), (False, True)),
    ((A, L[:, None]), (False, True)),
    ((A, B), (True, False)),
    ((A, B, L), (True, True)),
    (((A, B), L), (True, True)),
    ((normal(8, 1), normal(8, 1)), (True, False)),
]


@pytest.mark.parametrize(("item", "holds"), FORMS)
def test_each_form_of_a_loaders_items_is_recognised(item: Any, holds: tuple[bool, bool]) -> None:
    batch = read_batch(item)
    assert (batch.other_inputs is not None, batch.labels is not None) == holds
    if batch.labels is not None:
        assert batch.labels.tolist() == L.tolist()


@pytest.mark.parametrize("item", ["ab", {"input_ids": A}, (A, [1, 2]), (A, A, L, L), (), (A, None), torch.tensor(1.0)])
def test_an_item_of_another_form_is_refused(item: Any) -> None:
    with pytest.raises(DiagnosisError, match=r"the loader gave \(.*known: a tensor of inputs.*wrap the loader"):
        read_batch(item)


def test_triplets_are_refused_with_the_pairs_to_make_of_them() -> None:
    with pytest.raises(
        DiagnosisError, match=r"\(8, 64\), as triplets are; make pairs of them: \(anchor, positive, ones\)"
    ):
        read_batch((A, B, -A))


def endless(*items: Any) -> Iterator[Any]:
    while True:
        yield from items


def test_an_endless_loader_ends_with_enough_rows_or_numbers() -> None:
    assert len(gather(digit_network(), endless(normal(100, 64))).x) == ROWS
    assert len(gather(Wide(), endless(torch.ones(2, NUMBERS // 4))).x) == 4


class Wide(nn.Module):
    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs[:, :4]


def test_a_large_batch_is_cut() -> None:
    found = gather(digit_network(), [(normal(2 * ROWS, 64), torch.zeros(2 * ROWS))])
    assert {len(t) for t in (found.x, found.inputs, found.labels) if t is not None} == {ROWS}


@pytest.mark.parametrize(("loader", "says"), [
    ([], "the loader is empty: it gave no batch"),
    (iter(()), "whether it is a generator that was used up"),
    ([torch.ones(0, 64)], "the loader gave 1 batches, all without rows"),
    (endless(torch.ones(0, 64)), f"the loader gave {EMPTY_BATCHES} batches without rows one after the other"),
    ([torch.ones(4, 64), torch.ones(4, 32)], "shapes [(32,), (64,)] a row"),
    ([(torch.ones(4, 64), torch.ones(3))], "unequal numbers of rows: (4, 64), (3,)"),
    (5, "the loader raised TypeError: 'int' object is not iterable"),
    ((1 / 0 for _ in "a"), "the loader raised ZeroDivisionError"),
])  # fmt: skip
def test_a_loader_that_gives_nothing_to_look_at_is_refused(loader: Any, says: str) -> None:
    model = Wide() if "shapes" in says else digit_network()
    with pytest.raises(DiagnosisError) as raised:
        diagnose(model=model, loader=loader)
    assert says in str(raised.value)


def test_a_model_with_its_loader_is_diagnosed_in_its_mode() -> None:
    pairs = digit_pairs(64, torch.Generator().manual_seed(0))
    loader = DataLoader(TensorDataset(*pairs), batch_size=16, shuffle=True)
    assert diagnose(model=digit_network(), loader=loader, loss=contrast).verdict == "healthy"
    assert named(diagnose(model=digit_network(), loader=loader, loss=nn.CosineEmbeddingLoss())) == ["label_convention"]


@pytest.mark.parametrize("cosine", [-1.0, -0.5, 0.0, 0.7, 1.0])
@pytest.mark.parametrize("label", [1, -1])
def test_a_loss_of_pairs_is_evaluated_on_cosines(cosine: float, label: int) -> None:
    asked = of_cosines(nn.CosineEmbeddingLoss(margin=0.2))(torch.tensor([cosine]), torch.tensor([label]))
    assert float(asked) == pytest.approx(1 - cosine if label == 1 else max(0, cosine - 0.2), abs=1e-5)


@pytest.mark.parametrize("function", [nn.BCELoss(), contrast, F.mse_loss, torch.sub])
def test_a_loss_of_similarities_stays_as_it_is(function: Any) -> None:
    assert of_cosines(function) is function


def test_a_ranking_loss_is_evaluated_on_both_kinds_of_pairs_at_once() -> None:
    def cosent(cosines: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        apart = 20 * (cosines[None, :] - cosines[:, None])
        wrong = labels[None, :] < labels[:, None]
        return torch.logsumexp(torch.cat([apart[wrong], apart.new_zeros(1)]), 0)

    pairs = digit_pairs(64, torch.Generator().manual_seed(0))
    network = digit_network()
    found = diagnose(model=network, inputs=pairs.x, other_inputs=pairs.y, labels=pairs.labels, loss=cosent)
    assert found.verdict == "healthy"
