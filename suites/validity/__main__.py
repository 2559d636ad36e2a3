"""Run the experiment: `python -m suites.validity [--trials N] [--json FILE]`."""

import argparse
import dataclasses
import gc
import json
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import torch
from rich.console import Console
from rich.progress import Progress

from suites import compile_cache
from suites.environment import environment
from suites.validity.figures import figures
from suites.validity.methods import LONG_S, LONGER, Answer, ours, pytest_benchmark, torch_timer
from suites.validity.page import page
from suites.validity.rates import rates
from suites.validity.workloads import WORK, load, pair

DOCS = Path(__file__).parents[2] / "docs"
EACH = {0.0: 1, 0.01: 5, 0.02: 5, 0.05: 10, 0.10: 10}  # slowdown to the trials of identical functions for one of it
OTHERS = 20  # likewise for the methods of others, whose rates are far from 0 and 1
STOPPED = 30  # and for stopping early
BLOCK = 20  # trials on one machine before the other's turn
REMARKS = "\n## Remarks\n"
PRECISION = 0.005
FINE = 0.0025  # with the longer budget, the precision that +1 % is looked for with


class Trial(NamedTuple):
    """One pair of functions on one machine, to be compared by each method."""

    machine: str
    calls: str
    slowdown: float
    number: int


def main(argv: Sequence[str] | None = None) -> None:
    """Run the experiment and write docs/validity.md and docs/validity.csv."""
    options = _parser().parse_args(argv)
    compile_cache.separate()
    gc.freeze()  # as a session does
    torch.set_num_threads(1)  # one core for the contestants, the other for the load
    kept = Kept(options.json, options.seconds)
    _compare_all(kept, options.trials, options.seconds, options.calls, options.machine)
    again = max(1, options.trials // STOPPED) * _cells(options.calls)
    for figure in figures(options.seconds, options.processes, again, random.Random(1)):
        if figure.what not in kept.figures:
            kept.add([{"figure": figure.what, "goal": figure.goal, "measured": figure.measure()}])
    table = rates(kept.answers)
    options.docs.mkdir(exist_ok=True)
    table.to_csv(options.docs / "validity.csv", index=False)
    path = options.docs / "validity.md"
    text = page(table, kept.figures.values(), environment(), options.seconds) + _remarks(path)
    path.write_text(text, encoding="utf-8")
    print(path)


def _remarks(path: Path) -> str:
    """What somebody wrote below the numbers of an earlier page; it stays."""
    _, head, text = path.read_text(encoding="utf-8").partition(REMARKS) if path.exists() else ("", "", "")
    return head + text


class Kept:
    """All that was measured, and the file that it is added to as it comes; what it holds is not measured again.

    Args:
        file: lines of JSON, or None to keep nothing.
        seconds: of each pair and method; a file of other ones is refused.
    """

    def __init__(self, file: Path | None, seconds: float) -> None:
        self._file, self._seconds = file, seconds
        self._rows: list[dict[str, Any]] = []
        if file and file.exists():
            self._rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
            if other := {row["budget_s"] for row in self._rows} - {seconds}:
                raise SystemExit(f"{file} holds trials of {min(other):g} s a pair, not {seconds:g}; name another file")

    def add(self, rows: Iterable[dict[str, Any]]) -> None:
        """Keep some more."""
        new = [row | {"budget_s": self._seconds} for row in rows]
        self._rows += new
        if self._file:
            with self._file.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(row) + "\n" for row in new)

    @property
    def trials(self) -> set[Trial]:
        """Those that were made."""
        return {Trial(**{field: row[field] for field in Trial._fields}) for row in self._rows if "method" in row}

    @property
    def answers(self) -> pd.DataFrame:
        """One row for each trial and method."""
        return pd.DataFrame([row for row in self._rows if "method" in row])

    @property
    def figures(self) -> dict[str, dict[str, Any]]:
        """The figures, by what they are."""
        shown = ("figure", "goal", "measured")
        return {str(row["figure"]): {key: row[key] for key in shown} for row in self._rows if "figure" in row}


def _compare_all(kept: Kept, trials: int, seconds: float, calls: Sequence[str], machines: Sequence[str]) -> None:
    """Make the trials that are not made yet, quiet ones and loaded ones by turns."""
    done = kept.trials
    blocks = [[t for t in block if t not in done] for block in _blocks(trials, calls, machines)]
    left, rng, console = sum(map(len, blocks)), random.Random(len(done)), Console(stderr=True)
    with Progress(*Progress.get_default_columns(), console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("trials", total=left)
        for block in filter(None, blocks):
            with load(block[0].machine == "loaded"):
                for trial in block:
                    kept.add(trial._asdict() | vars(answer) for answer in _compare(trial, seconds, rng))
                    progress.advance(task)


def _blocks(trials: int, calls: Sequence[str], machines: Sequence[str]) -> Iterator[list[Trial]]:
    """The trials, some of each cell by turns, so that a bad minute hits all of them alike."""
    for first in range(0, trials, BLOCK):
        for machine in machines:
            yield [
                Trial(machine, length, slowdown, number)
                for number in range(first, min(first + BLOCK, trials))
                for length, slowdown in _cells(calls)
                if number % EACH[slowdown] == 0
            ]


def _cells(calls: Sequence[str]) -> list[tuple[str, float]]:
    return [(length, slowdown) for length in calls for slowdown in EACH]


def _compare(trial: Trial, seconds: float, rng: random.Random) -> Iterator[Answer]:
    work = pair(trial.calls, trial.slowdown)
    yield ours(work, seconds, PRECISION, rng)
    if trial.slowdown == 0.01 and trial.machine == "quiet":
        yield dataclasses.replace(ours(work, LONG_S, FINE, rng), method=LONGER)
    if trial.number % OTHERS == 0:
        yield from pytest_benchmark(work, seconds)
        yield torch_timer(work, seconds)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m suites.validity", description=__doc__)
    parser.add_argument(
        "--trials", type=_positive(int), default=300, help="of identical functions a cell; fewer for planted ones"
    )
    parser.add_argument("--seconds", type=_positive(float), default=1.0, help="for each pair and method")
    parser.add_argument(
        "--processes", type=_positive(int), default=15, help="whose ratios are compared, for some cases and both heaps"
    )
    parser.add_argument("--calls", nargs="+", choices=tuple(WORK), default=tuple(WORK), help="lengths of call")
    parser.add_argument("--machine", nargs="+", choices=("quiet", "loaded"), default=("quiet", "loaded"))
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="every answer, as it comes; those that it holds stand"
    )
    parser.add_argument("--docs", type=Path, default=DOCS, metavar="FOLDER", help="where the page goes")
    return parser


def _positive(number: type[int] | type[float]) -> Callable[[str], float]:
    def parse(text: str) -> float:
        value = number(text)
        if not 0 < value < float("inf"):
            raise argparse.ArgumentTypeError(f"{text} is not above 0; 1 works")
        return value

    return parse


if __name__ == "__main__":
    main()
