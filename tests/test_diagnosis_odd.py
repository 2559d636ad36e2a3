"""Does `diagnose` answer odd models, tensors and functions, or refuse them with the next step?"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from diagnosis import DiagnosisError, diagnose
from tests.tensors import normal

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")
X, Y, LABELS = normal(64, 16), normal(64, 16, seed=1), torch.arange(64) % 2


class Model(nn.Module):
    """Answers by a function."""

    def __init__(self, function: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Any:
        return self.function(x)


def mlp() -> nn.Sequential:
    return nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 8))


def refused(**given: Any) -> str:
    """The message, which has a next step behind a semicolon."""
    with pytest.raises(DiagnosisError) as raised:
        diagnose(**given)
    said, _, step = str(raised.value).partition("; ")
    assert said
    assert step
    return str(raised.value)


SCRIPTED: dict[str, Callable[[], nn.Module]] = {
    "traced": lambda: torch.jit.trace(mlp(), X),
    "scripted": lambda: torch.jit.script(mlp()),
    "frozen": lambda: torch.jit.freeze(torch.jit.script(mlp().eval())),
    "a traced part": lambda: nn.Sequential(torch.jit.trace(mlp(), X), nn.Linear(8, 4)),
    "a scripted part": lambda: nn.Sequential(nn.Linear(16, 16), nn.Sequential(torch.jit.script(mlp()))),
}


@pytest.mark.parametrize("kind", SCRIPTED)
@pytest.mark.parametrize("door", ["inputs", "loader"])
def test_a_traced_or_scripted_model_is_refused(kind: str, door: str) -> None:
    said = refused(model=SCRIPTED[kind](), **{door: [X] if door == "loader" else X})
    assert "is traced or scripted" in said
    assert "pass the nn.Module that it was made of, or its embeddings: diagnose(x=model(inputs), inputs=inputs)" in said
    assert ("the part " in said) == ("part" in kind)


def test_a_scripted_loss_is_answered() -> None:
    loss = torch.jit.script(nn.MSELoss())
    assert diagnose(X, Y, labels=LABELS.float(), loss=loss).verdict == "healthy"


ODD: dict[str, tuple[Callable[[Tensor], Tensor], str]] = {
    "float8": (lambda x: x.to(torch.float8_e4m3fn), "float8_e4m3fn, which torch stores but can't compute with"),
    "another float8": (lambda x: x.to(torch.float8_e5m2), "float8_e5m2, which torch stores"),
    "exponents": (lambda x: x.to(torch.float8_e8m0fnu), "float8_e8m0fnu, which torch stores"),
    "meta": (lambda x: x.to("meta"), "on meta has no values; compute it on a device that holds them"),
    "sparse": (lambda x: x.to_sparse(), "torch.sparse_coo tensor; make it a dense one: .*.to_dense()"),
    "compressed": (lambda x: x.to_sparse_csr(), "torch.sparse_csr tensor; make it a dense one"),
    "blocks": (lambda x: x.to_sparse_bsr((2, 2)), "torch.sparse_bsr tensor; make it a dense one"),
    "nested": (lambda x: torch.nested.nested_tensor(list(x)), "nested tensor, .*; pool each to one vector"),
    "jagged": (
        lambda x: torch.nested.nested_tensor(list(x), layout=torch.jagged),
        "nested tensor, .*; pool each to one vector",
    ),
    "quantized": (lambda x: torch.quantize_per_tensor(x, 0.1, 0, torch.qint8), "quantized tensor, torch.qint8; .*dequ"),
    "oneDNN": (lambda x: x.to_mkldnn(), "torch._mkldnn tensor; make it a dense one"),
    "complex": (lambda x: x + 0j, "complex64; a cosine takes real numbers: torch.view_as_real"),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_tensor_is_refused_at_each_door(name: str) -> None:
    make, says = ODD[name]
    odd, read = make(X), Model(lambda x: X[: len(x)])
    doors: list[dict[str, Any]] = [
        {"x": odd},
        {"x": X, "y": odd},
        {"x": X, "inputs": odd},
        {"x": X, "y": Y, "labels": odd},
        {"model": read, "inputs": odd},
        {"model": read, "loader": [odd]},
        {"model": Model(make), "inputs": X},
        {"model": Model(make), "loader": [(X, LABELS)]},
    ]
    for given in doors:
        with pytest.raises(DiagnosisError, match=says):
            diagnose(**given)


@pytest.mark.parametrize("name", [name for name in ODD if name not in ("compressed", "blocks", "nested", "jagged")])
@pytest.mark.parametrize("pairs", [True, False])
def test_an_odd_answer_of_a_similarity_is_refused(name: str, pairs: bool) -> None:
    make, says = ODD[name]
    with pytest.raises(DiagnosisError, match=f"the answer of the similarity.*{says}"):
        diagnose(X, Y if pairs else None, similarity=lambda x, y: make(F.cosine_similarity(x, y)))


def test_tensors_without_values_are_refused() -> None:
    with FakeTensorMode():
        fake = torch.ones(8, 4)
    assert "has no values" in refused(x=fake)
    with pytest.raises(DiagnosisError, match=r"has no values; .* outside of torch.func"):
        torch.func.vmap(lambda x: diagnose(x) and x)(normal(3, 8, 4))
    meta = {name: weight.to("meta") for name, weight in mlp().state_dict().items()}
    assert "weights['0.weight'] (32, 16) on meta has no values" in refused(model=mlp(), inputs=X, weights=meta)


@pytest.mark.parametrize("dim", [True, False, 1.0, None, (0, 1), "1"])
def test_what_is_no_dim_is_refused(dim: Any) -> None:
    assert f"dim is {dim!r}, and x is (64, 16); give one from -2 to 1" in refused(x=X, dim=dim)


def test_whole_numbers_of_numpy_are_dims() -> None:
    assert diagnose(X, dim=np.int64(1)).verdict == "healthy"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (None, "a NoneType, no tensor"),
        (1.0, "a float, no tensor"),
        ("low", "a str, no tensor"),
        ((torch.ones(()), 1), "a tuple, no tensor"),
        (np.float32(1), "a float32, no tensor"),
        (torch.ones((), dtype=torch.int64), "torch.int64"),
        (torch.ones(64, dtype=torch.bool), "torch.bool"),
    ],
)
@pytest.mark.parametrize("trained", [False, True])
def test_a_loss_that_returns_something_else_is_refused(answer: Any, says: str, trained: bool) -> None:
    known = {"model": mlp(), "inputs": X, "other_inputs": Y, "learning_rate": 1e-2} if trained else {"x": X, "y": Y}
    said = refused(**known, labels=LABELS, loss=lambda s, labels: answer)
    assert f"the loss returns {says}; call loss(similarities, labels) yourself" in said


@pytest.mark.parametrize("pairs", [True, False])
@pytest.mark.parametrize(
    ("similarity", "says"),
    [
        (lambda x, y: None, "a NoneType, no tensor"),
        (lambda x, y: [1.0] * len(x), "a list, no tensor"),
        (lambda x, y: np.ones(len(x)), "a ndarray, no tensor"),
        (lambda x, y: (x * y).sum(1) > 0, "torch.bool"),
        (lambda x, y: x @ y.T, r"a tensor \(64, 64\) for 64 pairs"),
        (lambda x, y: (x * y).sum(), r"a tensor \(\) for 64 pairs"),
    ],
)
def test_a_similarity_that_returns_something_else_is_refused(pairs: bool, similarity: Any, says: str) -> None:
    with pytest.raises(DiagnosisError, match=f"the similarity returns {says}"):
        diagnose(X, Y if pairs else None, similarity=similarity)


class Unsayable(Exception):
    """An error whose message raises."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


def raising(error: BaseException) -> Callable[..., Any]:
    def function(*_: Any) -> Any:
        raise error

    return function


def raising_loader(error: BaseException) -> Iterator[Tensor]:
    yield X
    raise error


class Uncopied(nn.Module):
    """Raises when it is copied, or is its own copy."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self.linear, self.error = nn.Linear(16, 8), error

    def __deepcopy__(self, memo: object) -> "Uncopied":
        if self.error:
            raise self.error
        return self

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.linear(x)
        return answer


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (Unsayable(), "Unsayable: its message can't be read"),
        (SystemExit(3), "SystemExit: 3"),
        (StopIteration(), "StopIteration: no message"),
        (ValueError("two\nlines"), "ValueError: two lines"),
    ],
)
def test_whatever_the_users_code_raises_is_named(error: BaseException, says: str) -> None:
    assert f"the model raised {says}; " in refused(model=Model(raising(error)), inputs=X)
    assert f"the similarity raised {says}; " in refused(x=X, y=Y, similarity=raising(error))
    assert f"the loss raised {says}; " in refused(x=X, y=Y, labels=LABELS, loss=raising(error))
    if not isinstance(error, StopIteration):  # which ends a loader
        assert f"the loader raised {says}; " in refused(model=mlp(), loader=raising_loader(error))
    if isinstance(error, Exception):
        assert f"can't be copied ({says})" in refused(model=Uncopied(error), inputs=X)


@pytest.mark.parametrize("wrap", [lambda one: one, lambda one: nn.Sequential(nn.Linear(16, 16), one)])
def test_a_model_that_is_its_own_copy_is_refused(wrap: Callable[[nn.Module], nn.Module]) -> None:
    assert "shares weights or modules with its copy (__deepcopy__)" in refused(model=wrap(Uncopied()), inputs=X)


ANSWERED: dict[str, Callable[[], nn.Module]] = {
    "compiled": lambda: torch.compile(mlp(), backend="eager"),  # type: ignore[return-value]
    "exported": lambda: torch.export.export(mlp(), (X,), dynamic_shapes=[{0: torch.export.Dim.AUTO}]).module(),
    "symbolically traced": lambda: torch.fx.symbolic_trace(mlp()),
    "quantized": lambda: torch.ao.quantization.quantize_dynamic(mlp(), {nn.Linear}, torch.qint8),
    "in DataParallel": lambda: nn.DataParallel(mlp()),
    "lazy": lambda: nn.Sequential(nn.LazyLinear(8)),
    "parametrized": lambda: nn.utils.parametrizations.weight_norm(nn.Linear(16, 8)),
    "without weights": nn.Identity,
}


@pytest.mark.parametrize("name", ANSWERED)
def test_an_odd_model_is_answered(name: str) -> None:
    assert diagnose(model=ANSWERED[name](), inputs=X).verdict == "healthy"


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "uint64", "int8", "bool", "float16", "float64"])
def test_labels_of_any_dtype_are_answered(dtype: str) -> None:
    labels = LABELS.numpy().astype(dtype)
    assert diagnose(X, Y, labels=labels).verdict == "healthy"
    assert diagnose(X, labels=labels).verdict == "healthy"


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "int16", "int64", "bool"])
def test_inputs_of_any_dtype_are_answered(dtype: str) -> None:
    tokens = np.random.default_rng(0).integers(0, 100, (64, 5)).astype(dtype)
    model = nn.Sequential(Model(lambda x: x.long()), nn.EmbeddingBag(100, 8))
    assert diagnose(model=model, inputs=tokens) is not None


def test_gradients_are_taken_in_inference_mode() -> None:
    known: dict[str, Any] = {"model": mlp(), "inputs": X, "other_inputs": Y, "labels": LABELS, "learning_rate": 1e-2}
    with torch.inference_mode():
        inside = diagnose(**known, loss=lambda s, labels: (1 - s).mean())
        assert torch.is_inference_mode_enabled()
        made = diagnose(model=mlp(), inputs=X + 1)  # inputs without a version
    assert [cause.name for cause in inside.causes] == ["no_negatives"]
    assert made.verdict == "healthy"


def test_another_default_device_is_for_the_users_code_only() -> None:
    devices = []

    def model(x: Tensor) -> Tensor:
        devices.append(torch.empty(1).device.type)
        return x + 9

    with torch.device("meta"):
        assert [cause.name for cause in diagnose(X + 9).causes] == ["common_offset"]
        diagnose(model=Model(model), loader=[X])
        assert torch.get_default_device().type == "meta"
    assert {*devices} == {"meta"}


@pytest.mark.parametrize("report", ["/proc/none/page", "a\0b", 3, "a" * 300])
def test_a_report_that_can_not_be_written_is_refused_before_the_diagnosis(report: Any) -> None:
    def model(_: Tensor) -> Tensor:
        pytest.fail("the model runs")

    said = refused(model=Model(model), inputs=X, report=report)
    assert "can't be written" in said
    assert said.endswith("; name another folder")


@pytest.mark.parametrize("curve", ["curve.csv", pd.DataFrame(), [1]])
def test_what_is_no_curve_is_refused(tmp_path: Any, curve: Any) -> None:
    assert "not the curve of a monitor; pass monitor.curve()" in refused(x=X, report=tmp_path, curve=curve)


@pytest.mark.parametrize("rate", [True, torch.tensor(1e-3), "1e-3"])
def test_what_is_no_rate_is_refused(rate: Any) -> None:
    assert f"learning_rate is {rate!r}; give the optimizer's" in refused(x=X, learning_rate=rate)
