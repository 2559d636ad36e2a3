"""Does each command on a page work, and does the page show its actual output?

A command runs in a copy of the checkout, on small inputs. After an intended change of output:
UPDATE_GOLDEN=1 pytest tests/test_pages.py -k sample, and read the diff.
"""

import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pages
import pytest
import runs
import torch
from pages import PAGES, ROOT, Ended

from implementations import registry
from suites.records.record import Flag

COMMANDS = sorted({command for page in PAGES for command in pages.commands(page)})
GRID = """
seconds = 0.001
[[cases]]
task = "paired"
shapes = [[8, 64]]
dtypes = ["float32"]
"""
QUICK = {"--grid": "tiny.toml", "--implementations": "builtin,normalize", "--seconds": "0.001", "-k": "paired"}
"""Options of a `pytest suites` that measures, unless its command has others."""

COLLECTED = {  # a part of a `pytest suites` command: why its cases are only collected
    "full": "an hour",
    "smoke": "compilers take half a minute",
    "compiled_dot": "it compiles",
    "quick --benchmark-save": "so do others",
    "--processes": "each imports torch anew",
    "--dtypes": "the small grid has one of them",
    "--k 10": "the small grid has no such case",
    "my-grid.toml": "its cold cases copy three times the last-level cache",
    "--device": "that device may not be there",
    "pairwise and bfloat16": "the small grid has no such case",
    "norm_divide": "one selection of implementations is measured already",
    "--precision": "it is spent on sampling",
    "suites/test_always_one.py": "minutes of training",
    "--profile": "tests/test_profile.py does it",
}
INSTEAD = {"cuda": "cpu", "--resume": "--benchmark-save"}
"""What a test machine may not have: a GPU, and an interrupted run with these options (tests/test_resume.py)."""

SLOW = {"suites.validity", "suites.trials", "diagnosis.validity", "suites.known_bugs"}
"""Experiments of minutes and hours, with tests of their own: here their command lines are parsed."""

CHECK = "tests/test_implementations.py"
"""The check of an implementation: with -k, it runs on one that a page shows."""

IN_IT = "@implementation("
"""What a block has that shows an implementation."""

TRY = "--only-a-try"
"""An option that no command has: it alone is refused if all others are accepted."""

PRELUDE = """
import torch
from torch import nn

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head = nn.Linear(8, 16), nn.Linear(16, 4)

    def forward(self, x):
        return self.head(self.body(x).relu())

def loss(similarities, labels):
    return ((similarities - labels.float()) ** 2).mean()

def similarity(x, y):
    return torch.cosine_similarity(x, y, -1)

def train(model):
    optimizer = torch.optim.SGD(model.parameters(), 1e-3)
    for x, y, labels in loader:
        loss(similarity(model(x), model(y)), labels).backward()
        optimizer.step()

model = Model()
pairs = torch.utils.data.TensorDataset(torch.randn(64, 8), torch.randn(64, 8), torch.arange(64) % 2)
loader = torch.utils.data.DataLoader(pairs, 16)
"""
"""Names that a snippet assumes."""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy with two runs, the files that pages show, and small inputs under the names that pages use."""
    root = tmp_path_factory.mktemp("checkout")
    left_out = shutil.ignore_patterns("runs", "profiles", "out", "published", "__pycache__")
    for folder in ("implementations", "suites", "results", "reports", "diagnosis"):
        shutil.copytree(ROOT / folder, root / folder, ignore=left_out)
    for file in (*ROOT.glob("*.py"), ROOT / "pyproject.toml"):
        shutil.copy2(file, root)
    for name in (CHECK, "docs/figures/normalize-or-norm.toml"):
        (root / name).parent.mkdir(parents=True)
        shutil.copy2(ROOT / name, root / name)
    (root / "reports" / "published").mkdir()
    for published in (ROOT / "reports" / "published").iterdir():
        (root / "reports" / "published" / published.name).symlink_to(published)
    for name, text in {**pages.files(), "tiny.toml": GRID}.items():
        (root / name).write_text(text, encoding="utf-8")
    _save_inputs(root)
    _save_runs(root / "results" / "runs")
    return root


def _save_inputs(root: Path) -> None:
    """Embeddings with a common offset: eight times their spread (a fault), or half of it (healthy)."""
    numbers = np.random.default_rng(0)
    for name, offset in {"embeddings": 8, "x": 8, "y": 8, "healthy": 0.5, "emb": 0.5, "q": 0.5}.items():
        np.save(root / f"{name}.npy", offset + numbers.standard_normal((256, 64)).astype(np.float32))
    np.save(root / "images.npy", numbers.random((256, 1, 8, 8), dtype=np.float32))
    np.save(root / "labels.npy", np.arange(256) % 2)


def _save_runs(folder: Path) -> None:
    flags = (Flag(name="leaks", evidence="64 bytes"),)
    lines = [
        runs.measured("builtin", [1e-3] * 16, baseline=True, control_s=[1e-3] * 16, peak_bytes=64),
        runs.measured("normalize", [5e-4] * 16, peak_bytes=64, flags=flags),
    ]
    for name, day in {"OLD": 20, "NAME": 21}.items():
        runs.save(folder, *lines, run=runs.head(name, f"2026-11-{day}T10:00:00+00:00"))


def _of(kind: str) -> list[str]:
    return [command for command in COMMANDS if _kind(command) == kind]


def _kind(command: str) -> str:
    """The kind of test that a command gets."""
    words = pages.words(command)
    if command.startswith("make "):
        return "make"
    if CHECK in words and "-k" in words:
        return "check"
    if words[:2] == ["-m", "pytest"]:
        return "test" if any("tests/" in word for word in words) else "suite" if words[2:] else "pytest alone"
    if words and (words[0] != "-m" or words[1].startswith("tests.")):
        return "script"
    known = words != ["-m", "suites.known_bugs", "-k", "norm"]
    return "experiment" if words and words[1] in SLOW and known else "module" if words else "other"


@pytest.mark.parametrize("command", _of("make"))
def test_make_knows(command: str) -> None:
    """A dry run: the real one installs, measures for minutes, or runs these tests."""
    ended = subprocess.run(["make", "-n", *command.split()[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("command", _of("module"))
def test_a_command_works(checkout: Path, command: str) -> None:
    words = pages.words(command)
    ended = pages.run(words, checkout)
    assert ended.status in ({0, 1} if words[1] == "diagnosis" else {0}), ended.text


@pytest.mark.parametrize("command", _of("suite"))
def test_a_suite_measures_or_is_collected(checkout: Path, command: str) -> None:
    words = [INSTEAD.get(word, word) for word in pages.words(command)]
    if any(known in command for known in COLLECTED):
        words.append("--collect-only")
    else:
        words += [word for option, value in QUICK.items() if option not in words for word in (option, value)]
    ended = pages.run([*words, "-q", "-p", "no:cacheprovider"], checkout)
    assert ended.status == 0, ended.text


@pytest.mark.parametrize("command", _of("check"))
def test_a_shown_implementation_passes_its_check(checkout: Path, command: str) -> None:
    ended = pages.run([*pages.words(command), "-q", "-p", "no:cacheprovider"], checkout)
    assert ended.status == 0, ended.text


@pytest.mark.parametrize("command", _of("experiment"))
def test_an_experiment_takes_its_options(checkout: Path, command: str) -> None:
    ended = pages.run([*pages.words(command), TRY], checkout)
    assert ended.status == 2
    assert f"unrecognized arguments: {TRY}; known: " in ended.text


@pytest.mark.parametrize("command", [*_of("test"), *_of("script")])
def test_a_test_or_a_benchmark_is_there(command: str) -> None:
    """Tests run anyway; benchmarks and nights take minutes."""
    module, *options = pages.words(command)[1 if "-m " in command else 0 :]
    if module == "-m":
        module, *options = options[1:]
    text = (
        ROOT / (module if "/" in module or module.endswith(".py") else f"{module.replace('.', '/')}.py")
    ).read_text()
    compile(text, module, "exec")
    if "-k" in options:
        assert re.search(rf"def test_\w*{options[options.index('-k') + 1]}", text)


def test_every_command_is_tried() -> None:
    assert _of("other") == ["tensorboard --logdir results/profiles"]  # serves until stopped
    assert _of("pytest alone") == ["python -m pytest"]  # runs these tests


@pytest.mark.parametrize("page", [page for page in PAGES if pages.snippets(page)], ids=lambda page: page.stem)
def test_snippets_work(checkout: Path, page: Path) -> None:
    (checkout / "snippet.py").write_text("\n".join([PRELUDE, *pages.snippets(page)]), encoding="utf-8")
    ended = pages.run(["snippet.py"], checkout)
    assert ended.status == 0, ended.text


@pytest.mark.parametrize("block", [block for page in PAGES for block in pages.blocks(page, "python") if IN_IT in block])
def test_a_shown_implementation_takes_feature_maps(block: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers run it on a grid, where `paired` functions also get a tuple of dims."""
    made: list[Callable[..., torch.Tensor]] = []

    def implementation(**_: object) -> Callable[[Callable[..., torch.Tensor]], None]:
        return made.append

    monkeypatch.setattr(registry, "implementation", implementation)
    names: dict[str, Any] = {}
    exec(block, names)
    if "register" in names:
        names["register"](implementation)
    x, y = torch.randn(2, 4, 3, 5, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(made[0](x, y, dim=(1, 2, 3)), torch.cosine_similarity(x.flatten(1), y.flatten(1)))


@pytest.mark.parametrize("page", [page for page in PAGES if any(pages.samples(page))], ids=lambda page: page.stem)
def test_a_sample_is_what_comes_out(checkout: Path, page: Path) -> None:
    for command, shown in list(pages.samples(page)):
        text = _as_far_as(shown, pages.run(pages.words(command), checkout))
        if os.environ.get("UPDATE_GOLDEN"):
            pages.replace_sample(page, command, shown, text)
        else:
            assert shown == text


def _as_far_as(shown: str, ended: Ended) -> str:
    """The lines of an output that the page shows."""
    *first, last = shown.splitlines()
    return "\n".join([*ended.text.splitlines()[: len(first)], "...\n"]) if last == "..." else ended.text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_toml_is_toml(page: Path) -> None:
    for block in pages.blocks(page, "toml"):
        assert tomllib.loads(block)
