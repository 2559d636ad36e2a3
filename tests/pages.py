"""Commands, files, snippets and sample outputs of the pages, and a runner for commands."""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests import forked

ROOT = Path(__file__).parent.parent
PAGES = (
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "DESIGN.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "docs" / "figures" / "figures.md",
)
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
_SAMPLE = re.compile(r"```sh\n([^\n]+)\n```\n\n```text\n(.*?)```", flags=re.DOTALL)
_INLINE = re.compile(r"`((?:make|pytest|python) [^`\n]+)`")
_FILE = re.compile(r"# (\S+\.(?:py|toml))\n")


@dataclass(frozen=True)
class Ended:
    """A command's exit status and output."""

    status: int
    text: str


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a page in a language."""
    return [text for found, text in _BLOCK.findall(page.read_text(encoding="utf-8")) if found == language]


def commands(page: Path) -> list[str]:
    """Every command of a page, in a block or in a sentence, without its comment."""
    lines = [line.partition("  #")[0].strip() for block in blocks(page, "sh") for line in block.splitlines()]
    return [*lines, *_INLINE.findall(_BLOCK.sub("", page.read_text(encoding="utf-8")))]


def words(command: str) -> list[str]:
    """A command's arguments to `python`; empty if it doesn't run Python."""
    first, *rest = shlex.split(command)
    return {"python": rest, "pytest": ["-m", "pytest", *rest]}.get(first.removeprefix(".venv/bin/"), [])


def files() -> dict[str, str]:
    """File name to block, for blocks of all pages that begin with a file name."""
    shown = [block for page in PAGES for language in ("python", "toml") for block in blocks(page, language)]
    return {named[1]: block for block in shown if (named := _FILE.match(block))}


def snippets(page: Path) -> list[str]:
    """The Python blocks of a page that are not files."""
    return [block for block in blocks(page, "python") if not _FILE.match(block)]


def samples(page: Path) -> Iterator[tuple[str, str]]:
    """Commands with the output that the page shows below; a last line `...` means the rest."""
    yield from _SAMPLE.findall(page.read_text(encoding="utf-8"))


def replace_sample(page: Path, command: str, old: str, new: str) -> None:
    """Replace a sample's output on the page."""
    before, after = (f"{command}\n```\n\n```text\n{text}```" for text in (old, new))
    page.write_text(page.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")


def run(words: Sequence[str], folder: Path) -> Ended:
    """Run `python WORDS` in `folder`, with the modules in it."""
    output = folder / "output.txt"
    status = forked.run(words, folder, output, output, {"COLUMNS": "80"})
    return Ended(status, output.read_text(encoding="utf-8"))
