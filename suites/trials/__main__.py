"""Run the trials: `python -m suites.trials [--pairs N] [--implementations A,B] [--json FILE]`."""

import argparse
import hashlib
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from rich.console import Console
from rich.progress import Progress

import implementations
from implementations import Implementation, registry
from implementations.registry import DTYPES, RegistryError
from suites.environment import environment, torch_version
from suites.measure import oracle
from suites.trials import bounds, exactness
from suites.trials.kept import Kept
from suites.trials.kinds import KINDS
from suites.trials.page import page

DOCS = Path(__file__).parents[2] / "docs"
EXACT = "accurate"
SHARE = 10
"""Pairs of `accurate` to one of each implementation against its bound."""


class Work(NamedTuple):
    """Trials that share their pairs: of `EXACT` on a kind, or of the entries against their bounds in a dtype."""

    number: int
    kind: str = ""
    task: str = ""
    dtype: str = ""
    entries: tuple[Implementation, ...] = ()

    @property
    def size(self) -> int:
        """Calls of one pair."""
        return bounds.PAIRS * len(self.entries) if self.entries else 4 * exactness.PAIRS


def main(argv: Sequence[str] | None = None) -> None:
    """Run what the file lacks, and write docs/accuracy.md."""
    parser = _parser()
    options = parser.parse_args(argv)
    try:
        entries = _entries(options.implementations)
    except RegistryError as error:
        parser.error(f"argument --implementations: {error}")
    torch.set_num_threads(1)  # one core: sums are split the same way on every machine
    kept = Kept(options.json, f"torch {torch_version()} and arithmetic {_arithmetic()}")
    _run(kept, [*_exactness(entries, options.pairs, kept), *_bounds(entries, options.pairs, kept)])
    options.docs.mkdir(exist_ok=True)
    path = options.docs / "accuracy.md"
    path.write_text(page(kept.exactness, kept.trials, environment(), options.pairs), encoding="utf-8")
    print(path)


def _arithmetic() -> str:
    """A digest of all that decides what the trials come to."""
    measure = Path(oracle.__file__).parent
    files = [*Path(registry.__file__).parent.glob("*.py"), measure / "bound.py", measure / "oracle.py"]
    files += Path(__file__).parent.glob("*.py")
    return hashlib.sha256(b"".join(file.read_bytes() for file in sorted(files))).hexdigest()[:12]


def _run(kept: Kept, works: Sequence[Work]) -> None:
    console, dtype = Console(stderr=True), ""
    with Progress(*Progress.get_default_columns(), console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("trials", total=sum(work.size for work in works))
        for work in works:
            if work.dtype != dtype and "torch._dynamo" in sys.modules:
                torch.compiler.reset()  # or compiled contestants would give up after eight shapes and dtypes
            dtype = work.dtype
            kept.add(_results(work, kept))
            progress.advance(task, work.size)


def _results(work: Work, kept: Kept) -> Iterator[exactness.Exactness | bounds.Trial]:
    if work.kind:
        return iter([exactness.exactness(implementations.get(EXACT).fn, work.kind, work.number)])
    entries = [entry for entry in work.entries if (entry.name, work.dtype) not in kept.failed]
    return bounds.trials(entries, work.task, work.dtype, work.number)


def _exactness(entries: Sequence[Implementation], pairs: int, kept: Kept) -> Iterator[Work]:
    """What is left of `pairs` pairs of `EXACT`, the kinds by turns."""
    done = {(one.kind, one.number) for one in kept.exactness}
    numbers = math.ceil(pairs / exactness.PAIRS / len(KINDS)) if EXACT in [entry.name for entry in entries] else 0
    yield from (Work(n, kind=kind) for n in range(numbers) for kind in KINDS if (kind, n) not in done)


def _bounds(entries: Sequence[Implementation], pairs: int, kept: Kept) -> Iterator[Work]:
    """What is left of the pairs of each implementation and dtype."""
    done = {(one.implementation, one.dtype, one.number) for one in kept.trials}
    for dtype in DTYPES:
        for number in range(math.ceil(pairs / SHARE / bounds.PAIRS)):
            for task in bounds.SHAPES:
                left = tuple(
                    entry
                    for entry in entries
                    if entry.task == task and dtype in entry.dtypes and (entry.name, dtype) not in kept.failed
                    if (entry.name, dtype, number) not in done
                )
                if left:
                    yield Work(number, task=task, dtype=dtype, entries=left)


def _entries(names: str | None) -> tuple[Implementation, ...]:
    """The implementations by these names, separated by commas; for None all of cosines that run on the CPU."""
    if names is None:
        known = (implementations.get(name) for task in bounds.SHAPES for name in implementations.names(task))
        return tuple(entry for entry in known if "cpu" in entry.devices)
    entries = tuple(implementations.get(name.strip()) for name in names.split(","))
    for entry in entries:
        if entry.task not in bounds.SHAPES:
            raise RegistryError(f"{entry.name!r} computes no cosine but the task {entry.task!r}; leave it out")
        if "cpu" not in entry.devices:
            raise RegistryError(f"{entry.name!r} does not run on the CPU; leave it out")
    return entries


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m suites.trials", description=__doc__)
    parser.add_argument(
        "--pairs",
        type=_count,
        default=10**6,
        metavar="N",
        help=f"of {EXACT}, or a few more; each implementation gets a {SHARE}th against its bound (default: 1e6)",
    )
    parser.add_argument("--implementations", metavar="A,B", help="these only")
    parser.add_argument("--json", type=Path, metavar="FILE", help="every trial, as it ends; those that it holds stand")
    parser.add_argument("--docs", type=Path, default=DOCS, metavar="FOLDER", help="where the page goes")
    return parser


def _count(text: str) -> int:
    value = float(text)
    if not 1 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no number of pairs; 1e6 is")
    return int(value)


if __name__ == "__main__":
    main()
