"""Does each command end with the exit status that docs/nightly.md promises, and never with 1 by an exception?"""

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

import command
import nightly
from results.__main__ import main as results_main
from tests.runs import measured, save

ROOT = Path(__file__).parent.parent


def raising(error: BaseException) -> Callable[[], int]:
    def main() -> int:
        raise error

    return main


@pytest.mark.parametrize(
    ("main", "status"),
    [
        (lambda: None, 0),
        (lambda: 0, 0),
        (lambda: 1, 1),
        (raising(SystemExit(2)), 2),
        (raising(SystemExit("trials.jsonl holds something else")), 2),
        (raising(ValueError("ours")), 3),
        (raising(MemoryError()), 3),
        (raising(RecursionError()), 3),
        (raising(OSError(errno.ENOSPC, "full")), 3),
        (raising(KeyboardInterrupt()), 130),
    ],
)
def test_a_command_ends_with_one_of_five_statuses(main: Callable[[], int | None], status: int) -> None:
    with pytest.raises(SystemExit) as ended:
        command.run(main)
    assert ended.value.code == status


def test_what_a_study_says_at_its_end_is_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.run(raising(SystemExit("name another file")))
    assert capsys.readouterr() == ("", "name another file\n")


@pytest.mark.parametrize(
    ("of_pytest", "of_the_night"), [(2, 130), (-2, 130), (3, 3), (4, 2), (5, 2), (-9, 3), (-11, 3), (1, 3), (0, 3)]
)
def test_a_night_without_a_complete_run_says_whose_fault_it_is(
    of_pytest: int, of_the_night: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=of_pytest))
    assert nightly.main(["--grid", "smoke"]) == of_the_night
    assert f"pytest ended with the exit status {of_pytest}" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_a_failure_and_no_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(tmp_path, measured("x", [1.0]))
    with pytest.raises(SystemExit) as ended:
        results_main(["show", "a", "--output", "/dev/full"], tmp_path)
    assert ended.value.code == 3
    assert "No space left" in capsys.readouterr().err


def ended(code: str, **streams: int) -> int:
    """`python -c` in this repository."""
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, **streams).returncode


@pytest.mark.parametrize(("error", "status"), [("KeyboardInterrupt", 2), ("ValueError", 3), ("OSError", 3)])
def test_pytest_ends_with_its_own_status_by_an_exception_that_it_does_not_catch(error: str, status: int) -> None:
    code = f"from suites.plugin import statuses; statuses.keep(); raise {error}"
    assert ended(code, stderr=subprocess.DEVNULL) == status


@pytest.mark.parametrize(
    ("redirection", "status"), [(">&-", 0), (">&- 2>&-", 0), (">/dev/full 2>/dev/null", 3), ("| true", 3)]
)
def test_a_closed_stream_is_no_failing_contestant(redirection: str, status: int) -> None:
    run = f"{sys.executable} -m pytest suites/test_paired.py --grid smoke --implementations builtin --co -q"
    shell = f"set -o pipefail; {run} {redirection}"
    assert subprocess.run(["bash", "-c", shell], cwd=ROOT, check=False, env=os.environ).returncode == status


@pytest.mark.parametrize("words", ["results", "suites.families", "implementations"])
def test_a_command_without_streams_is_done(words: str) -> None:
    shell = f"{sys.executable} -m {words} >&- 2>&-"
    assert subprocess.run(["bash", "-c", shell], cwd=ROOT, check=False).returncode == 0
