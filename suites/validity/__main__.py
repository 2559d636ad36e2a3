"""Measure false alarms and power of benchmarking methods."""

import argparse
import dataclasses
import gc
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch

import pipe
from command import Command, folder, run
from suites import compile_cache
from suites.environment import environment
from suites.progress_bar import progress_bar
from suites.validity.instrument import properties
from suites.validity.kept import Comparison, KeptComparisons
from suites.validity.methods import LONG_S, LONGER, Outcome, ours, pytest_benchmark, torch_timer
from suites.validity.page import page
from suites.validity.rates import rates
from suites.validity.workloads import WORK, background_load, pair

DOCS = Path(__file__).parents[2] / "docs" / "figures"
EACH = {0.0: 1, 0.01: 5, 0.02: 5, 0.05: 10, 0.10: 10}  # every how many trials each slowdown is compared
OTHERS = 20  # every how many trials the other methods run: their rates are far from 0 and 1
STOPPED = 30  # every how many trials early stopping is checked
BLOCK = 20  # trials on one machine before the other's turn
REMARKS = "\n## Remarks\n"
PRECISION = 0.005
FINE = 0.0025  # the precision for +1 %, with the longer budget


def main(argv: Sequence[str] | None = None) -> None:
    """Run what the file lacks, and write docs/figures/validity.md and docs/figures/validity.csv."""
    options = _parser().parse_args(argv)
    compile_cache.separate()
    gc.freeze()  # as a session does
    torch.set_num_threads(1)  # one core measures, the other one carries the load
    kept = KeptComparisons(options.json, options.seconds)
    _compare_all(kept, options.trials, options.seconds, options.calls, options.machine)
    again = max(1, options.trials // STOPPED) * _cells(options.calls)
    wanted = properties(options.seconds, options.processes, again, random.Random(1))
    for one in wanted:
        if one.name not in kept.properties:
            kept.add([{"figure": one.name, "goal": one.goal, "measured": one.measure()}])
    table = rates(kept.outcomes)
    options.docs.mkdir(parents=True, exist_ok=True)
    table.to_csv(options.docs / "validity.csv", index=False)
    path = options.docs / "validity.md"
    measured = [kept.properties[one.name] for one in wanted]  # an older file may hold others too
    text = page(table, measured, environment(), options.seconds) + _remarks(path)
    path.write_text(text, encoding="utf-8")
    with pipe.may_close():
        print(path)


def _remarks(path: Path) -> str:
    """The remarks added by hand at the end of an earlier page."""
    _, head, text = path.read_text(encoding="utf-8").partition(REMARKS) if path.exists() else ("", "", "")
    return head + text


def _compare_all(
    kept: KeptComparisons, trials: int, seconds: float, calls: Sequence[str], machines: Sequence[str]
) -> None:
    """Make the missing comparisons, in alternating blocks on the quiet and the loaded machine."""
    done = kept.done
    blocks = [[one for one in block if one not in done] for block in _blocks(trials, calls, machines)]
    left, rng = sum(map(len, blocks)), random.Random(len(done))
    with progress_bar("trials", left) as advance:
        for block in filter(None, blocks):
            with background_load(block[0].machine == "loaded"):
                for comparison in block:
                    kept.add(comparison._asdict() | vars(outcome) for outcome in _compare(comparison, seconds, rng))
                    advance(1)


def _blocks(trials: int, calls: Sequence[str], machines: Sequence[str]) -> Iterator[list[Comparison]]:
    """Blocks of comparisons from every cell, so that a bad minute hits all cells."""
    for first in range(0, trials, BLOCK):
        for machine in machines:
            yield [
                Comparison(machine, length, slowdown, number)
                for number in range(first, min(first + BLOCK, trials))
                for length, slowdown in _cells(calls)
                if number % EACH[slowdown] == 0
            ]


def _cells(calls: Sequence[str]) -> list[tuple[str, float]]:
    return [(length, slowdown) for length in calls for slowdown in EACH]


def _compare(comparison: Comparison, seconds: float, rng: random.Random) -> Iterator[Outcome]:
    work = pair(comparison.calls, comparison.slowdown)
    yield ours(work, seconds, PRECISION, rng)
    if comparison.slowdown == 0.01 and comparison.machine == "quiet":
        yield dataclasses.replace(ours(work, LONG_S, FINE, rng), method=LONGER)
    if comparison.number % OTHERS == 0:
        yield from pytest_benchmark(work, seconds)
        yield torch_timer(work, seconds)


def _parser() -> Command:
    parser = Command(
        "python -m suites.validity",
        __doc__,
        {
            "--trials 20 --json trials.jsonl --docs look": "a first look, in minutes",
            "--json trials.jsonl": "all trials, in hours; after a kill it resumes",
        },
    )
    parser.add_argument(
        "--trials",
        type=_positive(int),
        default=300,
        help="pairs of identical functions per cell; fewer with a slowdown (default: 300)",
    )
    parser.add_argument("--seconds", type=_positive(float), default=1.0, help="per pair and method (default: 1)")
    parser.add_argument(
        "--processes",
        type=_positive(int),
        default=15,
        help="fresh processes to compare a ratio over, for both allocator settings (default: 15)",
    )
    parser.add_argument("--calls", nargs="+", choices=tuple(WORK), default=tuple(WORK), help="call lengths")
    parser.add_argument("--machine", nargs="+", choices=("quiet", "loaded"), default=("quiet", "loaded"))
    parser.add_argument("--json", type=Path, metavar="FILE", help="append each result to FILE; a later call resumes")
    parser.add_argument(
        "--docs", type=folder, default=DOCS, metavar="FOLDER", help="folder for validity.md and validity.csv"
    )
    return parser


def _positive(number: type[int] | type[float]) -> Callable[[str], float]:
    def parse(text: str) -> float:
        value = number(text)
        if not 0 < value < float("inf"):
            raise argparse.ArgumentTypeError(f"{text} is not above 0; 1 works")
        return value

    return parse


if __name__ == "__main__":
    run(main)
