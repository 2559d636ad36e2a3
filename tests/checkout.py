"""A copy of the checkout, in which a test measures, saves and breaks what it likes."""

import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from suites.records.jsonl import from_line
from suites.records.record import Record
from tests import forked

REPOSITORY = Path(__file__).parent.parent
LEFT_OUT = shutil.ignore_patterns("runs", "profiles", "out", "published")
GRID = """
seconds = 0.001
[[cases]]
task = "paired"
shapes = [[8, 64], [4, 32]]
dtypes = ["float32"]
"""


@dataclass(frozen=True)
class Checkout:
    """The copy, with the grid `tiny.toml` of two small cases."""

    pytester: pytest.Pytester

    @classmethod
    def copy(cls, pytester: pytest.Pytester) -> "Checkout":
        """A fresh copy, without anything that was generated."""
        cls.copy_to(pytester.path)
        return cls(pytester)

    @staticmethod
    def copy_to(root: Path) -> None:
        """Copy the checkout and the grid to a folder."""
        for folder in ("implementations", "suites", "results", "reports"):
            shutil.copytree(REPOSITORY / folder, root / folder, ignore=LEFT_OUT)
        for file in (*REPOSITORY.glob("*.py"), REPOSITORY / "pyproject.toml", REPOSITORY / ".gitignore"):
            shutil.copy2(file, root)
        (root / "tiny.toml").write_text(GRID)

    @property
    def root(self) -> Path:
        return self.pytester.path

    @property
    def runs(self) -> list[str]:
        """The names of the saved runs."""
        return sorted(path.stem for path in self.root.glob("results/runs/*.jsonl"))

    @property
    def benchmarks(self) -> list[str]:
        """The names of the files that pytest-benchmark saved."""
        return sorted(path.stem for path in self.root.glob(".benchmarks/*/*.json"))

    def run(self, *arguments: str) -> pytest.RunResult:
        """`pytest` with these arguments, in a process of its own."""
        return self.python("-m", "pytest", f"--basetemp={self.root / 'basetemp'}", *arguments)

    def python(self, *words: str) -> pytest.RunResult:
        """`python WORDS`, in a process of its own."""
        files = [self.root / f"{stream}.txt" for stream in ("out", "err")]
        began = time.monotonic()
        status = forked.run(words, self.root, *files)
        out, err = (file.read_text(encoding="utf-8").splitlines() for file in files)
        print(*out, *err, sep="\n")  # pytest shows it where a test fails
        return pytest.RunResult(status, out, err, time.monotonic() - began)

    def bench(self, *options: str, implementations: str = "builtin,normalize") -> pytest.RunResult:
        """`pytest suites` on the tiny grid."""
        return self.run("suites", "--grid=tiny.toml", f"--implementations={implementations}", *options)

    def file(self, run: str) -> Path:
        """The file of a run."""
        return self.root / "results" / "runs" / f"{run}.jsonl"

    def records(self, run: str) -> dict[tuple[str, str], Record]:
        """The records of a run by implementation and case, none of which may be there twice."""
        lines = map(from_line, self.file(run).read_text().splitlines())
        records = [line for line in lines if isinstance(line, Record)]
        by_key = {(record.implementation, f"{record.case.task} {record.case.id}"): record for record in records}
        assert len(by_key) == len(records)
        return by_key

    def commit(self) -> str:
        """Commit everything, and return the commit."""
        author = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
        for arguments in (["init"], ["add", "."], [*author, "commit", "-m", "all of it"], ["rev-parse", "HEAD"]):
            git = ["git", "-C", str(self.root), *arguments]
            done = subprocess.run(git, check=True, capture_output=True, text=True)
        return done.stdout.strip()
