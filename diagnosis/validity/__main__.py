"""Diagnose planted faults and healthy sets, and count the right answers."""

import argparse
import re
from collections.abc import Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import torch

import pipe
from command import Command
from diagnosis.validity.answers import ask
from diagnosis.validity.cases import PlantedCase, all_cases
from diagnosis.validity.kept import KeptAnswers
from diagnosis.validity.page import page
from diagnosis.validity.picture import draw
from diagnosis.validity.rates import table
from suites.environment import environment
from suites.progress_bar import progress_bar

DOCS = Path(__file__).parents[2] / "docs" / "figures"
REMARKS = "\n## Remarks\n"
PROCESSES = 2
TOGETHER = 8  # cases per message to a process


def main(argv: Sequence[str] | None = None) -> None:
    """Diagnose what the file lacks, and write docs/figures/always-one.md and docs/figures/always-one.png."""
    options = _parser().parse_args(argv)
    path = options.docs / "always-one.md"
    _refuse_a_smaller(path, options.seeds)
    cases, kept = list(all_cases(options.seeds)), KeptAnswers(options.json)
    done = {answer.case for answer in kept.answers}
    _ask_all([case for case in cases if case not in done], kept)
    asked = set(cases)
    answers = table(answer for answer in kept.answers if answer.case in asked)
    options.docs.mkdir(exist_ok=True)
    draw(answers, path.with_suffix(".png"))
    path.write_text(page(answers, environment()) + _remarks(path), encoding="utf-8")
    with pipe.may_close():
        print(path)


def _ask_all(cases: Sequence[PlantedCase], kept: KeptAnswers) -> None:
    with progress_bar("cases", len(cases)) as advance, _pool() as pool:
        for answer in pool.map(ask, cases, chunksize=TOGETHER):
            kept.add(answer)
            advance(1)


def _pool() -> Executor:
    """Fresh processes with one torch thread each."""
    return ProcessPoolExecutor(PROCESSES, get_context("spawn"), initializer=torch.set_num_threads, initargs=(1,))


def _refuse_a_smaller(path: Path, seeds: int) -> None:
    """Keep a quick look from overwriting the full experiment."""
    found = re.search(r"--seeds (\d+)", path.read_text(encoding="utf-8")) if path.exists() else None
    if found and int(found[1]) > seeds:
        raise SystemExit(
            f"{path} holds an experiment of {found[1]} seeds, which one of {seeds} would replace; "
            f"name another folder (--docs FOLDER), or run --seeds {found[1]}"
        )


def _remarks(path: Path) -> str:
    """The remarks added by hand at the end of an earlier page."""
    _, head, text = path.read_text(encoding="utf-8").partition(REMARKS) if path.exists() else ("", "", "")
    return head + text


def _parser() -> Command:
    parser = Command(
        "python -m diagnosis.validity",
        __doc__,
        {
            "--seeds 2 --docs look": "a first look, in minutes",
            "--json answers.jsonl": "all seeds, in hours; after a kill it resumes",
        },
    )
    parser.add_argument(
        "--seeds", type=_count, default=20, metavar="N", help="seeds per plant, size and dtype (default: 20)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="append each answer to FILE; a later call resumes")
    parser.add_argument(
        "--docs", type=Path, default=DOCS, metavar="FOLDER", help="folder for always-one.md and its picture"
    )
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number of seeds; 20 is")
    return int(text)


if __name__ == "__main__":
    main()
