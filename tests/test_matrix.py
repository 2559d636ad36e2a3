"""Does the matrix run both parts in each setting of this processor, and count a failure in either?"""

import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import matrix
import pytest

SUITE = '<testsuites><testsuite tests="{}" failures="{}" errors="0" skipped="1"/></testsuites>'


def main(monkeypatch: pytest.MonkeyPatch, *settings: str, highest: str = "avx2", failing: str = "") -> list[list[str]]:
    """Run the matrix with a stand-in for pytest that fails if `failing` is an argument; returns the calls."""
    calls = []

    def run(command: list[str], cwd: Path, env: dict[str, str], check: bool) -> SimpleNamespace:
        failed = failing in command
        calls.append(
            [*command, *(f"{k}={v}" for k, v in env.items() if k in ("ATEN_CPU_CAPABILITY", "OMP_NUM_THREADS"))]
        )
        (xml,) = (part.partition("=")[2] for part in command if part.startswith("--junit-xml="))
        Path(xml).write_text(SUITE.format(5, int(failed)), encoding="utf-8")
        return SimpleNamespace(returncode=int(failed))

    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.delenv("ATEN_CPU_CAPABILITY", raising=False)
    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(matrix, "highest_capability", lambda: highest)
    monkeypatch.setattr(sys, "argv", ["matrix", *settings])
    calls.append([str(matrix.main())])
    return calls


def test_a_setting_has_two_parts_and_tests_side_by_side_have_a_thread_each(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    side_by_side, alone, (status,) = main(monkeypatch, "found")
    assert "not alone" in side_by_side
    assert "OMP_NUM_THREADS=1" in side_by_side
    assert "alone" in alone
    assert "OMP_NUM_THREADS=1" not in alone
    assert status == "0"
    assert re.search(r"found +8 +0 +2 +0 min 0\d s +green", capsys.readouterr().out)


def test_the_part_for_tests_that_run_alone_has_each_file_with_one(
    monkeypatch: pytest.MonkeyPatch, files_with_tests_alone: set[Path]
) -> None:
    _, alone, _ = main(monkeypatch, "found")
    assert files_with_tests_alone <= {Path(word) for word in alone if word.endswith(".py")} != set()


def test_a_setting_is_its_environment_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    *parts, _ = main(monkeypatch, "avx2-2")
    assert all({"ATEN_CPU_CAPABILITY=avx2", "OMP_NUM_THREADS=2"} <= set(part) for part in parts)


@pytest.mark.parametrize("failing", ["alone", "not alone"])
def test_a_failure_in_either_part_is_one(monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    assert main(monkeypatch, "found", failing=failing)[-1] == ["1"]


def test_what_the_processor_lacks_is_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    *calls, _ = main(monkeypatch)
    assert len(calls) == 2 * (1 + 4 + 2)
    assert re.search(r"avx512-1 +not available", capsys.readouterr().out)


def test_an_unknown_setting_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(monkeypatch, "avx3-1")
    assert "no setting avx3-1; did you mean 'avx2-1'? known: found, default-1," in capsys.readouterr().err


def test_ci_runs_a_setting_that_each_processor_has() -> None:
    (named,) = re.findall(r"make test-matrix SETTINGS=(\S+)", (matrix.ROOT / ".ci" / "run").read_text(encoding="utf-8"))
    assert named in matrix.settings("default")
