"""pytest-benchmark, with an optional name for a saved run.

As shipped, `pytest suites --benchmark-save` fails before any conftest.py is read, because the option needs a value.
This module is loaded in its place (pyproject.toml, addopts). It offers the same hooks and fixtures, and changes two of
the options.
"""

import argparse
import functools
import os
from collections.abc import Generator, Sequence
from datetime import datetime
from typing import Any

import pytest
from pytest_benchmark import plugin as shipped
from pytest_benchmark.plugin import *  # noqa: F403  # every hook and fixture of the shipped plugin

from command import meant
from suites import git
from suites.plugin import statuses
from suites.plugin.statuses import pytest_cmdline_main  # noqa: F401  # a hook

_GROUPS = ("cosinebench", "benchmark")
TABLES = tuple(
    f"--benchmark-{option}" for option in ("columns", "sort", "group-by", "compare", "name", "time-unit", "verbose")
)
"""The options about pytest-benchmark's tables. `pytest suites` prints its tables with one of them, or with -v."""


def pytest_addoption(parser: pytest.Parser) -> None:  # type: ignore[no-redef]  # in the shipped one's place
    """Declare pytest-benchmark's options: the value of --benchmark-save is optional, samples are always kept."""
    shipped.pytest_addoption(_Parser(parser))


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(parser: pytest.Parser, args: Sequence[str]) -> Generator[None, None, None]:
    """Where an option is unknown, let pytest's own error name the nearest of the suites' and pytest-benchmark's."""
    statuses.keep()
    yield  # conftest.py declares the suites' options
    unknown = parser.parse_known_and_unknown_args(args)[1]
    ours = [option for group in _GROUPS for option in parser.getgroup(group).options]
    if near := meant(unknown, [name for option in ours for name in option.names()]):
        parser.extra_info["did you mean"] = near


class _Parser:
    """The part of a parser that the shipped plugin uses: one group, and options in it."""

    def __init__(self, parser: pytest.Parser) -> None:
        self._parser = parser

    def getgroup(self, name: str) -> "_Parser":
        self._group = self._parser.getgroup(name)
        return self

    def addoption(self, option: str, **settings: Any) -> None:
        if option == "--benchmark-save":
            checked = settings["type"]
            settings |= {"nargs": "?", "const": default_name(), "type": lambda name: checked(_no_path(name))}
        if option == "--benchmark-save-data":
            settings |= {"default": True}
        if option in TABLES:
            settings |= {
                "help": f"{settings['help']} `pytest suites` prints these tables with this option, or with -v."
            }
        self._group.addoption(option, **settings)


@functools.cache
def default_name() -> str:
    """Return a name for a run, from the date and the commit: 20261121-194500-1a2b3c4."""
    return f"{datetime.now():%Y%m%d-%H%M%S}-{git.commit()[:7] or 'no-commit'}{'-dirty' if git.uncommitted() else ''}"


def _no_path(name: str) -> str:
    if not name:
        raise argparse.ArgumentTypeError(
            "the name is empty: without the '=' the run is named after the date and the commit"
        )
    if os.path.exists(name):
        raise argparse.ArgumentTypeError(
            f"took {name!r}, a file or folder here, for the run's name: write `pytest {name} --benchmark-save` "
            "if it is what to measure, and take another name if it is the run's"
        )
    return name
