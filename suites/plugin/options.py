"""The options of `pytest suites`, and the plan made from them."""

import argparse
import os
import shlex
from pathlib import Path

import pytest

from command import GivenOnce
from implementations import registry
from nearest import did_you_mean
from suites.inputs import SUFFIXES
from suites.measure import allocator
from suites.option_values import TIME_LIMIT_S, time_limit_of
from suites.plan import Plan
from suites.plugin.file_options import OneOrTwoFiles, misplaced
from suites.plugin.front_door import TABLES
from suites.records import budget
from suites.workers.imports import require_importable, signals_kept

GROUP = """cosinebench

  pytest suites --benchmark-save                                   # the quick grid, about three minutes
  pytest suites --grid smoke --implementations normalize,builtin   # two of them, in seconds
  pytest suites --inputs embeddings.npy                            # your own rows
  pytest suites --implementations-from mine.py --implementations mine,builtin

options of pytest suites"""


def add_options(parser: pytest.Parser) -> None:
    """Declare the options of the suites; `plan_of` reads them."""
    group = parser.getgroup("cosinebench", GROUP)
    group.addoption(
        "--grid",
        default="quick",
        metavar="NAME|FILE",
        help="the cases to measure: smoke, quick, full, gpu or a TOML file (default: quick)",
    )
    group.addoption("--device", metavar="DEVICE", help="cpu, cuda or mps (default: each device of this machine)")
    group.addoption("--implementations", action=GivenOnce, metavar="A,B", help="measure only these (default: all)")
    group.addoption(
        "--implementations-from",
        action="append",
        metavar="FILE.py",
        help="add the implementations that register(implementation) in this file registers; repeatable",
    )
    group.addoption(
        "--dtypes",
        action=GivenOnce,
        metavar="A,B",
        help="keep these dtypes of the grid: float64, float32, float16, bfloat16",
    )
    group.addoption(
        "--inputs",
        nargs="+",
        action=OneOrTwoFiles,
        metavar="FILE",
        help="measure the grid's tasks on your own rows, of x or of x and y: .npy, .pt or .safetensors",
    )
    group.addoption(
        "--queries",
        action=GivenOnce,
        metavar="FILE",
        help="measure one query and all of these queries against --corpus",
    )
    group.addoption("--corpus", action=GivenOnce, metavar="FILE", help="the rows that --queries search")
    group.addoption("--k", action=GivenOnce, metavar="K", help="also find the nearest K rows of the corpus")
    group.addoption(
        "--baseline",
        action=GivenOnce,
        metavar="NAME",
        help="compare times with this implementation, and measure it too (default: torch's built-in of each task)",
    )
    group.addoption(
        "--error-budget",
        action=GivenOnce,
        metavar="SPEC",
        help=f"{budget.HELP} (default: {budget.rounded(budget.BUDGET)})",
    )
    group.addoption(
        "--precision",
        metavar="PERCENT",
        help="sample until the ratio to the baseline is known to ± PERCENT (default: the grid's)",
    )
    group.addoption(
        "--seconds",
        metavar="S",
        help="or until S seconds are spent on each implementation of a case (default: the grid's)",
    )
    group.addoption("--processes", metavar="K", help="spread each case over K fresh processes (default: 1, this one)")
    group.addoption(
        "--time-limit",
        metavar="S",
        help=f"end a call that takes longer than S seconds, as timed_out (default: {TIME_LIMIT_S:g})",
    )
    group.addoption(
        "--allocator",
        default="found",
        type=_regime,
        metavar="|".join(allocator.REGIMES),
        help="the heap as the process finds it, or pinned to fixed thresholds (default: found)",
    )
    group.addoption(
        "--profile", action="store_true", help="also trace the operators; traces go to results/profiles/<run>/"
    )
    group.addoption(
        "--resume",
        action="store_true",
        help="continue the newest unfinished run, or the one named by --benchmark-save=NAME",
    )


def _regime(text: str) -> str:
    if text not in allocator.REGIMES:
        raise argparse.ArgumentTypeError(f"unknown allocator {text!r}{did_you_mean(text, allocator.REGIMES)}")
    return text


def asks_for_suites(config: pytest.Config, root: Path) -> bool:
    """Whether the command line names the suites, a part of them, or a folder above them."""
    suites = root / "suites"
    named = [(config.invocation_params.dir / argument.partition("::")[0]).resolve() for argument in config.args]
    return any(path.is_relative_to(suites) or suites.is_relative_to(path) for path in named)


def asks_for_tables(config: pytest.Config) -> bool:
    """Whether to print pytest-benchmark's tables, hundreds of lines: with an option about them, or with -v."""
    given = [*shlex.split(os.environ.get("PYTEST_ADDOPTS", "")), *config.invocation_params.args]
    quiet = any(word.startswith("--benchmark-q") for word in given)
    return not quiet and (config.option.verbose > 0 or any(word.startswith(TABLES) for word in given))


def require_one_process(config: pytest.Config) -> None:
    """Refuse pytest-xdist's workers: a `ValueError` that names the option to leave out."""
    if getattr(config.option, "dist", "no") != "no":
        raise ValueError(
            "-n measures in workers side by side, which disturb each other's samples; leave -n out "
            "(--processes K spreads each case over fresh processes, one after the other)"
        )


def plan_of(config: pytest.Config) -> Plan:
    """Return the plan that the options describe; a `ValueError` names a wrong value and the valid ones."""
    option = config.option
    lists = {"--implementations": registry.names(), "--dtypes": registry.DTYPES}
    if wrong := misplaced(config.args, SUFFIXES, lists, resume=option.resume):
        raise ValueError(wrong)
    require_importable(option.implementations_from or (), time_limit_of(option.time_limit))
    with signals_kept():
        return _planned(option)


def _planned(option: argparse.Namespace) -> Plan:
    return Plan.of(
        grid=option.grid,
        device=option.device,
        implementations=option.implementations,
        files=option.implementations_from,
        inputs=option.inputs or (),
        queries=option.queries,
        corpus=option.corpus,
        k=option.k,
        dtypes=option.dtypes,
        precision=option.precision,
        seconds=option.seconds,
        processes=option.processes,
        allocator=option.allocator,
        baseline=option.baseline,
        error_budget=option.error_budget,
        time_limit=option.time_limit,
    )
