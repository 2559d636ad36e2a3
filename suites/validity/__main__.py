"""Run the experiment: `python -m suites.validity [--trials N] [--json FILE]`."""

import argparse
import dataclasses
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pandas as pd
import torch
from rich.console import Console
from rich.progress import track

from suites.environment import environment
from suites.validity.figures import figures
from suites.validity.methods import Answer, ours, pytest_benchmark, torch_timer
from suites.validity.page import page
from suites.validity.rates import rates
from suites.validity.workloads import WORK, load, pair

DOCS = Path(__file__).parents[2] / "docs"
SLOWDOWNS = (0.0, 0.01, 0.02, 0.05, 0.10)
PLANTED = 3  # every third trial has the planted slowdowns as well, and the methods of others
PRECISION = 0.005
LONG_S, FINE = 5.0, 0.0025  # the longer budget and the precision that +1 % is looked for with


def main(argv: Sequence[str] | None = None) -> None:
    """Run the experiment and write docs/validity.md and docs/validity.csv."""
    options = _parser().parse_args(argv)
    torch.set_num_threads(1)  # one core for the contestants, the other for the load
    answers = pd.DataFrame(_answers(options.trials, options.seconds, options.calls, options.machine))
    table = rates(answers)
    again = max(1, options.trials // 10) * _cells(options.calls)
    found = list(figures(options.seconds, options.processes, again, random.Random(1)))
    options.docs.mkdir(exist_ok=True)
    table.to_csv(options.docs / "validity.csv", index=False)
    (options.docs / "validity.md").write_text(
        page(table, found, environment(), options.trials, options.seconds), encoding="utf-8"
    )
    if options.json:
        answers.to_json(options.json, orient="records", indent=1)
    print(options.docs / "validity.md")


def _answers(trials: int, seconds: float, calls: Sequence[str], machines: Sequence[str]) -> Iterator[dict[str, object]]:
    """Every answer of every trial. The cells take turns, so that a bad minute hits all of them alike."""
    rng = random.Random(0)
    cells = _cells(calls)
    console = Console(stderr=True)
    for machine in machines:
        plan = [(n, *cell) for n in range(trials) for cell in cells if cell[1] == 0 or n % PLANTED == 0]
        with load(machine == "loaded"):
            description = f"{machine} machine"
            for n, length, slowdown in track(plan, description, console=console, disable=not console.is_terminal):
                cell = {"calls": length, "machine": machine, "slowdown": slowdown}
                for answer in _trial(n, length, slowdown, seconds, machine, rng):
                    yield cell | dataclasses.asdict(answer)


def _cells(calls: Sequence[str]) -> list[tuple[str, float]]:
    return [(length, slowdown) for length in calls for slowdown in SLOWDOWNS]


def _trial(
    number: int, length: str, slowdown: float, seconds: float, machine: str, rng: random.Random
) -> Iterator[Answer]:
    work = pair(length, slowdown)
    yield ours(work, seconds, PRECISION, rng)
    if slowdown == SLOWDOWNS[1] and machine == "quiet":
        yield dataclasses.replace(ours(work, LONG_S, FINE, rng), method=f"ours, {LONG_S:g} s")
    if number % PLANTED == 0:  # their rates are far from 0 and 1, and need fewer trials
        yield from pytest_benchmark(work, seconds)
        yield torch_timer(work, seconds)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m suites.validity", description=__doc__)
    parser.add_argument(
        "--trials", type=_positive(int), default=300, help="of identical functions a cell; a third for planted ones"
    )
    parser.add_argument("--seconds", type=_positive(float), default=1.0, help="for each pair and method")
    parser.add_argument(
        "--processes", type=_positive(int), default=15, help="whose ratios are compared, for some cases and both heaps"
    )
    parser.add_argument("--calls", nargs="+", choices=tuple(WORK), default=tuple(WORK), help="lengths of call")
    parser.add_argument("--machine", nargs="+", choices=("quiet", "loaded"), default=("quiet", "loaded"))
    parser.add_argument("--json", type=Path, metavar="FILE", help="also every single answer")
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
