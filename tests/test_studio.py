"""A second process draws pictures: same bytes, errors passed on, and it ends with the first process."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from reports import render
from reports.plots import Plot
from reports.plots.worker import worker
from tests.findings import HEAD, deviated, seeing
from tests.runs import measured, save

ROOT = Path(__file__).parent.parent


def resolved() -> Plot:
    row = {
        "implementation": "a",
        "device": "cpu",
        "dtype": "float32",
        "smallest_angle": 1e-3,
        "distinct": 9,
        "pairs": 99,
    }
    return Plot("resolution", "resolution", (pd.DataFrame([row]),))


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_report_has_the_same_bytes_wherever_its_pictures_are_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [measured(name, [1e-4, 1.1e-4] * 10, baseline=name == "builtin", peak_bytes=1) for name in ("builtin", "a")]
    save(tmp_path, *lines, deviated("a", "self"), seeing("a", 0.1, 9), run=HEAD)
    here = files(render("errors", root=tmp_path, out=tmp_path / "here").parent)
    monkeypatch.setattr(sys.modules["reports.render"], "LARGE_BYTES", 0)  # `reports.render` is the function
    assert files(render("errors", root=tmp_path, out=tmp_path / "beside").parent) == here
    assert {name for name in here if name.endswith(".png")} > {"accuracy-cpu-float32.png", "paired-ratio.png"}


def test_an_error_of_the_second_process_is_raised_here(tmp_path: Path) -> None:
    with worker(tmp_path / "nowhere", second_process=True) as pictures:
        pictures.draw([resolved()])
        with pytest.raises(FileNotFoundError, match=r"resolution\.png"):
            pictures.pictures()


def test_a_warning_of_the_second_process_is_given_here(tmp_path: Path) -> None:
    plot = resolved()
    plot.tables[0]["implementation"] = "\N{CJK UNIFIED IDEOGRAPH-4E00}"
    with worker(tmp_path, second_process=True) as pictures:
        pictures.draw([plot])
        with pytest.warns(UserWarning, match="Glyph"):
            pictures.pictures()


def test_a_second_process_that_is_killed_is_an_error(tmp_path: Path) -> None:
    with worker(tmp_path, second_process=True) as pictures:
        pictures._process.kill()  # type: ignore[attr-defined]
        pictures._process.wait()  # type: ignore[attr-defined]
        with pytest.raises(RuntimeError, match="ended with status -9"):
            pictures.draw([resolved()])


def test_it_ends_with_us(tmp_path: Path) -> None:
    beside = worker(tmp_path, second_process=True)
    pictures = beside.__enter__()
    pictures.draw([resolved()])
    assert not beside.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert pictures._process.returncode is not None  # type: ignore[attr-defined]


def test_a_script_without_a_guard_is_not_run_again(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from pathlib import Path\n"
        "from reports.plots.worker import worker\n"
        "print('once')\n"
        "with worker(Path('.'), second_process=True) as pictures:\n"
        "    print(pictures.pictures())\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (ended.stdout, ended.stderr) == ("once\n{}\n", "")
