"""Does every import point down the house, and do the rooms that only read stay free of torch?"""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {  # room: what it may import of the house, besides itself
    "implementations": (),
    "suites": ("implementations",),
    "results": (
        "suites.records.record",
        "suites.records.finding",
        "suites.records.jsonl",
        "suites.statistics",
        "suites.records.case",
    ),
    "reports": ("results", "suites.records"),
    "diagnosis": ("implementations", "suites", "reports.markdown"),
}
WIRING = {"conftest.py", "nightly.py"}


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of everything that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno}: imports are absolute, so that they can be read"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def wrong_arrows(root: Path) -> list[str]:
    """Each import by which a room under `root` reaches one that it may not know."""
    return [
        f"{path.relative_to(root)}:{line} imports {name}"
        for room, allowed in MAY_IMPORT.items()
        for path in sorted((root / room).rglob("*.py"))
        for line, name in imported(path)
        if name.partition(".")[0] in {*MAY_IMPORT, "conftest", "nightly", "tests"}
        if not any(f"{name}.".startswith(f"{known}.") for known in (room, *allowed))
    ]


def test_every_import_points_down() -> None:
    assert wrong_arrows(ROOT) == []


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("implementations", "import suites.case"),
        ("implementations", "from results import load"),
        ("suites", "import results.load as load"),
        ("suites", "def late():\n    from reports import render"),
        ("results", "from suites import grid"),
        ("results", "from suites.measure.clock import Clock"),
        ("results", "import implementations"),
        ("results", "from reports import render"),
        ("reports", "from suites.case import Case"),
        ("reports", "import suites"),
        ("suites", "import conftest"),
        ("implementations", "from diagnosis import diagnose"),
        ("suites", "from diagnosis.signature import measure"),
        ("results", "import diagnosis"),
        ("reports", "from diagnosis.report import write_report"),
        ("diagnosis", "from results import load"),
        ("diagnosis", "from reports.render import render"),
    ],
)
def test_a_wrong_arrow_is_found(tmp_path: Path, room: str, line: str) -> None:
    folder = tmp_path / room / "inner"
    folder.mkdir(parents=True)
    (folder / "file.py").write_text(f"import json\nfrom {room} import friend\n{line}\n")
    (found,) = wrong_arrows(tmp_path)
    assert found.startswith(f"{room}/inner/file.py:")


def test_only_the_wiring_knows_every_room() -> None:
    knowing = {
        path.name
        for path in ROOT.glob("*.py")
        if any(name.partition(".")[0] in MAY_IMPORT for _, name in imported(path))
    }
    assert knowing <= WIRING


@pytest.mark.parametrize("modules", ["results, reports", "suites.grid, suites.records.case, suites.records.record"])
def test_what_only_reads_is_free_of_torch(modules: str) -> None:
    script = f"import sys, {modules}; sys.exit('torch' in sys.modules and 'torch was imported')"
    ended = subprocess.run([sys.executable, "-c", script], check=False, cwd=ROOT, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_nothing_called_results_or_reports_reaches_site_packages() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    assert settings == {"py-modules": []}
