"""Run the experiment: `python -m suites.validity [--trials N] [--json FILE]`."""

import argparse
import dataclasses
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

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
PLANTED, OTHERS = 5, 20  # every fifth trial has the planted slowdowns too, and every twentieth the methods of others,
# whose rates are far from 0 and 1
STOPPED = 30  # as many trials to a pair of stopping early
PRECISION = 0.005
LONG_S, FINE = 5.0, 0.0025  # the longer budget and the precision that +1 % is looked for with


class Trial(NamedTuple):
    """One pair of functions on one machine, to be compared by each method."""

    machine: str
    calls: str
    slowdown: float
    number: int


def main(argv: Sequence[str] | None = None) -> None:
    """Run the experiment and write docs/validity.md and docs/validity.csv."""
    options = _parser().parse_args(argv)
    torch.set_num_threads(1)  # one core for the contestants, the other for the load
    answers = _answers(options.trials, options.seconds, options.calls, options.machine, options.json)
    table = rates(answers)
    again = max(1, options.trials // STOPPED) * _cells(options.calls)
    found = list(figures(options.seconds, options.processes, again, random.Random(1)))
    options.docs.mkdir(exist_ok=True)
    table.to_csv(options.docs / "validity.csv", index=False)
    (options.docs / "validity.md").write_text(page(table, found, environment(), options.seconds), encoding="utf-8")
    print(options.docs / "validity.md")


def _answers(
    trials: int, seconds: float, calls: Sequence[str], machines: Sequence[str], file: Path | None
) -> pd.DataFrame:
    """Every answer of every trial, those that the file has included; the others are added to it as they come."""
    kept = _kept(file, seconds)
    done = {Trial(*key) for key in kept[list(Trial._fields)].itertuples(index=False)} if len(kept) else set()
    rng, console, parts = random.Random(len(done)), Console(stderr=True), [kept]
    for machine in machines:
        left = [trial for trial in _plan(machine, trials, calls) if trial not in done]
        with load(machine == "loaded" and bool(left)):
            description = f"{machine} machine"
            for trial in track(left, description, console=console, disable=not console.is_terminal):
                found = [trial._asdict() | dataclasses.asdict(answer) for answer in _compare(trial, seconds, rng)]
                parts.append(pd.DataFrame(found).assign(budget_s=seconds))
                if file:
                    parts[-1].to_json(file, orient="records", lines=True, mode="a")
    return pd.concat([part for part in parts if len(part)], ignore_index=True)


def _plan(machine: str, trials: int, calls: Sequence[str]) -> Iterator[Trial]:
    """The trials on a machine. The cells take turns, so that a bad minute hits all of them alike."""
    for number in range(trials):
        for length, slowdown in _cells(calls):
            if slowdown == 0 or number % PLANTED == 0:
                yield Trial(machine, length, slowdown, number)


def _cells(calls: Sequence[str]) -> list[tuple[str, float]]:
    return [(length, slowdown) for length in calls for slowdown in SLOWDOWNS]


def _compare(trial: Trial, seconds: float, rng: random.Random) -> Iterator[Answer]:
    work = pair(trial.calls, trial.slowdown)
    yield ours(work, seconds, PRECISION, rng)
    if trial.slowdown == SLOWDOWNS[1] and trial.machine == "quiet":
        yield dataclasses.replace(ours(work, LONG_S, FINE, rng), method=f"ours, {LONG_S:g} s")
    if trial.number % OTHERS == 0:
        yield from pytest_benchmark(work, seconds)
        yield torch_timer(work, seconds)


def _kept(file: Path | None, seconds: float) -> pd.DataFrame:
    if file is None or not file.exists():
        return pd.DataFrame()
    kept = pd.read_json(file, lines=True)
    if (kept["budget_s"] != seconds).any():
        raise SystemExit(f"{file} holds trials of {kept['budget_s'].iat[0]:g} s a pair, not {seconds:g}; name another")
    return kept.drop_duplicates([*Trial._fields, "method"])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m suites.validity", description=__doc__)
    parser.add_argument(
        "--trials", type=_positive(int), default=300, help="of identical functions a cell; a fifth for planted ones"
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
