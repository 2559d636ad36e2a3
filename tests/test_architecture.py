"""Does every import point to a lower room, and do rooms that only read results avoid torch?"""

import ast
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from suites.measure import functions

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {  # room: other rooms that it may import
    "implementations": (),
    "suites": ("implementations",),
    "results": ("suites.records", "suites.statistics"),
    "reports": ("results", "suites.records"),
    "diagnosis": ("implementations", "suites", "reports.markdown", "reports.plots.style"),
}
INSIDE = {  # room: its files and folders, lowest first, and what each imports from the same room
    "diagnosis": {
        "subject": "",
        "remedies": "",
        "isolation": "subject",
        "plain": "subject",
        "verdict": "remedies subject",
        "signature": "subject verdict",
        "probes": "isolation plain signature subject verdict",
        "report": "signature subject verdict",
        "intake": "isolation plain probes signature subject",
        "symptoms": "probes signature subject verdict",
        "suspects": "isolation probes signature subject verdict",
        "examine": "probes remedies signature subject suspects symptoms verdict",
        "diagnose": "examine intake isolation probes report subject verdict",
        "monitor": "examine isolation remedies report signature subject verdict",
        "validity": "examine signature subject",
        "__init__": "diagnose monitor subject verdict",
        "__main__": "examine intake isolation report subject verdict",
    },
    "reports": {
        "budget": "",
        "files": "",
        "publish": "",
        "units": "",
        "markdown": "units",
        "sections": "files markdown units",
        "measured": "sections",
        "plots": "measured sections units",
        "page": "markdown measured plots sections",
        "decided": "budget measured sections",
        "pull_request": "decided markdown publish sections",
        "render": "budget files markdown measured page plots sections",
        "terminal": "budget decided markdown measured sections units",
        "__init__": "budget render terminal",
        "__main__": "publish pull_request render",
    },
    "results": {
        "no_run": "",
        "files": "no_run",
        "findings": "files",
        "rows": "files",
        "store": "files",
        "references": "files rows",
        "ratios": "references rows",
        "load": "files ratios references rows",
        "sameness": "",
        "recorder": "files sameness store",
        "__init__": "files findings load references store",
        "__main__": "files load no_run",
    },
    "suites": {
        "__init__": "",
        "excerpt": "",
        "git": "",
        "kept": "",
        "progress_bar": "",
        "records": "",
        "statistics": "",
        "words": "",
        "environment": "git records",
        "compile_cache": "environment",
        "failure": "records",
        "inputs": "records words",
        "truth": "failure records",
        "families": "failure inputs records truth",
        "grid_values": "records",
        "grid_files": "grid_values",
        "grid": "grid_files grid_values records",
        "limits": "grid inputs records words",
        "question": "grid inputs limits records",
        "contestants": "records words",
        "option_values": "contestants",
        "plan": "contestants environment grid inputs option_values question records words",
        "measure": "failure inputs records statistics truth",
        "profiling": "failure measure records",
        "always_one": "measure records statistics",
        "errors": "failure families inputs measure records truth",
        "known_bugs": "failure measure records",
        "examiner": "always_one contestants errors failure families known_bugs measure records",
        "survey": "always_one examiner families known_bugs plan records",
        "replicates": "records",
        "session": "measure plan records",
        "workers": "contestants examiner failure inputs measure option_values plan profiling records replicates",
        "plugin": "compile_cache environment excerpt families git inputs measure option_values plan records session "
        "survey words workers",
        "front_door": "plugin",
        "test_always_one": "records",
        "test_angle": "plugin records",
        "test_errors": "records",
        "test_feature_maps": "plugin records",
        "test_paired": "plugin records",
        "test_pairwise": "plugin records",
        "test_top_k": "plugin records",
        "trials": "compile_cache environment failure kept progress_bar records truth",
        "validity": "compile_cache environment failure inputs kept measure progress_bar records statistics workers",
    },
}
WIRING = {"conftest.py", "nightly.py"}
LONGEST = 200  # most lines of a file in a room


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of every import in a file, including those inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno}: write an absolute import"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def wrong_arrows(root: Path) -> list[str]:
    """Each import from a room under `root` that the table does not allow."""
    return [
        f"{path.relative_to(root)}:{line} imports {name}"
        for room, allowed in MAY_IMPORT.items()
        for path in sorted((root / room).rglob("*.py"))
        for line, name in imported(path)
        if name.partition(".")[0] in {*MAY_IMPORT, "conftest", "nightly", "tests"}
        if not any(f"{name}.".startswith(f"{known}.") for known in (room, *allowed))
    ]


def modules(root: Path) -> dict[str, Path]:
    """Every module under `root` by its full name; a package by the name of its folder."""
    paths = [*root.glob("*.py"), *(path for room in (*MAY_IMPORT, "tests") for path in (root / room).rglob("*.py"))]
    named = {path: ".".join(path.relative_to(root).with_suffix("").parts) for path in paths}
    return {name.removesuffix(".__init__"): path for path, name in named.items()}


@cache
def import_graph(root: Path) -> dict[str, set[str]]:
    """The modules that each module imports, including inside functions and for types; a package is its `__init__`."""
    known, graph = modules(root), defaultdict[str, set[str]](set)
    for module, path in known.items():
        for _, name in imported(path):
            found = name if name in known else name.rpartition(".")[0]  # the import is a module, or a name in one
            if found in known and found != module:
                graph[module].add(found)
    return graph


def circle(root: Path) -> list[str]:
    """The modules of one import circle, each imported by the next one; none if there is no circle."""
    try:
        TopologicalSorter(import_graph(root)).prepare()
    except CycleError as found:
        return list(found.args[1])
    return []


def inside(root: Path, room: str) -> dict[str, set[str]]:
    """The imports between the files and folders of a room."""

    def part(module: str) -> str:
        return module.partition(".")[2].partition(".")[0] or "__init__"

    parts: dict[str, set[str]] = {part(module): set() for module in modules(root) if module.partition(".")[0] == room}
    for module, names in import_graph(root).items():
        if module.partition(".")[0] == room:
            parts[part(module)] |= {part(name) for name in names if name.partition(".")[0] == room} - {part(module)}
    return parts


def types_of(path: Path) -> Iterator[tuple[str, str]]:
    """The module-level classes and type aliases of a file: name to place (class) or definition (alias)."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            yield node.name, str(path)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            if isinstance(target, ast.Name) and re.fullmatch("[A-Z][A-Za-z]*[a-z][A-Za-z]*", target.id):
                yield target.id, ast.unparse(node.value)


def two_meanings(root: Path) -> dict[str, set[str]]:
    """Each name under `root` with two meanings: two classes, a class and an alias, or two different aliases."""
    meanings = defaultdict[str, set[str]](set)
    for path in [*root.glob("*.py"), *(path for room in MAY_IMPORT for path in (root / room).rglob("*.py"))]:
        for name, meaning in types_of(path):
            meanings[name].add(meaning)
    return {name: several for name, several in meanings.items() if len(several) > 1}


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


@pytest.mark.parametrize(("room", "table"), INSIDE.items())
def test_the_parts_of_a_room_import_what_the_table_says(room: str, table: Mapping[str, str]) -> None:
    order = list(table)
    assert inside(ROOT, room) == {part: set(below.split()) for part, below in table.items()}
    assert all(order.index(each) < order.index(part) for part, below in table.items() for each in below.split())


def test_no_module_is_in_an_import_circle() -> None:
    assert circle(ROOT) == []


@pytest.mark.parametrize(
    "line",
    [
        "import suites.one",
        "from suites.one import thing",
        "from suites import one",
        "def late():\n    from suites.one import thing",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from suites.one import thing",
    ],
)
def test_a_circle_is_found_however_it_is_closed(tmp_path: Path, line: str) -> None:
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "one.py").write_text("from suites.two import other\nthing = 1\n")
    (tmp_path / "suites" / "two.py").write_text("from suites.three import other\n")
    (tmp_path / "suites" / "three.py").write_text(f"{line}\nother = 1\n")
    assert set(circle(tmp_path)) == {"suites.one", "suites.two", "suites.three"}
    assert inside(tmp_path, "suites") == {"one": {"two"}, "two": {"three"}, "three": {"one"}}


def test_each_type_has_a_name_of_its_own() -> None:
    assert two_meanings(ROOT) == {}


def test_a_name_with_two_meanings_is_found(tmp_path: Path) -> None:
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "one.py").write_text("class Pair: ...\nclass _Own: ...\nRow = dict[str, int]\nLine = list\n")
    (tmp_path / "suites" / "two.py").write_text("Pair = list\nclass _Own: ...\nRow = dict[str, int]\nLine = set\n")
    assert set(two_meanings(tmp_path)) == {"Pair", "_Own", "Line"}


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_no_file_of_a_room_is_long(room: str) -> None:
    lengths = {path.relative_to(ROOT): len(path.read_bytes().splitlines()) for path in (ROOT / room).rglob("*.py")}
    assert {str(path): lines for path, lines in lengths.items() if lines > LONGEST} == {}


def test_no_suspect_imports_another() -> None:
    suspects = "diagnosis.suspects"
    graph = import_graph(ROOT)
    assert all(
        name == f"{suspects}.suspect"
        for module, names in graph.items()
        for name in names
        if module.startswith(f"{suspects}.") and name.startswith(suspects)
    )
    assert len(graph[suspects]) == len(list((ROOT / "diagnosis" / "suspects").glob("*.py"))) - 1, "imports them all"


def test_every_module_that_measures_is_guarded_against_patches() -> None:
    graph, found, left = import_graph(ROOT), set[str](), {"suites.measure.together", "suites.errors.accuracy"}
    while left:
        found |= left
        left = {name for module in left for name in graph[module] if name.startswith("suites.")} - found
    unguarded = {module for module in found if not module.startswith(functions._OURS)}
    assert {module for module in unguarded if modules(ROOT)[module].name != "__init__.py"} == set()


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


@pytest.mark.parametrize("module", ["diagnosis", "suites.session", "results", "reports", "reports.terminal"])
def test_an_import_loads_no_library_for_pictures(module: str) -> None:
    late = ("matplotlib", "sklearn") if module.startswith("reports") else ("matplotlib", "sklearn", "jinja2", "reports")
    script = f"import sys, {module}; print(*(name for name in {late} if name in sys.modules))"
    ended = subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT, capture_output=True, text=True)
    assert ended.stdout == "\n"


def test_nothing_called_results_or_reports_reaches_site_packages() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    assert settings == {"py-modules": []}
