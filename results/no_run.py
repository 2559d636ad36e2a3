"""What a file or folder is that was named in place of a run, and what to do with it."""

import os
from pathlib import Path

from nearest import files_of, some_of

_NEXT = {
    **dict.fromkeys(
        (".npy", ".pt", ".pth", ".safetensors"), "holds rows; measure them with `pytest suites --inputs {path}`"
    ),
    ".toml": "may hold a grid; measure it with `pytest suites --grid {path}`",
    ".py": "holds code; measure its implementations with `pytest suites --implementations-from {path}`",
    ".json": "is pytest-benchmark's; the run of that name is a .jsonl file",
    **dict.fromkeys((".md", ".csv", ".png"), "is a part of a report, whose folder has the name of its run"),
}


def instead_of_a_run(path: Path) -> str:
    """The error about a file or folder that exists and is no run; "" for another path, and for a `.jsonl` file."""
    if os.path.isdir(path):  # a path may be too long, which `Path` raises for
        return f"{_expected(path)} is a folder{_of_folder(path)}"
    if path.suffix == ".jsonl" or not os.path.isfile(path):
        return ""
    known = _NEXT.get(path.suffix.lower(), "is a file of another type; `python -m results` lists the runs")
    return f"{_expected(path)} {known.format(path=path)}"


def _of_folder(path: Path) -> str:
    if runs := files_of(path, (".jsonl",)):
        return f" of runs; name one of them: {some_of(str(path / run) for run in runs)}"
    if (path / "report.md").is_file():
        return f" of a report; its run is {path.resolve().name!r}"
    return "; `python -m results` lists the runs"


def _expected(path: Path) -> str:
    return f"a run is expected, its name or its .jsonl file, and {str(path)!r}"
