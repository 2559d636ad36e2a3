"""Does the monitor leave a training alone, whatever fails in it, and is the training's own error the one raised?"""

import io
import os
import pickle
import shutil
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from diagnosis import CollapseMonitor, CollapseWarning, DiagnosisError
from diagnosis.monitor import collapse, hook
from tests.tensors import normal

pytestmark = pytest.mark.usefixtures("one_thread")
NEXT_STEP = "name a file in a folder that exists and is yours"


def batch(step: int, *, collapsed: bool = False) -> Tensor:
    return normal(1, 16).expand(64, 16) if collapsed else normal(64, 16, seed=step)


def trained(model: nn.Module, *, collapse_at: int = 30, steps: int = 50, at: Callable[[int], Any]) -> list[int]:
    """Trains with embeddings that collapse; calls `at` before each step. Returns the steps."""
    optimiser, done = torch.optim.SGD(model.parameters(), 0.01), list[int]()
    for step in range(steps):
        at(step)
        optimiser.zero_grad()
        model(batch(step, collapsed=step >= collapse_at)).square().mean().backward()
        optimiser.step()
        done.append(step)
    return done


def quietly(step: int) -> None:
    """Does nothing before a step."""


@pytest.mark.parametrize(
    "path",
    ["none/curve.csv", "", ".", "a\0b", 3, "a" * 300, "/proc/none/curve.csv", "file/curve.csv"],
)
def test_a_curve_that_can_not_be_written_is_refused_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(DiagnosisError) as raised:
        CollapseMonitor(nn.Linear(16, 8), curve=path)
    assert f"curve={path!r} can't be written" in str(raised.value)
    assert str(raised.value).endswith(NEXT_STEP)


def test_the_check_of_a_curve_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    CollapseMonitor(nn.Linear(16, 8), curve=tmp_path / "new.csv")
    assert not list(tmp_path.iterdir())
    (tmp_path / "old.csv").write_text("kept")
    CollapseMonitor(nn.Linear(16, 8), curve=tmp_path / "old.csv")
    assert (tmp_path / "old.csv").read_text() == "kept"


def test_a_curve_is_written_where_training_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    with CollapseMonitor(model := nn.Linear(16, 8), every=10, curve="curve.csv"):
        trained(model, steps=5, at=lambda step: os.chdir(tmp_path / "elsewhere"))
    assert len(pd.read_csv(tmp_path / "curve.csv")) == 1


def test_a_curve_that_can_no_longer_be_written_is_a_warning_after_that_of_the_collapse(tmp_path: Path) -> None:
    folder, model = tmp_path / "curves", nn.Linear(16, 8)
    folder.mkdir()
    with warnings.catch_warnings(record=True) as caught, CollapseMonitor(model, every=5, curve=folder / "c.csv") as one:
        warnings.simplefilter("always")
        done = trained(model, at=lambda step: shutil.rmtree(folder) if step == 20 else None)
    assert done == list(range(50))
    assert [warning.category for warning in caught] == [CollapseWarning, UserWarning, UserWarning]
    for warning in caught[1:]:
        assert str(warning.message).startswith(f"CollapseMonitor can't write {str(folder / 'c.csv')!r} (")
        assert str(warning.message).endswith("; the curve is in monitor.curve()")
    assert one.curve()["collapsed"].any()


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("the loss is NaN"), SystemExit(3)])
@pytest.mark.parametrize("first", [True, False])
def test_the_trainings_own_error_is_the_one_that_is_raised(tmp_path: Path, error: BaseException, first: bool) -> None:
    folder, model = tmp_path / "curves", nn.Linear(16, 8)
    folder.mkdir()

    def fails(step: int) -> None:
        if first or step == 20:
            shutil.rmtree(folder)
            raise error

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with (  # noqa: PT012  # the error passes through the monitor
            pytest.raises(type(error)) as raised,
            warnings.catch_warnings(record=True) as caught,
            CollapseMonitor(model, every=5, curve=folder / "curve.csv"),
        ):
            warnings.simplefilter("error")
            trained(model, at=fails)
    assert raised.value is error
    assert [str(one.message)[:27] for one in caught] == ["CollapseMonitor can't write"]
    assert not model._forward_hooks


FAILURES: dict[str, tuple[Any, str]] = {
    "the metrics": (hook, "metrics_of"),
    "the rows": (hook, "thinned"),
    "the diagnosis": (collapse, "examine"),
}


@pytest.mark.parametrize("error", [RuntimeError("CUDA error: out of memory"), ValueError("svd"), SystemError()])
@pytest.mark.parametrize("failure", FAILURES)
def test_a_failure_in_the_monitor_is_one_warning_and_the_training_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: str, error: Exception
) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise error

    def weights(*, monitored: bool) -> list[list[float]]:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(16, 8), nn.Dropout(0.1))
        if not monitored:
            trained(model, at=quietly)
            return [weight.tolist() for weight in model.parameters()]
        with CollapseMonitor(model, every=5, curve=tmp_path / "curve.csv") as monitor:
            trained(model, at=lambda step: monkeypatch.setattr(*FAILURES[failure], fails) if step == 12 else None)
        assert list(monitor.curve()["step"])[:3] == [0, 5, 10]
        assert len(pd.read_csv(tmp_path / "curve.csv")) == len(monitor.curve())
        assert not model._forward_hooks
        return [weight.tolist() for weight in model.parameters()]

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("error")  # not even a filter makes it an error
        assert weights(monitored=True) == weights(monitored=False)
    (warning,) = caught
    said = f"{type(error).__name__}: {str(error) or 'no message'}"
    assert str(warning.message) == f"CollapseMonitor stops watching, and the training goes on: {said}"


class Changing(nn.Module):
    """Puts out something else from step 20 on."""

    def __init__(self, output: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.linear, self.output, self.calls = nn.Linear(16, 8), output, 0

    def forward(self, x: Tensor) -> Any:
        self.calls += 1
        found = self.linear(x)
        return self.output(found) if self.calls > 20 else found


OUTPUTS: dict[str, tuple[Callable[[Tensor], Any], Callable[[Any], Tensor]]] = {
    "a tuple": (lambda x: (x, None), lambda output: output[0]),
    "a dict": (lambda x: {"x": x}, lambda output: output["x"]),
    "a sparse tensor": (lambda x: x.to_sparse(), lambda output: output.to_dense()),
    "a number": (lambda x: x.mean(), lambda output: output),
    "complex numbers": (lambda x: x + 0j, lambda output: output.real),
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_another_kind_of_output_in_a_training_under_way_is_a_warning(name: str) -> None:
    output, read = OUTPUTS[name]
    model = Changing(output)
    optimiser = torch.optim.SGD(model.parameters(), 0.01)
    with warnings.catch_warnings(record=True) as caught, CollapseMonitor(model, every=5) as monitor:
        warnings.simplefilter("error")
        for step in range(30):
            put_out = model(batch(step))
            (read(put_out) if model.calls > 20 else put_out).mean().backward()
            optimiser.step()
    (warning,) = caught
    assert "stops watching, and the training goes on: the Changing put out a" in str(warning.message)
    assert list(monitor.curve()["step"]) == [0, 5, 10, 15]


def test_a_collapse_that_is_made_an_error_stops_the_training_with_the_curve(tmp_path: Path) -> None:
    model = nn.Linear(16, 8)
    with warnings.catch_warnings():
        warnings.simplefilter("error", CollapseWarning)
        with pytest.raises(CollapseWarning), CollapseMonitor(model, every=5, curve=tmp_path / "curve.csv") as monitor:
            trained(model, at=quietly)
    assert monitor.collapse is not None
    assert pd.read_csv(tmp_path / "curve.csv")["collapsed"].any()


class Leaving(nn.Module):
    """Ends Python in eval mode."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            sys.exit(3)
        return torch.dropout(x, 0.1, True)


def test_a_network_that_ends_python_in_eval_mode_is_sampled_with_its_noise() -> None:
    with CollapseMonitor(model := nn.Sequential(nn.Linear(16, 8), Leaving()), every=5) as monitor:
        assert len(trained(model, collapse_at=99, steps=20, at=quietly)) == 20
    assert len(monitor.curve()) == 4


def test_a_watched_module_can_be_saved_and_its_copy_is_not_watched() -> None:
    model = nn.Sequential(nn.Linear(16, 8), nn.Dropout(0.1))
    with CollapseMonitor(model, every=5) as monitor:
        trained(model, collapse_at=99, steps=10, at=quietly)
        whole = io.BytesIO()
        torch.save(model, whole)
        again = pickle.loads(pickle.dumps(model))
        trained(again, collapse_at=99, steps=20, at=quietly)
        whole.seek(0)
        loaded = torch.load(whole, weights_only=False)
    assert len(monitor.curve()) == 2
    for one in (again, loaded.eval()):
        assert one(batch(0)).shape == (64, 8)


@pytest.mark.parametrize("arguments", [{"every": "5"}, {"every": 5.0}, {"window": None}, {"every": 2.5, "window": 5}])
def test_steps_are_whole_numbers(arguments: dict[str, Any]) -> None:
    with pytest.raises(DiagnosisError, match="needed is 1 <= every <= window"):
        CollapseMonitor(nn.Linear(16, 8), **arguments)
