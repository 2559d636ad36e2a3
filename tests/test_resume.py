"""Does an interrupted run resume where it stopped, under the same conditions?"""

import dataclasses
import importlib
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from implementations import Implementation, registry
from results import StoreError, list_runs, load, load_end
from results.recorder import Recorder
from suites import environment
from suites.plan import Plan
from suites.records.case import Case
from suites.records.record import End, Record, Run, Status
from suites.session import Session
from tests.checkout import GRID, Checkout

pytest_plugins = ["pytester"]

SMALL = "paired cpu-float32-8x64"
INTERRUPTED, USAGE_ERROR = pytest.ExitCode.INTERRUPTED, pytest.ExitCode.USAGE_ERROR


UNLUCKY = """
    import os, signal, torch

    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it

    def unlucky(x, y, dim=-1):
        if fate := os.environ.get(f"FATE_OF_{len(x)}_ROWS"):
            os.kill(os.getppid(), getattr(signal, fate))  # the run; this is its worker
            signal.pause()
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
    interrupted.stdout.fnmatch_lines(["*; 1 case done already"])
    interrupted.stdout.fnmatch_lines(
        ["run cut: 4 records saved, 1 case* to go; to continue:", "python -m pytest *cut --resume"]
    )

    monkeypatch.delenv("FATE_OF_2_ROWS")
    checkout.bench(*unlucky, "--resume", implementations=names).assert_outcomes(passed=6, skipped=4)
    assert len(checkout.records("cut")) == 6
    assert checkout.file("cut").read_bytes().startswith(killed), "a saved case must not be measured again"
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
        ["*No space left*Safe on disk: 2 records; when there is room again, --resume continues*"]
    )
    result.stderr.no_fnmatch_line("*Traceback*")
    assert {case for _, case in checkout.records("full")} == {SMALL}
    assert load_end(str(checkout.file("full"))) is None


CASE, OTHER_CASE = (Case(task="paired", shape=shape, dtype="float32", device="cpu") for shape in ((8, 64), (4, 32)))
RECORD = Record.failed("f", False, CASE, Status.UNSUPPORTED, "no float32")
END = End(wall_s=1.0, phases_s={})


def head(name: str, command: str = "pytest suites", **asked: object) -> Run:
    fields: dict[str, object] = {
        "started": "2026-11-21T10:00:00+00:00",
        "grid": "tiny.toml",
        "environment": environment.environment(),
        "absent": {},
        "precision": 0.01,
        "seconds": 0.5,
    }
    return Run(name=name, command=command, **(fields | asked))  # type: ignore[arg-type]


def write(recorder: Recorder, *lines: Record | End) -> None:
    recorder.append(lines)
    recorder.close()


def test_resuming_takes_the_unfinished_run_that_is_meant_and_refuses_the_others(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"--resume: every run is complete.*start a new one without it"):
        Recorder.resume(head("new"), root=tmp_path)
    write(Recorder(head("mine"), tmp_path), RECORD, END)
    write(Recorder(head("mine"), tmp_path), RECORD)
    for name in (None, "mine", "mine-2"):
        resumed = Recorder.resume(head("new"), name, tmp_path)
        assert (resumed.name, resumed.done, resumed.saved) == ("mine-2", [RECORD], 1)
        resumed.close()
    with pytest.raises(ValueError, match=r"no run 'mime'.*did you mean 'mine'"):
        Recorder.resume(head("new"), "mime", tmp_path)
    write(Recorder.resume(head("new"), root=tmp_path), END)
    with pytest.raises(StoreError, match="'mine' is complete"):
        Recorder.resume(head("new"), "mine", tmp_path)


HERE = environment.environment()
KNOWN = {"grid": "a1", "inputs": "b2", "uncommitted changes": "c3", "implementations": "d4"}


@pytest.mark.parametrize(
    ("now", "message"),
    [
        ({"fingerprints": KNOWN | {"grid": "z9"}}, r"the cases \(--grid, .*--k\): changed since"),
        (
            {"fingerprints": KNOWN | {"grid": "z9"}, "grid": "smoke"},
            r"the cases \(--grid, .*\): of the grid tiny\.toml, now of smoke",
        ),
        ({"fingerprints": KNOWN | {"inputs": "z9"}}, "the rows in the files of --inputs, .*: changed since"),
        ({"fingerprints": {"grid": "a1"}}, "the rows in the files of --inputs, --queries and --corpus: none now"),
        ({"fingerprints": KNOWN | {"implementations": "z9"}}, "code in .* or --implementations-from: changed since"),
        ({"fingerprints": KNOWN | {"uncommitted changes": ""}}, "uncommitted changes of this checkout: changed since"),
        ({"inputs": "file:emb"}, "--inputs: none, now file:emb"),
        ({"precision": 0.005}, "--precision: 1 %, now 0.5 %"),
        ({"baseline": "compiled_dot"}, "--baseline: none, now compiled_dot"),
        ({"error_budget": {"float32": 1e-3}}, r"--error-budget: none, now float32=0\.001"),
        ({"seconds": 2.0}, r"--seconds: 0\.5, now 2"),
        ({"processes": 3}, "--processes: 1, now 3"),
        ({"environment": dataclasses.replace(HERE, threads=99)}, "the threads: [0-9]+, now 99"),
        ({"environment": dataclasses.replace(HERE, float32_matmul_precision="low")}, "matmul precision: .*, now low"),
        ({"environment": dataclasses.replace(HERE, packages={})}, "the package numpy: [0-9.]+, now none"),
    ],
)
def test_one_run_never_mixes_two_things_and_names_them_in_words(
    tmp_path: Path, now: dict[str, object], message: str
) -> None:
    write(Recorder(head("mine", fingerprints=KNOWN), tmp_path), RECORD)
    with pytest.raises(
        StoreError, match=rf"'mine' measures something else, .* differs in .*{message}.*Its command was `pytest suites`"
    ):
        Recorder.resume(head("mine", **{"fingerprints": KNOWN} | now), root=tmp_path)


def test_a_run_of_an_older_version_has_no_precision_and_is_compared_as_well(tmp_path: Path) -> None:
    write(Recorder(head("old", precision=None, seconds=None), tmp_path), RECORD)
    with pytest.raises(StoreError, match=r"--precision: none, now 1 %; --seconds: none, now 0\.5"):
        Recorder.resume(head("old"), root=tmp_path)


@pytest.mark.parametrize(
    ("started", "goes_on"),
    [
        ("pytest suites", "pytest suites --benchmark-save=copy"),
        ("pytest suites --benchmark-save", "pytest suites --benchmark-save=copy"),
        ("pytest suites --benchmark-save mine -q", "pytest suites --benchmark-save=copy -q"),
        ("pytest --benchmark-save=mine suites", "pytest --benchmark-save=copy suites"),
        ("pytest suites --benchmark-save-data", "pytest suites --benchmark-save-data --benchmark-save=copy"),
    ],
)
def test_a_renamed_copy_is_resumed_and_named_by_the_name_of_its_file(
    tmp_path: Path, started: str, goes_on: str
) -> None:
    write(Recorder(head("mine", command=started, fingerprints=KNOWN), tmp_path), RECORD)
    (tmp_path / "mine.jsonl").rename(tmp_path / "copy.jsonl")
    resumed = Recorder.resume(head("new", fingerprints=KNOWN), "copy", tmp_path)
    assert resumed.describe(cases_left=1)[1] == f"{goes_on} --resume"
    resumed.close()
    with pytest.raises(StoreError, match=rf"the run 'copy' measures .*Its command was `{goes_on}`: add --resume"):
        Recorder.resume(head("new"), "copy", tmp_path)


def test_a_grids_file_name_and_untracked_files_are_no_difference(tmp_path: Path) -> None:
    write(Recorder(head("mine", fingerprints=KNOWN), tmp_path), RECORD)
    dirty = dataclasses.replace(HERE, dirty=not HERE.dirty)
    resumed = Recorder.resume(head("mine", grid="./tiny.toml", environment=dirty, fingerprints=KNOWN), root=tmp_path)
    resumed.close()
    assert (resumed.name, resumed.done) == ("mine", [RECORD])


def test_a_fingerprint_is_of_a_files_content(tmp_path: Path) -> None:
    def fingerprints(grid: str = GRID, name: str = "a.toml", rows: int = 30) -> dict[str, str]:
        (tmp_path / name).write_text(grid)
        np.save(tmp_path / "rows.npy", np.ones((rows, 2)))
        return Plan.of(grid=str(tmp_path / name), inputs=[str(tmp_path / "rows.npy")]).fingerprints

    first = fingerprints()
    assert first == fingerprints(GRID + "# a remark", "b.toml")
    assert first == fingerprints("precision = 2\n" + GRID.replace("0.001", "0.002")), "a run saves these separately"
    for changed in (GRID.replace("[8, 64], ", ""), 'families = ["self"]' + GRID, "compile_anew = false" + GRID):
        assert first != fingerprints(changed)
    assert first["inputs"] != fingerprints(rows=31)["inputs"]


def test_implementations_are_what_their_files_say_known_to_git_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "__file__", str(tmp_path / "room" / "registry.py"))
    mine, theirs = tmp_path / "room" / "mine.py", tmp_path / "theirs.py"
    mine.parent.mkdir()
    plan = dataclasses.replace(Plan.of(grid="smoke"), files=(str(theirs),))

    def fingerprint(ours: str, outside: str) -> str:
        mine.write_text(ours)
        theirs.write_text(outside)
        return plan.fingerprints["implementations"]

    assert fingerprint("a", "b") == fingerprint("a", "b")
    assert len({fingerprint("a", "b"), fingerprint("c", "b"), fingerprint("a", "c")}) == 3


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_uncommitted_changes_are_those_of_files_that_git_tracks(checkout: Checkout) -> None:
    def changes() -> str:
        script = (sys.executable, "-c", "from suites import git; print(git.uncommitted())")
        return subprocess.run(script, cwd=checkout.root, capture_output=True, text=True, check=True).stdout.strip()

    checkout.commit()
    (checkout.root / "untracked.txt").touch()
    assert changes() == ""
    found = set()
    for _ in range(2):
        with (checkout.root / "tiny.toml").open("a") as grid:
            grid.write("# a remark\n")
        found.add(changes())
    assert len(found - {""}) == 2


def test_a_run_goes_on_with_the_same_grid_under_another_name_and_not_with_another_grid(checkout: Checkout) -> None:
    checkout.bench("--benchmark-save=cut", "--precision=50")
    file, grid = checkout.file("cut"), checkout.root / "tiny.toml"
    *lines, _ = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:-1]))  # as if killed while saving the last case
    resume = ("suites", "--implementations=builtin,normalize", "--benchmark-save=cut", "--resume", "--precision=50")

    (checkout.root / "other.toml").write_text(GRID.replace("64", "65"))
    refused = checkout.run(*resume, "--grid=other.toml")
    assert refused.ret == USAGE_ERROR
    refused.stderr.fnmatch_lines(
        ["ERROR: --resume: the run 'cut' measures something else*differs in the cases (--grid*"]
    )

    added = checkout.root / "implementations" / "added.py"
    added.write_text("")
    refused = checkout.run(*resume, f"--grid={grid}")
    refused.stderr.fnmatch_lines(["ERROR: --resume: *differs in the code in implementations/*"])
    added.unlink()

    resumed = checkout.run(*resume, f"--grid={grid}")
    resumed.assert_outcomes(passed=4, skipped=4)
    resumed.stdout.fnmatch_lines(["run cut: 4 records saved; *"])
    assert list_runs(file.parent)[["records", "complete"]].to_numpy().tolist() == [[4, True]]


def test_a_run_on_the_rows_of_a_file_that_its_grid_names_goes_on_and_not_with_other_rows(checkout: Checkout) -> None:
    rows = np.random.default_rng(0).normal(size=(6, 16)).astype(np.float32)
    np.save(checkout.root / "emb.npy", rows)
    block = '[[cases]]\ntask = "paired"\ndtypes = ["float32"]\ninputs = "file:emb.npy"\n'
    (checkout.root / "tiny.toml").write_text(f"seconds = 0.001\n{block}{block}shapes = [4]\n")
    asked = ("--benchmark-save=cut", "--precision=50")
    first = checkout.bench(*asked)
    sampled = "samples of 4 of 6 rows, and all of them"
    first.stdout.fnmatch_lines([f"rows *file:emb: 6 rows of 16; each row with the next*; {sampled}"])
    file = checkout.file("cut")
    *lines, _ = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:-1]))  # as if killed while saving the last case

    np.save(checkout.root / "emb.npy", -rows)
    refused = checkout.bench(*asked, "--resume")
    assert refused.ret == USAGE_ERROR
    refused.stderr.fnmatch_lines(
        ["ERROR: --resume: the run 'cut' measures something else*differs in the rows in the files of --inputs*"]
    )

    np.save(checkout.root / "emb.npy", rows)
    resumed = checkout.bench(*asked, "--resume")
    assert resumed.ret == 0
    resumed.stdout.fnmatch_lines(["*; 1 case done already", "run cut: 4 records saved; *"])
    assert list_runs(file.parent)[["records", "complete"]].to_numpy().tolist() == [[4, True]]
    table = load("cut", root=file.parent)
    assert {*zip(table["inputs"], table["shape"], strict=True)} == {("file:emb", "6x16"), ("file:emb", "4x16")}


def test_a_case_that_was_half_saved_is_measured_again_and_counts_once(tmp_path: Path) -> None:
    write(Recorder(head("mine"), tmp_path), RECORD)
    again = Recorder.resume(head("mine"), "mine", tmp_path)
    write(again, RECORD, dataclasses.replace(RECORD, implementation="g"), END)
    assert "run mine: 2 records saved;" in again.describe(cases_left=0)[0]
    assert list_runs(tmp_path)["records"].tolist() == [2]
    assert load("mine", root=tmp_path)["implementation"].tolist() == ["f", "g"]


def test_a_case_that_is_measured_again_is_with_all_that_the_run_has_of_it() -> None:
    plan = Plan.of(grid="smoke", device="cpu", implementations="builtin,normalize")
    case, measured = plan.cases[0], []

    def measure(case: Case, contestants: Sequence[Implementation]) -> list[Record]:
        return [Record.failed(one.name, False, case, Status.ERROR, "no luck") for one in contestants]

    def session(*done: Record) -> Session:
        return Session(
            plan, done=done, started=lambda _: None, measure=measure, ended=lambda *ended: measured.append(ended[2])
        )

    for name in ("builtin", "normalize"):
        one = session(*(measured[0] if measured else ()))
        one.select(case.task, case.id, name)
        one.record(case.task, case.id, name)
    assert [[record.implementation for record in records] for records in measured] == [
        ["builtin"],
        ["builtin", "normalize"],
    ]


def test_a_run_that_is_gone_on_with_for_a_part_of_it_stays_unfinished(tmp_path: Path) -> None:
    started = "python -m pytest suites --grid smoke --benchmark-save=mine"
    for options, may_end in (("--resume -q", True), ("--resume -k float32", False), ("--resume --device cpu", False)):
        write(Recorder(head("mine", command=started), tmp_path), RECORD)
        resumed = Recorder.resume(head("mine", command=f"{started} {options}"), "mine", tmp_path)
        assert resumed.may_end is may_end
        resumed.close()


def test_a_session_that_selects_nothing_completes_no_run() -> None:
    plan = Plan.of(grid="smoke", device="cpu", implementations="builtin")
    session = Session(plan, done=[], started=lambda _: None, measure=lambda *_: [], ended=lambda *_: None)
    assert not session.left
    assert not session.selected


def test_the_packages_that_a_run_was_measured_with_do_not_depend_on_who_imported_setuptools() -> None:
    before = environment.environment().packages
    importlib.import_module("setuptools")  # adds vendored packages to the path
    assert environment.environment().packages == before
    assert "torch" in before
    assert not any(name.startswith("jaraco") for name in before)
