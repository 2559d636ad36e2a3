"""What the pages show: commands, files, snippets, sample outputs; and running a command in a copy of the checkout."""

import multiprocessing
import os
import re
import runpy
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

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
_FORKED = multiprocessing.get_context("forkserver")
_FORKED.set_forkserver_preload(
    ["torch", "pandas", "scipy.stats", "matplotlib.figure", "sklearn", "rich.table", "pytest"]
)


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it wrote."""

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
    """A command as `python` gets it; empty for what Python does not run."""
    first, *rest = shlex.split(command)
    return {"python": rest, "pytest": ["-m", "pytest", *rest]}.get(first.removeprefix(".venv/bin/"), [])


def files() -> dict[str, str]:
    """The blocks of all pages that begin with the name of a file, by that name."""
    shown = [block for page in PAGES for language in ("python", "toml") for block in blocks(page, language)]
    return {named[1]: block for block in shown if (named := _FILE.match(block))}


def snippets(page: Path) -> list[str]:
    """The Python of a page that is no file."""
    return [block for block in blocks(page, "python") if not _FILE.match(block)]


def samples(page: Path) -> Iterator[tuple[str, str]]:
    """Commands with the output that the page shows below; a last line `...` stands for the rest."""
    yield from _SAMPLE.findall(page.read_text(encoding="utf-8"))


def replace_sample(page: Path, command: str, old: str, new: str) -> None:
    """Show another output."""
    before, after = (f"{command}\n```\n\n```text\n{text}```" for text in (old, new))
    page.write_text(page.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")


def run(words: Sequence[str], folder: Path) -> Ended:
    """`python WORDS` in `folder`, with the modules that lie there, in a fork of a process with the slow imports."""
    output = folder / "output.txt"
    process = _FORKED.Process(target=_python, args=(list(words), folder, output))
    process.start()
    process.join()
    return Ended(process.exitcode or 0, output.read_text(encoding="utf-8"))


def _python(words: list[str], folder: Path, output: Path) -> None:
    _redirect(output)
    os.chdir(folder)
    os.environ["COLUMNS"] = "80"
    for name in [name for name in os.environ if name.startswith("PYTEST_")]:
        del os.environ[name]
    ours = {str(ROOT), str(ROOT / "tests")}
    sys.path[:] = [str(folder), *(path for path in sys.path if path not in ours)]
    import torch

    torch.set_num_threads(1)
    as_module = words[0] == "-m"
    sys.argv = words[as_module:]
    (runpy.run_module if as_module else runpy.run_path)(sys.argv[0], run_name="__main__")


def _redirect(output: Path) -> None:
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(file, stream)
    sys.stdout, sys.stderr = (os.fdopen(stream, "w", encoding="utf-8", closefd=False) for stream in (1, 2))
