"""Do pytest and pytest-benchmark work on the suites as their manuals say, for all options and contestants?"""

import json
import os
import platform
import re
import shutil
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import torch

from implementations import registry
from results import load_end, load_run
from suites import environment
from suites.plan import Plan
from suites.plugin.announcement import announcement
from suites.records.record import Record, Run, Status
from suites.session import Session
from tests.checkout import Checkout

pytest_plugins = ["pytester"]

SMALL, SMALLER = "paired cpu-float32-8x64", "paired cpu-float32-4x32"
INTERRUPTED, USAGE_ERROR = pytest.ExitCode.INTERRUPTED, pytest.ExitCode.USAGE_ERROR


# Saving, with and without a name


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_pytest_benchmark_saves_shows_and_compares_our_samples_and_nothing_is_overwritten(checkout: Checkout) -> None:
    commit = checkout.commit()
    first = checkout.bench("--benchmark-save", "--benchmark-columns=median,rounds")
    first.assert_outcomes(passed=4, skipped=4)
    (run,) = checkout.runs
    assert re.fullmatch(r"\d{8}-\d{6}-" + commit[:7] + r"\w*", run)
    assert checkout.benchmarks == [f"0001_{run}"]
    first.stdout.fnmatch_lines(
        ["*benchmark '*4x32': 2 tests*", "*Median*Rounds*", "test_paired?cpu-float32-4x32-builtin?*"]
    )
    first.stdout.fnmatch_lines([f"run {run}: 4 records saved; for the report:", f"python -m reports {run}"])
    assert_knows_where_it_was_measured(load_run(str(checkout.file(run))), run, commit)
    assert load_end(str(checkout.file(run)))

    before, records = checkout.file(run).read_bytes(), checkout.records(run)
    second = checkout.bench(f"--benchmark-save={run}", "--benchmark-compare", "--benchmark-json=all.json")
    second.stdout.fnmatch_lines(["*builtin? (0001_*", "*builtin? (NOW)*"])
    assert checkout.runs == [run, f"{run}-2"]
    assert checkout.benchmarks == [f"0001_{run}", f"0002_{run}-2"]
    assert checkout.file(run).read_bytes() == before

    (file,) = checkout.root.glob(f".benchmarks/*/0001_{run}.json")
    assert_same_measurements(file, records)
    assert_same_measurements(checkout.root / "all.json", checkout.records(f"{run}-2"))
    compared = checkout.python("-m", "pytest_benchmark", "compare", "0001", "0002")
    assert all(any(line.count(f"builtin] ({file}") for line in compared.outlines) for file in ("0001_", "0002_"))


def assert_knows_where_it_was_measured(head: Run, name: str, commit: str) -> None:
    here = head.environment
    assert (head.name, head.grid, here.commit) == (name, "tiny.toml", commit)
    asked = "suites --grid=tiny.toml --implementations=builtin,normalize --benchmark-save"
    assert head.command.endswith(f"{asked} --benchmark-columns=median,rounds")
    assert head.sources["normalize"].startswith("import torch")
    assert (here.python, here.torch) == (platform.python_version(), torch.__version__)
    assert (here.cores, here.threads) == (os.cpu_count(), torch.get_num_threads())
    assert all(here.packages[name] == version(name) for name in ("pytest", "pytest-benchmark", "torch", "numpy"))


def assert_same_measurements(file: Path, records: dict[tuple[str, str], Record]) -> None:
    benchmarks = json.loads(file.read_text())["benchmarks"]
    assert len(benchmarks) == len(records) == 4
    for benchmark in benchmarks:
        extra = benchmark["extra_info"]
        record = records[extra["implementation"], benchmark["group"]]
        assert record.latency
        assert record.error
        assert benchmark["stats"]["data"] == list(record.latency.samples_s)
        assert benchmark["params"] == {"case": record.case.id, "implementation": record.implementation}
        assert (extra["peak_bytes"], extra["error_abs"]) == (record.peak_bytes, record.error.error_abs)
        assert extra["calls_per_sample"] == record.latency.calls
        assert len(record.latency.control_s) == (len(record.latency.samples_s) if record.baseline else 0)
        assert record.latency.stop in ("precision", "budget")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--benchmark-save", "suites"), "*took 'suites', a file or folder here*`pytest suites --benchmark-save`*"),
        (("suites", "--benchmark-save=a/b"), "*--benchmark-save: Must not contain any of these characters*"),
        (("suites", "--benchmark-save=.."), "*--benchmark-save: took '..', a file or folder here*"),
        (("suites", "--benchmark-save=reports"), "*took 'reports', a file or folder here*take another name*"),
        (("suites", "--benchmark-save="), "*--benchmark-save: the name is empty: without the '='*"),
        (("suites", "--benchmark-save=latest"), "*cannot be called 'latest', which means the newest run*"),
        (("suites", f"--benchmark-save={'x' * 300}"), "ERROR: a run cannot be called *at most 120 letters*"),
        (("suites", "--resume", f"--benchmark-save={'x' * 300}"), "ERROR: *xxx*"),
        (("suites", "--precision=0"), "ERROR: --precision is '0'; it has to be a number above 0 and below 100*"),
        (("suites", "--seconds", "-1"), "ERROR: --seconds is '-1'; it has to be a number above 0, such as 0.5"),
    ],
)
def test_a_value_that_is_none_is_refused_and_leaves_nothing(
    checkout: Checkout, arguments: tuple[str, ...], message: str
) -> None:
    result = checkout.run(*arguments)
    assert result.ret == USAGE_ERROR
    result.stderr.fnmatch_lines([message])
    result.stderr.no_fnmatch_line("*Traceback*")
    assert checkout.runs == checkout.benchmarks == []


# Invalid options


@pytest.fixture
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Undoes the test's registrations."""
    registry.load()
    monkeypatch.setattr(registry, "_present", dict(registry._present))
    monkeypatch.setattr(registry, "_absent", dict(registry._absent))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"grid": "smok"}, r"no grid 'smok'; did you mean 'smoke'\?"),
        ({"device": "cuda"}, r"--device cuda: torch .* finds no cuda device here; there is cpu\..*nvidia-smi"),
        ({"device": "tpu"}, r"unknown device 'tpu'.*known: cpu, cuda, mps"),
        ({"implementations": "builtin,normalise"}, r"unknown implementation 'normalise'; did you mean 'normalize'\?"),
        ({"implementations": " , "}, r"--implementations names none; known: .*builtin"),
        ({"files": ["gone.py"]}, r"--implementations-from: there is no file 'gone.py'"),
        ({"inputs": ["gone.npy"]}, r"there is no file 'gone.npy'"),
        ({"files": ["x" * 300 + ".py"]}, r"--implementations-from: there is no file 'xxx"),
        ({"inputs": ["x" * 300 + ".npy"]}, r"there is no file 'xxx"),
        ({"grid": "x" * 300}, r"there is no grid 'xxx"),
        ({"grid": "x" * 300 + ".toml"}, r"there is no file 'xxx"),
        ({"grid": "gpu", "device": "cpu"}, r"the grid 'gpu' has no case for the devices cpu.*--grid"),
        *(
            ({"precision": text}, rf"--precision is '{text}'; .* above 0 and below 100, such as 1, which is ± 1 % of")
            for text in ("abc", "nan", "inf", "0", "-1", "1000", "")
        ),
        *(
            ({"processes": text}, rf"--processes is '{text}'; it has to be a whole number from 1 to 100, such as 5")
            for text in ("0", "-1", "101", "2.5", "many", "")
        ),
        *(
            ({"seconds": text}, rf"--seconds is '{text}'; it has to be a number above 0, such as 0\.5")
            for text in ("abc", "nan", "inf", "0", "-0.1", "1_0s")
        ),
    ],
)
def test_an_invalid_option_is_refused_with_known_values(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, object], message: str
) -> None:
    monkeypatch.setattr(environment, "devices", lambda: ("cpu",))
    with pytest.raises(ValueError, match=message):
        Plan.of(**({"grid": "smoke"} | options))  # type: ignore[arg-type]


IMPOSSIBLE = {
    'task = "paired"\nshapes = [[8, 64], [8, 63]]\ninputs = ["digits"]': r"digits have 64 pixels: the shape \(8, 63\)",
    'task = "pairwise"\nshapes = [[8, 9, 32]]\ninputs = ["digits"]': r"use .*\(N, M, 64\) for 'pairwise'",
    'task = "paired"\nshapes = [[8, 64]]\nmemory_formats = ["channels_last"]': "channels_last needs",
    'task = "pairwise"\nshapes = [[8, 9, 32]]': "normalize, builtin solve none of the tasks of the grid .*: pairwise",
}


@pytest.mark.parametrize(("block", "message"), IMPOSSIBLE.items())
def test_a_case_that_cannot_be_is_refused_before_anything_is_measured(tmp_path: Path, block: str, message: str) -> None:
    grid = tmp_path / "mine.toml"
    grid.write_text(f'seconds = 1\n[[cases]]\ndtypes = ["float32"]\n{block}\n')
    with pytest.raises(ValueError, match=rf"mine\.toml.*{message}|{message}"):
        Plan.of(grid=str(grid), implementations="normalize,builtin")


def test_options_take_the_place_of_what_the_grid_says() -> None:
    grid = Plan.of(grid="smoke", precision="2.5", seconds="1e-3").grid
    assert (grid.precision, grid.seconds, grid.name) == (0.025, 0.001, "smoke")
    assert grid.blocks == Plan.of(grid="smoke").grid.blocks


@pytest.mark.usefixtures("own_registry")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"mine.py: no function register\(implementation\)"),
        ("def f(x, y, dim=-1): ...\ndef register(i): i()(f), i()(f)", r"two implementations are called 'f'"),
        ("def builtin(x, y, dim=-1): ...\ndef register(i): i()(builtin)", r"two implementations are called 'builtin'"),
        ("def f(x): ...\ndef register(i): i()(f)", r"f\(x\) has the wrong signature .*write it as f\(x, y, dim=-1\)"),
    ],
)
def test_a_file_that_registers_nothing_sound_is_refused(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "mine.py"
    file.write_text(text)
    with pytest.raises(registry.RegistryError, match=message):
        Plan.of(grid="smoke", files=[str(file)])


def test_on_the_command_line_it_is_a_usage_error_without_a_traceback(checkout: Checkout) -> None:
    np.save(checkout.root / "emb.npy", [[1.0, 2.0], [float("nan"), 1.0]])
    for option, message in {
        "--inputs=emb.npy": "ERROR: *'emb.npy' holds NaN or infinity, 1 in all, the first in row 1; leave them out",
        "--resume": "ERROR: --resume: every run is complete*start a new one without it",
    }.items():
        result = checkout.run("suites", option)
        assert result.ret == USAGE_ERROR
        result.stderr.fnmatch_lines([message])
        result.stderr.no_fnmatch_line("*Traceback*")
    assert checkout.runs == []


# Contestants from outside


def test_contestants_that_fail_are_records_and_the_others_are_measured(checkout: Checkout) -> None:
    checkout.pytester.makepyfile(
        theirs="""
        import torch

        def raises(x, y, dim=-1):
            raise ValueError("no luck today")

        def zeros(x, y, dim=-1):
            return torch.zeros(len(x))

        def good(x, y, dim=-1):
            return torch.cosine_similarity(x, y, dim=dim)

        def register(implementation):
            for fn in (raises, zeros, good):
                implementation()(fn)
        """,
        needs_more="import package_that_nobody_has",
    )
    files = ("--implementations-from=theirs.py", "--implementations-from=needs_more.py")
    result = checkout.bench(*files, "-k8x64", "-rs", implementations="builtin,raises,zeros,good,pure_16bit")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=2, failed=2, skipped=1, deselected=9, warnings=0)
    result.stdout.fnmatch_lines(["absent    needs_more: the module 'package_that_nobody_has' is not installed*"])
    result.stdout.fnmatch_lines(["raises is error: ValueError: no luck today"])
    result.stdout.fnmatch_lines(["SKIPPED*unsupported: takes float16 and bfloat16 only*"])
    (run,) = checkout.runs
    records = checkout.records(run)
    assert {case for _, case in records} == {SMALL}, "only the selected case is measured"
    found = {name: record for (name, _), record in records.items()}
    assert {name: record.status for name, record in found.items()} == {
        "builtin": Status.OK,
        "raises": Status.ERROR,
        "zeros": Status.WRONG,
        "good": Status.OK,
        "pure_16bit": Status.UNSUPPORTED,
    }
    assert "no luck today" in found["raises"].reason
    assert found["zeros"].error
    assert found["good"].latency
    assert load_run(str(checkout.file(run))).absent.keys() >= {"needs_more"}


def test_a_file_of_ten_lines_dropped_in_appears_in_every_suite_in_the_records_and_in_the_report(
    checkout: Checkout,
) -> None:
    checkout.pytester.makepyfile(
        **{
            "implementations/mine": """
            from implementations.registry import implementation

            @implementation()
            def mine(x, y, dim=-1):
                return (x * y).sum(dim) / ((x * x).sum(dim) * (y * y).sum(dim)).sqrt()

            @implementation("pairwise")
            def mine_of_all_pairs(x, y):
                return mine(x[:, None], y[None])
            """
        }
    )
    with (checkout.root / "tiny.toml").open("a") as grid:
        for task, shape in {"feature_maps": [2, 3, 4, 4], "pairwise": [4, 3, 16]}.items():
            grid.write(f'[[cases]]\ntask = "{task}"\nshapes = [{shape}]\ndtypes = ["float32"]\n')
    result = checkout.run("suites", "--grid=tiny.toml", "-k", "mine or builtin")
    result.assert_outcomes(passed=7)
    (run,) = checkout.runs
    records = checkout.records(run)
    assert {name for name, _ in records} == {"builtin", "mine", "mine_of_all_pairs"}
    assert {record.case.task for record in records.values() if "mine" in record.implementation} == {
        "paired",
        "feature_maps",
        "pairwise",
    }
    (page,) = checkout.python("-m", "reports").outlines
    report = Path(page).read_text(encoding="utf-8")
    assert "mine" in report
    assert "mine_of_all_pairs" in report


def test_a_users_own_embeddings_are_compared_in_each_task_that_takes_rows(checkout: Checkout) -> None:
    np.save(checkout.root / "emb.npy", np.random.default_rng(0).integers(1, 9, size=(12, 32)))
    with (checkout.root / "tiny.toml").open("a") as grid:
        for task, shape in {"pairwise": [4, 3, 16], "feature_maps": [2, 3, 4, 4]}.items():
            grid.write(f'[[cases]]\ntask = "{task}"\nshapes = [{shape}]\ndtypes = ["float32"]\n')
    options = ("--inputs=emb.npy", "--precision=20", "--seconds=0.002")
    result = checkout.bench(*options, implementations="builtin,normalize,matmul")
    result.assert_outcomes(passed=7, skipped=3)
    said = (
        "file:emb: 12 rows of 32; each row with the next, the last with the first; all pairs of rows; "
        "samples of 3, 4 and 8 of 12 rows, and all of them; int64 converted to float32"
    )
    result.stdout.fnmatch_lines(
        [
            "measured  grid tiny.toml: 4 cases on cpu, paired and pairwise in float32, 3 implementations",
            "sampling  each ratio to ± 20 %, at most 0.002 s per implementation",
            f"rows      {said}",
            "left out  feature maps: file:emb holds [[]N, D] rows, it takes [[]N, C, H, W]",
            "time      about *",
        ],
        consecutive=True,
    )
    (run,) = checkout.runs
    head = load_run(str(checkout.file(run)))
    assert (head.inputs, head.precision, head.seconds) == (said, 0.2, 0.002)
    assert head.fingerprints.keys() == {"grid", "implementations", "inputs", "uncommitted changes"}
    cases = {record.case for record in checkout.records(run).values()}
    assert {(case.task, case.shape, case.inputs) for case in cases} == {
        *(("paired", (rows, 32), "file:emb") for rows in (4, 8, 12)),
        ("pairwise", (4, 3, 32), "file:emb"),
    }


def test_tasks_of_another_rank_than_a_users_maps_are_named_as_left_out(tmp_path: Path) -> None:
    np.save(tmp_path / "maps.npy", np.ones((3, 2, 4, 5)))
    plan = Plan.of(grid="smoke", device="cpu", inputs=[str(tmp_path / "maps.npy")])
    session = Session(plan, done=[], started=lambda _: None, measure=lambda *_: [], ended=lambda *_: None)
    left_out = "left out  paired, pairwise, top k and angle: file:maps holds [N, C, H, W] rows, it takes [N, D]"
    assert left_out in announcement(session, [], {})


def test_a_search_in_fresh_processes_is_measured_on_the_files(checkout: Checkout) -> None:
    for name, rows in {"emb": 20, "q": 3}.items():
        np.save(checkout.root / f"{name}.npy", np.random.default_rng(rows).normal(size=(rows, 4)))
    options = ("--queries=q.npy", "--corpus=emb.npy", "--processes=2", "--benchmark-save=asked", "-k", "3x20x4")
    checkout.bench(*options, implementations="matmul").assert_outcomes(passed=1, deselected=5)
    (record,) = checkout.records("asked").values()
    assert (record.status, record.case.id) == (Status.OK, "cpu-float32-3x20x4-file:q+emb")
    assert len(record.replicates) == 1


MISUSE = {
    ("--inputs", "emb.npy", "suites"): "*'suites' is no file of rows; name what to measure first: "
    "`pytest suites --inputs emb.npy`",
    ("suites", "--inputs", "emb.npy", "emb.npy", "emb.npy"): "*takes one or two files, x and y, not 3: *",
    ("suites", "--inputs=emb.npy", "--inputs=q.npy"): "*is there twice; x and y are `--inputs emb.npy q.npy`",
    ("suites", "--inputs=emb.npy", "q.npy"): "ERROR: 'q.npy' holds rows, *; write `--inputs x.npy y.npy` for two",
}


@pytest.mark.parametrize(("words", "message"), MISUSE.items())
def test_files_in_the_wrong_place_are_refused_with_the_right_one(
    checkout: Checkout, words: tuple[str, ...], message: str
) -> None:
    for name in ("emb", "q"):
        np.save(checkout.root / f"{name}.npy", np.ones((3, 4)))
    result = checkout.run(*words)
    assert result.ret == USAGE_ERROR
    result.stderr.fnmatch_lines([message])


@pytest.mark.skipif(torch.cuda.is_available(), reason="with CUDA the profiler's own messages are shown")
def test_a_profile_leaves_the_console_to_the_table(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KINETO_LOG_LEVEL", raising=False)
    result = checkout.bench("--profile", "-s", "-k8x64", implementations="builtin")
    result.assert_outcomes(passed=1, deselected=5)
    result.stderr.no_fnmatch_line("*USDT*")


# With pytest-xdist


def test_workers_side_by_side_are_refused(checkout: Checkout) -> None:
    result = checkout.bench("-n2")
    assert result.ret == USAGE_ERROR
    assert "-n measures in workers side by side, which disturb each other's samples; leave -n out" in str(result.stderr)
    assert checkout.runs == []
