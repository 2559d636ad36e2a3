"""Is the guide complete, does its site build offline, and does the README take four minutes to read?"""

import dataclasses
import os
import re
import shutil
from pathlib import Path

import pytest
import runs
from architecture import PICTURE, picture
from pages import PAGES, ROOT
from pages import files as files_of_pages

import results
from diagnosis.monitor.curve import table as curve
from diagnosis.signature.signature import Signature
from suites.records.flags import MEANINGS
from suites.records.record import Status

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_readme_is_short_and_in_order() -> None:
    lines = README.splitlines()
    assert len(lines) <= 120
    assert max(map(len, lines)) <= 100
    aloud = re.sub(r"```.*?```|\]\([^)]*\)", "", README, flags=re.DOTALL)
    assert len(re.findall(r"\w\S*", aloud)) <= 720  # four minutes at 180 words a minute, the tables too
    assert re.findall(r"^## (.*)", README, flags=re.MULTILINE) == [
        "The answer",
        "Why is mine always 1?",
        "Measure and read",
        "Add an implementation",
        "How far to trust it",
        "Limits",
    ]


def glossary(title: str) -> list[str]:
    """The names in the first column of a table of the glossary."""
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    section = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, flags=re.MULTILINE | re.DOTALL)
    assert section, title
    return re.findall(r"^\| `(\w+)` \|", section[1], flags=re.MULTILINE)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    runs.save(tmp_path, runs.measured("builtin", [1e-3] * 16, baseline=True), run=runs.head("a"))
    return tmp_path


@pytest.mark.parametrize(
    "function",
    [
        "load",
        "load_flags",
        "load_operators",
        "load_accuracy",
        "load_contracts",
        "load_resolution",
        "load_known_bugs",
        "load_always_one",
    ],
)
def test_the_glossary_has_every_column(root: Path, function: str) -> None:
    assert glossary(f"Columns of `{function}`") == list(getattr(results, function)("a", root=root))


def test_the_glossary_has_every_column_of_the_other_tables() -> None:
    assert glossary("Columns of `list_runs`") == list(results.RUN_COLUMNS)
    assert glossary("Columns of `CollapseMonitor.curve`") == list(curve([], None))
    known = [field.name for field in dataclasses.fields(Signature)]
    assert glossary("Figures of a diagnosis") == [name for name in known if name != "intervals"]


def test_the_glossary_has_every_flag() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "suites" / "measure").glob("*.py")]
    flags = re.findall(r'(?:\bflag\(|\bFlag\(name=)"(\w+)"', "\n".join(sources))
    assert glossary("Flags") == sorted(set(flags))


def test_every_flag_has_words_for_the_reader_of_a_report() -> None:
    assert [flag for flag in glossary("Flags") if flag not in MEANINGS] == []
    assert not [words for words in MEANINGS.values() if "_" in words]


def test_the_guide_has_every_status() -> None:
    text = (ROOT / "docs" / "report.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", text, flags=re.MULTILINE) == [status.value for status in Status]


@pytest.fixture
def pages_of_ours(tmp_path: Path) -> Path:
    """A copy of the site's sources."""
    pytest.importorskip("material", reason="mkdocs-material is not installed: `make docs` installs it")
    root = tmp_path / "copy"
    for path in ("docs", "reports/published", "suites/grids", ".github/workflows"):
        shutil.copytree(ROOT / path, root / path, ignore=shutil.ignore_patterns("*.jsonl", "__pycache__"))
    (root / "diagnosis").mkdir()
    for path in ("diagnosis/remedies.md", "mkdocs.yml", *(page.name for page in ROOT.glob("*.md"))):
        shutil.copy2(ROOT / path, root / path)
    return root


def build(root: Path) -> None:
    """Build the site as `make docs` does."""
    os.environ["NO_MKDOCS_2_WARNING"] = "1"
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    build(load_config(str(root / "mkdocs.yml"), strict=True))


def test_the_site_needs_no_network(pages_of_ours: Path) -> None:
    build(pages_of_ours)
    built = list((pages_of_ours / "site").rglob("*.html"))
    assert len(built) > 20
    for page in built:
        loaded = re.findall(r'<(?:script|link|img|iframe)[^>]+(?:src|href)="?(https?:[^" >]+)', page.read_text("utf-8"))
        assert not loaded, page


@pytest.mark.parametrize(
    ("page", "added"),
    [
        ("docs/index.md", "[gone](nowhere.md)"),
        ("docs/index.md", "[gone](../suites/grids/none.toml)"),
        ("README.md", "[gone](docs/choose.md#no-such-section)"),
        ("docs/unknown.md", "# A page that is in no menu"),
    ],
)
def test_a_dead_link_or_an_unknown_page_fails(pages_of_ours: Path, page: str, added: str) -> None:
    with (pages_of_ours / page).open("a", encoding="utf-8") as file:
        file.write(f"\n{added}\n")
    from mkdocs.exceptions import Abort

    with pytest.raises(Abort):
        build(pages_of_ours)


def test_the_picture_is_that_of_the_imports() -> None:
    assert PICTURE.read_text(encoding="utf-8") == picture(), "redraw it: `make picture`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_names_files_that_are_there(page: Path) -> None:
    """Names with a placeholder such as <name>, and files made by a command, are left out."""
    named = re.findall(r"`([\w./*-]+)`", page.read_text(encoding="utf-8"))
    made = ("results/runs/", "results/profiles/", "reports/out/", "site/", "profiles/", "runs/")
    files = [name for name in named if re.search(r"\w/|\.(py|md|toml|yml)$", name) and not name.startswith(made)]
    shown = {*files_of_pages(), "__main__.py", "test_*.py", "conftest.py"}
    places = (ROOT, ROOT / "implementations")
    assert [n for n in files if n not in shown and not any(list(place.glob(n)) for place in places)] == []
