"""An option that takes one or two files, and the folder that pytest takes for a second one."""

import argparse
import os
import shlex
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from nearest import no_file


class OneOrTwoFiles(argparse.Action):
    """`--inputs x.npy [y.npy]`. It refuses what is to measure, which argparse gives to the option before it."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Store the files; an `ArgumentError` says how to write what was meant."""
        given = [str(value) for value in values or ()]
        tests = [value for value in given if os.path.isdir(value) or Path(value.partition("::")[0]).suffix == ".py"]
        files = shlex.join(value for value in given if value not in tests)
        if tests:
            raise argparse.ArgumentError(
                self,
                f"{tests[0]!r} is no file of rows; name what to measure first: `pytest {shlex.join(tests)} "
                f"{option_string} {files or 'FILE'}`",
            )
        if len(given) > 2:
            raise argparse.ArgumentError(self, f"takes one or two files, x and y, not {len(given)}: {files}")
        if before := getattr(namespace, self.dest, None):
            raise argparse.ArgumentError(self, f"is there twice; x and y are `{option_string} {before[0]} {given[0]}`")
        setattr(namespace, self.dest, given)


def misplaced(
    arguments: Sequence[str], suffixes: Collection[str], lists: Mapping[str, Collection[str]], *, resume: bool
) -> str:
    """The error about the first of what to measure that belongs to an option; "" if none does.

    Args:
        arguments: what to measure, as typed.
        suffixes: those of files of rows.
        lists: the options whose value is a list, and the names that each may hold.
        resume: whether --resume is there, which takes no name.
    """
    for argument in arguments:
        for option, names in lists.items():
            if argument in names and not os.path.exists(argument):
                return f"{argument!r} is named as what to measure; commas join several: `{option} NAME,{argument}`"
        if wrong := _misplaced(argument, suffixes, resume):
            return wrong
    return ""


def _misplaced(argument: str, suffixes: Collection[str], resume: bool) -> str:
    path = Path(argument.partition("::")[0])
    there = f"{argument!r} is named as what to measure"
    if path.suffix == ".py":
        return _misplaced_code(path, there)
    if path.suffix.lower() in suffixes:  # as `--inputs=x.npy y.npy` makes it
        return f"{argument!r} holds rows, and is named as what to measure; write `--inputs x.npy y.npy` for two"
    if path.suffix == ".toml":
        return f"{there}; a grid is named by an option: `pytest suites --grid {argument}`"
    if resume and not any(path.glob("test_*.py")):
        named = f"`--resume --benchmark-save={path.stem}` for the run {path.stem!r}"
        return f"{there}; --resume takes no name: write {named}"
    return f"{there}, and it holds a run: `python -m reports {argument}`" if path.suffix == ".jsonl" else ""


def _misplaced_code(path: Path, there: str) -> str:
    if not os.path.isfile(path):
        return no_file(path, (".py",))
    if "def register(" in path.read_text(encoding="utf-8", errors="replace"):
        return f"{there}; implementations are named by an option: `pytest suites --implementations-from {path}`"
    return ""
