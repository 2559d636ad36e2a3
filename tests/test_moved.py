"""Do old import paths still work, with a warning that names the new path?"""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from moved import MOVED


@pytest.mark.parametrize("old", sorted(MOVED))
def test_an_old_path_is_the_new_module_and_says_so(old: str) -> None:
    if old == "diagnosis.lightning":
        pytest.importorskip("lightning")
    parent, _, name = old.rpartition(".")
    package = importlib.import_module(parent)
    assert not hasattr(package, name), f"an import of {old} would replace {name} of {parent}"
    with pytest.warns(DeprecationWarning, match=rf"{old} is now {MOVED[old]}: import it from there"):
        module = importlib.import_module(old)
    try:
        assert module is importlib.import_module(MOVED[old])
        assert module.__spec__.name == module.__name__ == MOVED[old]
    finally:
        sys.modules.pop(old)
        delattr(package, name)


def test_python_runs_an_old_path_and_says_where_it_went() -> None:
    command, root = [sys.executable, "-m", "suites.progress"], Path(__file__).parent.parent
    ended = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "")
    assert ended.stderr == "suites.progress is now suites.plugin.progress: run it from there\n"


def test_every_module_from_before_the_moves_can_be_imported() -> None:
    script = """
import importlib, sys, warnings
import moved
warnings.simplefilter("ignore")
for name in open("tests/data/modules_before_the_moves.txt").read().split():
    try:
        importlib.import_module(name)
    except ImportError as error:
        print(name, error)
"""
    root = Path(__file__).parent.parent
    ended = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True)
    lost = [line for line in ended.stdout.splitlines() if not line.startswith("diagnosis.lightning ")]  # optional
    assert lost == []


def test_a_module_that_never_was_is_not_found() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"suites\.front_doors"):
        importlib.import_module("suites.front_doors")


@pytest.mark.parametrize("loaded", [(), ("-p", "suites.plugin.front_door")])
def test_the_old_front_door_still_opens_and_so_it_does_where_the_new_one_is_loaded_already(
    tmp_path: Path, loaded: tuple[str, ...]
) -> None:
    (tmp_path / "test_one.py").write_text("def test_one(benchmark):\n    benchmark(int)\n")
    root = str(Path(__file__).parent.parent)
    front_door = (*loaded, "-p", "suites.front_door")
    command = [sys.executable, "-m", "pytest", "-p", "no:benchmark", *front_door, "-q", str(tmp_path)]
    ended = subprocess.run(
        [*command, "-c", "/dev/null", "--rootdir", str(tmp_path)], cwd=root, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "suites.front_door is now suites.plugin.front_door: load it from there" in ended.stdout + ended.stderr
