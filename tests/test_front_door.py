"""Do pytest and pytest-benchmark work on the suites as their manuals say, whatever they are asked and handed?"""

import io
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import threading
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import torch
from checkout import Checkout

from implementations import registry
from results import StoreError, load_end, load_run
from results.recorder import Recorder
from suites import environment
from suites.case import Case
from suites.plan import Plan
from suites.progress import ProgressLine
from suites.record import End, Record, Run, Status
from suites.session import Session

pytest_plugins = ["pytester"]

SMALL, SMALLER = "paired cpu-float32-8x64", "paired cpu-float32-4x32"
INTERRUPTED, USAGE_ERROR = pytest.ExitCode.INTERRUPTED, pytest.ExitCode.USAGE_ERROR


@pytest.fixture
def checkout(pytester: pytest.Pytester) -> Checkout:
    return Checkout.copy(pytester)


# Saving, with and without a name


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_pytest_benchmark_saves_shows_and_compares_our_samples_and_nothing_is_overwritten(checkout: Checkout) -> None:
    commit = checkout.commit()
    first = checkout.bench("--benchmark-save")
    first.assert_outcomes(passed=4, skipped=2)
    (run,) = checkout.runs
    assert re.fullmatch(r"\d{8}-\d{6}-" + commit[:7] + r"\w*", run)
    assert checkout.benchmarks == [f"0001_{run}"]
    first.stdout.fnmatch_lines(
        ["*benchmark '*4x32': 2 tests*", "*Median*Rounds*", "test_paired?cpu-float32-4x32-builtin?*"]
    )
    first.stdout.fnmatch_lines([f"run {run}: 4 records saved; `python -m reports {run}` renders the report"])
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
    compared = checkout.pytester.run(sys.executable, "-m", "pytest_benchmark", "compare", "0001", "0002")
    assert all(any(line.count(f"builtin] ({file}") for line in compared.outlines) for file in ("0001_", "0002_"))


def assert_knows_where_it_was_measured(head: Run, name: str, commit: str) -> None:
    here = head.environment
    assert (head.name, head.grid, here.commit) == (name, "tiny.toml", commit)
    assert head.command.endswith("suites --grid=tiny.toml --implementations=builtin,normalize --benchmark-save")
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
    ],
)
def test_a_name_that_is_none_is_refused_and_leaves_nothing(
    checkout: Checkout, arguments: tuple[str, ...], message: str
) -> None:
    result = checkout.run(*arguments)
    assert result.ret == USAGE_ERROR
    result.stderr.fnmatch_lines([message])
    result.stderr.no_fnmatch_line("*Traceback*")
    assert checkout.runs == checkout.benchmarks == []


# Options that cannot be followed


@pytest.fixture
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the test registers is forgotten afterwards."""
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
        ({"inputs": "gone.npy"}, r"there is no file 'gone.npy'"),
        ({"grid": "gpu", "device": "cpu"}, r"the grid 'gpu' has no case for the devices cpu.*--grid"),
    ],
)
def test_what_cannot_be_followed_is_said_with_what_is_known(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, object], message: str
) -> None:
    monkeypatch.setattr(environment, "devices", lambda: ("cpu",))
    with pytest.raises(ValueError, match=message):
        Plan.of(**({"grid": "smoke"} | options))  # type: ignore[arg-type]


@pytest.mark.usefixtures("own_registry")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"mine.py has no function register\(implementation\)"),
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
        "--inputs=emb.npy": "ERROR: *'emb.npy' has 1 values that are NaN*the first in row 1; leave them out",
        "--resume": "ERROR: --resume: every run came to its end*start one without it",
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
    result = checkout.bench(*files, "-k8x64", "-rs", implementations="builtin,raises,zeros,good,half")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=2, failed=2, skipped=1, deselected=7, warnings=0)
    result.stdout.fnmatch_lines(["needs_more is absent: the package 'package_that_nobody_has' is not installed*"])
    result.stdout.fnmatch_lines(["raises is error: ValueError: no luck today"])
    result.stdout.fnmatch_lines(["SKIPPED*unsupported: takes float16 and bfloat16 only*"])
    (run,) = checkout.runs
    records = checkout.records(run)
    assert {case for _, case in records} == {SMALL}, "-k narrows what is measured"
    found = {name: record for (name, _), record in records.items()}
    assert {name: record.status for name, record in found.items()} == {
        "builtin": Status.OK,
        "raises": Status.ERROR,
        "zeros": Status.WRONG,
        "good": Status.OK,
        "half": Status.UNSUPPORTED,
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
    result.assert_outcomes(passed=7, deselected=45)
    (run,) = checkout.runs
    records = checkout.records(run)
    assert {name for name, _ in records} == {"builtin", "mine", "mine_of_all_pairs"}
    assert {record.case.task for record in records.values() if "mine" in record.implementation} == {
        "paired",
        "feature_maps",
        "pairwise",
    }
    (page,) = checkout.pytester.run(sys.executable, "-m", "reports").outlines
    report = Path(page).read_text(encoding="utf-8")
    assert "mine" in report
    assert "mine_of_all_pairs" in report


def test_a_users_own_embeddings_are_compared_in_each_task_that_takes_rows(checkout: Checkout) -> None:
    np.save(checkout.root / "emb.npy", np.random.default_rng(0).normal(size=(12, 32)).astype(np.float32))
    with (checkout.root / "tiny.toml").open("a") as grid:
        grid.write('[[cases]]\ntask = "pairwise"\nshapes = [[4, 3, 16]]\ndtypes = ["float32"]\n')
    result = checkout.bench("--inputs=emb.npy", implementations="builtin,normalize,matmul")
    result.assert_outcomes(passed=3, skipped=1)
    (run,) = checkout.runs
    cases = {record.case for record in checkout.records(run).values()}
    assert {(case.task, case.shape, case.inputs) for case in cases} == {
        ("paired", (12, 32), "file:emb"),
        ("pairwise", (12, 12, 32), "file:emb"),
    }


# Runs that are cut short


UNLUCKY = """
    import os, signal, torch

    def unlucky(x, y, dim=-1):
        if fate := os.environ.get(f"FATE_OF_{len(x)}_ROWS"):
            os.kill(os.getpid(), getattr(signal, fate))
        return torch.cosine_similarity(x, y, dim=dim)

    def register(implementation):
        implementation()(unlucky)
"""


def test_a_run_that_was_killed_goes_on_where_it_stopped(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    checkout.pytester.makepyfile(unlucky=UNLUCKY)
    grid = checkout.root / "tiny.toml"
    grid.write_text(grid.read_text().replace("[4, 32]]", "[4, 32], [2, 16]]"))
    unlucky = ("--implementations-from=unlucky.py", "--benchmark-save=cut")
    names = "builtin,unlucky"

    monkeypatch.setenv("FATE_OF_4_ROWS", "SIGKILL")
    assert checkout.bench(*unlucky, implementations=names).ret == -signal.SIGKILL
    killed = checkout.file("cut").read_bytes()
    assert checkout.records("cut").keys() == {("builtin", SMALL), ("unlucky", SMALL)}
    assert load_end(str(checkout.file("cut"))) is None

    monkeypatch.delenv("FATE_OF_4_ROWS")
    monkeypatch.setenv("FATE_OF_2_ROWS", "SIGINT")
    interrupted = checkout.bench(*unlucky, "--resume", implementations=names)
    assert interrupted.ret == INTERRUPTED
    interrupted.stdout.fnmatch_lines(["*; 1 cases are done already"])
    interrupted.stdout.fnmatch_lines(
        ["run cut: 4 records saved, 1 cases to go; `python -m pytest *cut --resume` goes on with it"]
    )

    monkeypatch.delenv("FATE_OF_2_ROWS")
    checkout.bench(*unlucky, "--resume", implementations=names).assert_outcomes(passed=6, skipped=2)
    assert len(checkout.records("cut")) == 6
    assert checkout.file("cut").read_bytes().startswith(killed), "what was measured is not measured again"
    assert load_end(str(checkout.file("cut")))
    assert checkout.runs == ["cut"]


def test_a_full_disk_ends_the_session_and_what_was_saved_can_be_gone_on_with(checkout: Checkout) -> None:
    checkout.pytester.makepyfile(
        full_disk="""
        import errno, os

        def no_room(file):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def pytest_runtest_logreport(report):
            if report.when == "call" and report.passed:
                os.fsync = no_room
        """
    )
    result = checkout.bench("-p", "full_disk", "--benchmark-save=full")
    assert result.ret == pytest.ExitCode.INTERNAL_ERROR
    result.stdout.fnmatch_lines(
        ["*No space left*2 records are safe on disk; when there is room again, --resume goes on*"]
    )
    result.stderr.no_fnmatch_line("*Traceback*")
    assert {case for _, case in checkout.records("full")} == {SMALL}
    assert load_end(str(checkout.file("full"))) is None


CASE, OTHER_CASE = (Case(task="paired", shape=shape, dtype="float32", device="cpu") for shape in ((8, 64), (4, 32)))
RECORD = Record.failed("f", False, CASE, Status.UNSUPPORTED, "no float32")
END = End(wall_s=1.0, phases_s={})


def head(name: str, grid: str = "tiny.toml", command: str = "pytest suites") -> Run:
    return Run(
        name=name,
        started="2026-11-21T10:00:00+00:00",
        grid=grid,
        command=command,
        environment=environment.environment(),
        absent={},
    )


def write(recorder: Recorder, *lines: Record | End) -> None:
    recorder.append(lines)
    recorder.close()


def test_resuming_takes_the_unfinished_run_that_is_meant_and_refuses_the_others(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"--resume: every run came to its end.*start one without it"):
        Recorder.resume(head("new"), root=tmp_path)
    write(Recorder(head("mine"), tmp_path), RECORD, END)
    write(Recorder(head("mine"), tmp_path), RECORD)
    with pytest.raises(
        StoreError, match=r"'mine-2' was started with something else \(grid: 'tiny.toml', now 'smoke'\)"
    ):
        Recorder.resume(head("mine", grid="smoke"), root=tmp_path)
    for name in (None, "mine", "mine-2"):
        resumed = Recorder.resume(head("new"), name, tmp_path)
        assert (resumed.name, resumed.done, resumed.saved) == ("mine-2", [RECORD], 1)
        resumed.close()
    with pytest.raises(ValueError, match=r"no run 'mime'.*did you mean 'mine'"):
        Recorder.resume(head("new"), "mime", tmp_path)
    write(Recorder.resume(head("new"), root=tmp_path), END)
    with pytest.raises(StoreError, match="'mine' is complete"):
        Recorder.resume(head("new"), "mine", tmp_path)


def test_a_run_that_is_gone_on_with_for_a_part_of_it_stays_unfinished(tmp_path: Path) -> None:
    started = "python -m pytest suites --grid smoke --benchmark-save=mine"
    for options, may_end in (("--resume -q", True), ("--resume -k float32", False), ("--resume --device cpu", False)):
        write(Recorder(head("mine", command=started), tmp_path), RECORD)
        resumed = Recorder.resume(head("mine", command=f"{started} {options}"), "mine", tmp_path)
        assert resumed.may_end is may_end
        resumed.close()


def test_a_session_that_selects_nothing_completes_no_run() -> None:
    plan = Plan.of(grid="smoke", device="cpu", implementations="builtin")
    session = Session(plan, done=[], started=lambda _: None, ended=lambda *_: None)
    assert not session.left
    assert not session.complete


# The live line


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("TTY_COMPATIBLE", raising=False)
    return Terminal()


def show_two_cases(line: ProgressLine) -> None:
    line.start({CASE: 3, OTHER_CASE: 2})
    line.running(CASE)
    line.advance(3)
    line.running(OTHER_CASE)


def test_the_line_says_how_far_it_is_and_what_runs_without_a_thread(terminal: Terminal) -> None:
    threads, streams = threading.active_count(), (sys.stdout, sys.stderr)
    line = ProgressLine(terminal)
    show_two_cases(line)
    assert line.live
    assert (threading.active_count(), (sys.stdout, sys.stderr)) == (threads, streams)
    *_, shown = terminal.getvalue().split("\r")
    assert "1 of 2 cases" in shown
    assert "paired cpu-float32-4x32" in shown
    line.advance(2)
    assert "2 of 2 cases" in terminal.getvalue()
    line.stop()
    assert terminal.getvalue().endswith("\x1b[2K"), "the line is taken away"


def test_a_session_shows_the_line_in_place_of_files_and_dots(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    ours, theirs = os.openpty()
    command = (sys.executable, "-m", "pytest", "suites", "--grid=tiny.toml", "--implementations=builtin")
    done = subprocess.run(command, cwd=checkout.root, stdout=subprocess.PIPE, stderr=theirs, timeout=300, check=True)
    shown = os.read(ours, 1 << 16).decode()
    os.close(ours)
    os.close(theirs)
    assert "1 of 2 cases" in shown
    assert b"2 passed" in done.stdout
    assert b"test_paired.py" not in done.stdout


def test_nothing_is_written_where_nobody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    file = io.StringIO()
    line = ProgressLine(file)
    show_two_cases(line)
    line.stop()
    assert not line.live
    assert file.getvalue() == ""
