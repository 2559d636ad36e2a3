"""Do README, CONTRIBUTING and the other root documents agree with the code?"""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from implementations import registry

ROOT = Path(__file__).parent.parent
README, CONTRIBUTING = (ROOT / name for name in ("README.md", "CONTRIBUTING.md"))


def blocks(paper: Path, language: str) -> list[str]:
    """The fenced blocks of a paper in a language."""
    return re.findall(rf"```{language}\n(.*?)```", paper.read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.mark.parametrize("paper", [README, CONTRIBUTING], ids=["README", "CONTRIBUTING"])
def test_the_implementation_that_a_paper_shows_works_as_it_stands(
    paper: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.load()
    monkeypatch.setattr(registry, "_present", {})
    source = next(block for block in blocks(paper, "python") if "@implementation()" in block)
    assert len(source.splitlines()) <= 12
    file = tmp_path / "shown.py"
    file.write_text(source)
    exec(compile(source, str(file), "exec"), {})
    (entry,) = registry._present.values()
    x, y = torch.randn(2, 5, 3, 4, 4, dtype=torch.float64)
    expected = (x * y).sum((1, 2, 3)) / (x.square().sum((1, 2, 3)) * y.square().sum((1, 2, 3))).sqrt()
    torch.testing.assert_close(entry.fn(x, y, (1, 2, 3)), expected)


def test_pre_commit_uses_the_versions_that_ci_uses() -> None:
    pinned = dict(re.findall(r"^([\w-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), flags=re.MULTILINE))
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    assert f"rev: v{pinned['ruff']}" in hooks
    assert pinned["torch"] == "2.13.0"


def test_the_readme_names_only_options_that_exist() -> None:
    help_of = {
        "pytest": [sys.executable, "-m", "pytest", "suites", "--help"],
        "python -m reports": [sys.executable, "-m", "reports", "--help"],
        "python -m results": [sys.executable, "-m", "results", "show", "--help"],
    }
    texts = {
        tool: subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for tool, command in help_of.items()
    }
    lines = [line.partition("#")[0] for paper in (README, CONTRIBUTING) for line in paper.read_text().splitlines()]
    for line in lines:
        tool = next((tool for tool in texts if line.startswith((tool, f".venv/bin/python -m {tool}"))), None)
        for option in re.findall(r"(?<!\S)--[a-z][a-z-]+", line) if tool else ():
            assert option in texts[tool], f"{option} in: {line}"


def test_the_makefile_has_what_the_readme_asks_for() -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    asked = re.findall(r"(?:`|^)make ([a-z]+)", README.read_text(), flags=re.MULTILINE)
    assert set(asked) <= set(targets)
    assert {"bench", "test", "venv", "nightly", "gpu"} <= set(targets)


def test_links_between_the_papers_lead_somewhere() -> None:
    for paper in ROOT.glob("*.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", paper.read_text(encoding="utf-8")):
            assert (ROOT / target).exists(), f"{paper.name} links to {target}"
