"""An option that takes one or two files, and the folder that pytest takes for a second one."""

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any


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
        tests = [value for value in given if Path(value).is_dir() or Path(value.partition("::")[0]).suffix == ".py"]
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


def misplaced(arguments: Sequence[str], suffixes: Sequence[str]) -> str:
    """The first of what to measure that is a file of rows, as `--inputs=x.npy y.npy` makes it; "" if none is."""
    return next((argument for argument in arguments if Path(argument).suffix.lower() in suffixes), "")
