"""Search random pairs for the worst error of each implementation."""

import argparse
import hashlib
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import implementations
import pipe
from command import Command, folder, run
from implementations import Implementation, registry
from implementations.registry import RegistryError
from suites import compile_cache
from suites.environment import environment, torch_version
from suites.progress_bar import progress_bar
from suites.trials import bounds, exactness, kinds, work
from suites.trials.bounds import Trial
from suites.trials.exactness import Exactness
from suites.trials.kept import KeptTrials
from suites.trials.page import page
from suites.trials.work import WorkItem
from suites.truth import bound, oracle


def main(argv: Sequence[str] | None = None) -> None:
    """Run what the file lacks, and print the page or write it to the folder of `--docs`."""
    parser = _parser()
    options = parser.parse_args(argv)
    try:
        entries = _entries(options.implementations)
    except RegistryError as error:
        parser.error(f"argument --implementations: {error}")
    compile_cache.separate()
    work.on_one_core()
    kept = KeptTrials(options.json, f"torch {torch_version()} and arithmetic {_arithmetic()}")
    _run(kept, list(work.left(entries, options.pairs, kept)), options.processes)
    text = page(kept.exactness, kept.trials, environment(), options.pairs)
    if not options.docs:
        with pipe.may_close():
            print(text)
        return
    options.docs.mkdir(parents=True, exist_ok=True)
    path = options.docs / "accuracy.md"
    path.write_text(text, encoding="utf-8")
    with pipe.may_close():
        print(path)


def _arithmetic() -> str:
    """A digest of the code that the results of a trial depend on."""
    modules = (bound, oracle, bounds, exactness, kinds)
    files = [*Path(registry.__file__).parent.glob("*.py"), *(Path(str(module.__file__)) for module in modules)]
    return hashlib.sha256(b"".join(file.read_bytes() for file in sorted(files))).hexdigest()[:12]


def _run(kept: KeptTrials, works: Sequence[WorkItem], processes: int) -> None:
    with progress_bar("trials", sum(one.size for one in works)) as advance:
        for one, found in zip(works, _found(works, kept, processes), strict=True):
            kept.add(found)
            advance(one.size)


def _found(works: Sequence[WorkItem], kept: KeptTrials, processes: int) -> Iterator[list[Exactness | Trial]]:
    """The results of each piece of work, in order."""
    find = partial(work.found, failed=kept.failed)
    if processes == 1:
        yield from map(find, works)
        return
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), work.on_one_core) as pool:
        yield from pool.map(find, works)


def _entries(names: str | None) -> tuple[Implementation, ...]:
    """The implementations with these comma-separated names; None means all that run on the CPU."""
    if names is None:
        known = (implementations.get(name) for task in bounds.SHAPES for name in implementations.names(task))
        return tuple(entry for entry in known if "cpu" in entry.devices)
    entries = tuple(implementations.get(name.strip()) for name in names.split(","))
    for entry in entries:
        if "cpu" not in entry.devices:
            raise RegistryError(f"{entry.name!r} does not run on the CPU; leave it out")
    return entries


def _parser() -> Command:
    parser = Command(
        "python -m suites.trials",
        __doc__,
        {
            "--pairs 1e5 --implementations builtin,accurate": "two of them, in a minute; the page is printed",
            "--json trials.jsonl --docs docs/figures": "all of them; after a kill it resumes",
        },
    )
    parser.add_argument(
        "--pairs",
        type=_pairs,
        default=10**6,
        metavar="N",
        help=f"pairs for {work.EXACT}, rounded up; each implementation gets a {work.SHARE}th of them (default: 1e6)",
    )
    parser.add_argument("--implementations", metavar="A,B", help="only these implementations")
    parser.add_argument("--json", type=Path, metavar="FILE", help="append each trial to FILE; a later call resumes")
    parser.add_argument(
        "--docs", type=folder, metavar="FOLDER", help="folder for accuracy.md (default: print the page)"
    )
    parser.add_argument(
        "--processes", type=_processes, default=1, metavar="N", help="parallel processes of one core each (default: 1)"
    )
    return parser


def _pairs(text: str) -> int:
    value = float(text)
    if not 1 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no number of pairs; 1e6 is")
    return int(value)


def _processes(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text} is no number of processes; 2 is")
    return int(text)


if __name__ == "__main__":
    run(main)
