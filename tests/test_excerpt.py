"""The code of an implementation, as a run keeps it: what a reader needs to copy it, and nothing else."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from implementations import registry
from suites.excerpt import excerpt

FILE = '''"""A file of a user."""
import math
import os.path
from operator import mul, sub

EPS = 1e-8
UNUSED = 2


def keep(fn):
    return fn


@keep
def _root(x):
    return math.sqrt(x) + EPS


def ahead(y):
    return y


def register(implementation):
    @implementation("pairwise", prepare=ahead)
    def mine(x, y, dim=-1):
        """Mine."""
        return mul(x, y) / _root(dim)

    return mine


theirs = register(lambda task, prepare: keep)
'''

WANTED = '''import math
from operator import mul, sub


EPS = 1e-8


def keep(fn):
    return fn


@keep
def _root(x):
    return math.sqrt(x) + EPS


def ahead(y):
    return y


def mine(x, y, dim=-1):
    """Mine."""
    return mul(x, y) / _root(dim)'''


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    path = tmp_path / "of_a_user.py"
    path.write_text(FILE, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("of_a_user", path)
    assert spec
    assert spec.loader
    found = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "of_a_user", found)
    spec.loader.exec_module(found)
    return found


def test_the_function_comes_with_what_it_uses_of_its_file(module: ModuleType) -> None:
    assert excerpt(module.theirs) == WANTED


def test_the_code_of_every_implementation_here_compiles_alone() -> None:
    for name in registry.names():
        found = excerpt(registry.get(name).fn)
        compile(found, name, "exec")
        assert f"def {name}(" in found
        assert "@implementation" not in found


def test_a_function_without_a_file_has_no_code() -> None:
    made: dict[str, object] = {}
    exec("def mine(x, y, dim=-1):\n    return x", made)
    assert callable(made["mine"])
    assert excerpt(made["mine"]) == ""
