"""Do traces open in TensorBoard and Perfetto, and do the operators' figures add up?"""

import gzip
import importlib.util
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode
from urllib.request import ProxyHandler, build_opener

import pandas as pd
import pytest
import torch

import implementations
from implementations import Implementation
from reports.sections.operators import outside
from results import load_operators
from suites.inputs import make_inputs
from suites.profiling import profile_case
from suites.records.case import Case
from suites.records.outside import OUTSIDE
from suites.records.record import Operator
from tests.checkout import Checkout

pytest_plugins = ["pytester"]

CASE = Case(task="paired", shape=(64, 768), dtype="float32", device="cpu")
WORKER = "paired-cpu-float32-64x768"
HAS_TENSORBOARD = all(map(importlib.util.find_spec, ("tensorboard", "torch_tb_profiler")))


def profiled(folder: Path, *entries: Implementation) -> list[Operator]:
    return list(profile_case(CASE, entries, make_inputs(CASE), folder, alive=lambda _: None))


def test_profile_leaves_a_trace_of_each_implementation_and_its_operators_in_the_run(pytester: pytest.Pytester) -> None:
    checkout = Checkout.copy(pytester)
    checkout.bench("--profile", "--benchmark-save=p").assert_outcomes(passed=4, skipped=4)
    traces = sorted(path.relative_to(checkout.root) for path in checkout.root.rglob("*.pt.trace.json"))
    assert [re.sub(r"\.\d+\.pt\.trace\.json", "", path.as_posix()) for path in traces] == [
        f"results/profiles/p/{name}/paired-cpu-float32-{shape}"
        for name in ("builtin", "normalize")
        for shape in ("4x32", "8x64")
    ]
    operators = load_operators(str(checkout.file("p")))
    assert (operators["calls"] >= 1).all()
    assert (operators["self_s"] >= 0).all()
    divisions = operators[(operators["implementation"] == "builtin") & (operators["operator"] == "aten::div")]
    assert dict(zip(divisions["case"], divisions["allocated_bytes"], strict=True)) == {
        "paired-cpu-float32-8x64": 2 * 8 * 64 * 4,
        "paired-cpu-float32-4x32": 2 * 4 * 32 * 4,
    }


def test_a_trace_is_what_perfetto_reads(tmp_path: Path) -> None:
    profiled(tmp_path, implementations.get("builtin"))
    (file,) = tmp_path.glob("builtin/*.pt.trace.json")
    events = json.loads(file.read_text(encoding="utf-8"))["traceEvents"]
    complete = [event for event in events if event["ph"] == "X"]
    assert all({"name", "ts", "dur", "pid", "tid"} <= event.keys() for event in complete)
    assert sum(event["name"] == "aten::cosine_similarity" for event in complete) == 3
    assert sum(event["name"].startswith("ProfilerStep") for event in complete) == 3


def test_a_contestant_that_fails_under_the_profiler_does_not_end_the_run(tmp_path: Path) -> None:
    def moody(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> torch.Tensor:
        raise RuntimeError("not while you look")

    good = implementations.get("normalize")
    bad = Implementation(**(vars(good) | {"name": "moody", "fn": moody}))
    with pytest.warns(UserWarning, match="moody on paired cpu-float32-64x768 has no profile: .*not while you look"):
        operators = profiled(tmp_path, bad, good)
    assert {operator.implementation for operator in operators} == {"normalize"}


def test_operators_and_the_time_outside_torch_add_up_to_the_call(tmp_path: Path) -> None:
    operators = profiled(tmp_path, implementations.get("builtin"))
    (outside_torch,) = (one for one in operators if one.operator == OUTSIDE)
    assert outside_torch.calls == 1
    assert outside_torch.self_s > 0
    (file,) = tmp_path.glob("builtin/*.pt.trace.json")
    events = json.loads(file.read_text(encoding="utf-8"))["traceEvents"]
    calls_us = [event["dur"] for event in events if event["name"].startswith("ProfilerStep") and event["ph"] == "X"]
    assert sum(one.self_s for one in operators) == pytest.approx(sum(calls_us) * 1e-6 / 3, rel=0.02)


def cost(implementation: str, operator: str, self_s: float) -> dict[str, object]:
    return {"implementation": implementation, "case": "paired-cpu", "operator": operator, "self_s": self_s}


def test_a_report_says_whose_time_is_outside_torch() -> None:
    operators = [cost("builtin", "aten::mul", 0.9), cost("builtin", OUTSIDE, 0.1), cost("old", "aten::mul", 0.9)]
    assert outside(pd.DataFrame(operators)) == ""
    operators += [cost("in_numpy", "aten::mul", 0.04), cost("in_numpy", OUTSIDE, 0.96)]
    assert outside(pd.DataFrame(operators)).startswith(
        "Nearly all time of `in_numpy` is outside torch, at least 96 % of each call: this profile doesn't show"
    )


@pytest.mark.skipif(not HAS_TENSORBOARD, reason="tensorboard or torch-tb-profiler is not installed")
def test_the_four_views_of_tensorboards_profiler_have_data(tmp_path: Path) -> None:
    profiled(tmp_path / "traces", *map(implementations.get, ("builtin", "normalize")))
    with tensorboard(tmp_path / "traces", log=tmp_path / "log") as ask:
        until(lambda: ask("runs") == {"runs": ["builtin", "normalize"], "loading": False})
        for run, operator in {"builtin": "aten::cosine_similarity", "normalize": "aten::linalg_vector_norm"}.items():
            assert ask("views", run=run) == ["Overview", "Operator", "Trace", "Memory"]
            assert ask("workers", run=run, view="Overview") == [WORKER]
            (span,) = ask("spans", run=run, worker=WORKER)
            view = {"run": run, "worker": WORKER, "span": span}
            assert len(ask("overview", **view)["steps"]["rows"]) == 3
            assert operator in {row["name"] for row in ask("operation/table", **view, group_by="Operation")["data"]}
            assert dict(ask("operation", **view)["host_total_time"]["rows"])[operator] > 0
            assert operator in {event["name"] for event in ask("trace", **view)["traceEvents"]}
            assert operator in {row[0] for row in ask("memory", **view)["rows"]["CPU"]}
            assert ask("memory_curve", **view)["rows"]["CPU"]


Ask = Callable[..., Any]
T = TypeVar("T")


@contextmanager
def tensorboard(folder: Path, log: Path) -> Iterator[Ask]:
    """Runs TensorBoard on `folder`; yields a function that queries its profiler plugin."""
    options = ("--logdir", str(folder), "--host", "127.0.0.1", "--port", "0", "--load_fast", "false")
    with log.open("w") as file:
        process = subprocess.Popen((sys.executable, "-m", "tensorboard.main", *options), stdout=file, stderr=file)
    try:
        address = until(lambda: re.search(r"http://127\.0\.0\.1:\d+/", log.read_text()))[0]
        opener = build_opener(ProxyHandler({}))

        def ask(view: str, /, **query: str) -> Any:
            with opener.open(f"{address}data/plugin/pytorch_profiler/{view}?{urlencode(query)}", timeout=60) as answer:
                zipped = answer.headers["Content-Encoding"] == "gzip"
                return json.loads(gzip.decompress(answer.read()) if zipped else answer.read())

        yield ask
    finally:
        process.terminate()
        process.wait(timeout=60)


def until(answer: Callable[[], T | None], seconds: float = 90) -> T:
    """The first true value that `answer` returns."""
    deadline = time.monotonic() + seconds
    while not (found := answer()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.1)
    return found
