"""How right is the time left of `pytest suites`, and what does its live line cost?

It runs the suites on a terminal of its own, and compares each estimate with the time that the run then took. Errors
count from the second case on, while at least 20 s are left.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from command import Command
from suites.plugin.console import ProgressLine
from suites.plugin.progress import Progress
from suites.records.case import Case

LEAST_S = 20.0
FILE = "COSINEBENCH_ESTIMATES"  # where the process that measures writes what it saw


class Seen:
    """Each estimate as `(seconds of the clock, seconds left, cases done)`, and the seconds of each drawing."""

    def __init__(self) -> None:
        self.estimates: list[tuple[float, float, int]] = []
        self.drawings_s: list[float] = []
        self.cases = 0

    def watch(self) -> None:
        """Wrap the two functions that the plan's progress passes through."""
        draw, end = ProgressLine._draw, Progress.end

        def drawn(line: ProgressLine) -> None:
            start = time.perf_counter()
            draw(line)
            self.drawings_s.append(time.perf_counter() - start)
            self._note(line._progress)

        def ended(progress: Progress, work: object) -> None:
            end(progress, work)  # type: ignore[arg-type]
            self.cases += isinstance(work, Case)
            self._note(progress)

        ProgressLine._draw, Progress.end = drawn, ended  # type: ignore[method-assign, assignment]

    def _note(self, progress: Progress) -> None:
        self.estimates.append((time.perf_counter(), progress.left_s, self.cases))


def pytest_configure(config: pytest.Config) -> None:
    """In the process that measures, this module is a plugin."""
    config.stash[_SEEN] = Seen()
    config.stash[_SEEN].watch()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Hand on what was seen."""
    Path(os.environ[FILE]).write_text(json.dumps(vars(config.stash[_SEEN])), encoding="utf-8")


_SEEN = pytest.StashKey[Seen]()


def main() -> None:
    """Run the suites, and print how right the estimates were."""
    program = "python -m tests.benchmarks.bench_progress"
    parser = Command(program, __doc__, {"": "the quick grid, some minutes", "--grid smoke": "a first look"})
    parser.add_argument("--grid", default="quick", metavar="NAME|FILE", help="the grid to run (default: quick)")
    grid = parser.parse_args().grid
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "seen.json"
        _run(["-p", "tests.benchmarks.bench_progress", "suites", "--grid", grid], file)
        seen = json.loads(file.read_text(encoding="utf-8"))
    report(seen["estimates"], seen["drawings_s"])


def _run(arguments: list[str], file: Path) -> None:
    ours, theirs = os.openpty()
    settings = os.environ | {FILE: str(file), "TERM": "xterm"}
    command = [sys.executable, "-m", "pytest", *arguments]
    session = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=settings)
    os.close(theirs)
    try:
        while os.read(ours, 1 << 16):
            pass
    except OSError:  # how Linux says that nobody has the terminal open any more
        pass
    session.wait()


def report(estimates: list[tuple[float, float, int]], drawings_s: list[float]) -> None:
    """Print some of the estimates, the worst error, and the share of the drawings."""
    start, planned_s, _ = estimates[0]
    end = next(when for when, left_s, _ in reversed(estimates) if left_s == 0)
    took_s = end - start
    print(f"planned {planned_s:.0f} s, took {took_s:.0f} s ({planned_s / took_s - 1:+.0%})")
    judged = [(when, said, end - when) for when, said, cases in estimates if cases and end - when >= LEAST_S]
    if not judged:
        print(f"less than {LEAST_S:.0f} s were left after the first case")
        return
    for when, said, left_s in judged[:: max(1, len(judged) // 20)]:
        print(
            f"at {when - start:5.0f} s: {said:5.0f} s were said, {left_s:5.0f} s were left ({said / left_s - 1:+.0%})"
        )
    errors = [said / left_s - 1 for _, said, left_s in judged]
    within = statistics.mean(abs(error) <= 0.25 for error in errors)
    print(f"from the second case on: worst {max(errors, key=abs):+.0%}, {within:.0%} of them within ±25 %")
    median_ms, share = statistics.median(drawings_s) * 1e3, sum(drawings_s) / took_s
    print(f"{len(drawings_s):,} drawings of {median_ms:.2f} ms, {share:.2%} of the time")


if __name__ == "__main__":
    main()
