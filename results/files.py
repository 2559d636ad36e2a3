"""A run's file: its name, its place, and reading it line by line."""

import dataclasses
import os
import re
import shlex
import warnings
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime
from itertools import filterfalse
from pathlib import Path
from typing import TypeVar

from nearest import did_you_mean, no_file
from results.no_run import instead_of_a_run
from suites.records.jsonl import from_line
from suites.records.record import End, Run

ROOT = Path(__file__).parent / "runs"
LATEST = "latest"
NIGHT, AGAIN = "nightly-", "-again"
"""Names of the nightly run, and of its repetition of a few cases, which never counts as the latest run."""
LONGEST_NAME = 120
LONGEST_END = 1 << 16  # bytes; an End has a few hundred
T = TypeVar("T")


class UnknownRun(ValueError):
    """A run that does not exist."""


class NotARun(ValueError):
    """A file or folder of another kind."""


def check_name(name: str) -> None:
    """Keep a name from becoming a path.

    Raises:
        ValueError: the name is reserved, or not a plain file name of at most 120 letters, digits and `._+-`.
    """
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]*", name) and ".." not in name and len(name) <= LONGEST_NAME:
        if name != LATEST:
            return
        raise ValueError(f"a run cannot be called {name!r}, which means the newest run: try {name + '-1'!r}")
    plain = re.sub(r"([^A-Za-z0-9._+-]|\.\.)+", "-", name).lstrip("._+-")[:LONGEST_NAME]
    raise ValueError(
        f"a run cannot be called {name!r}: a name has at most {LONGEST_NAME} letters, digits, '.', '_', '+' and '-', "
        f"starts with a letter or a digit and has no '..'; try {plain or 'run-1'!r}"
    )


def free_name(name: str, root: Path = ROOT) -> str:
    """`name`, or the first free one of name-2, name-3, ...: no run is ever overwritten.

    Raises:
        ValueError: `name` is not a valid name.
    """
    check_name(name)
    free, number = name, 1
    while (root / f"{free}.jsonl").exists():
        number += 1
        suffix = f"-{number}"
        free = name[: LONGEST_NAME - len(suffix)] + suffix
    return free


def names(root: Path = ROOT) -> list[str]:
    """The names of the files in `root`, sorted."""
    return sorted(path.stem for path in root.glob("*.jsonl") if path.is_file())


def heads(root: Path = ROOT) -> dict[str, Run]:
    """The head of each run by the name of its file, newest first. A file without a head gives a warning.

    Runs are in the order of their `sequence`. Older runs have none; they are in the order of their start.
    """
    found = {}
    for name in names(root):
        try:
            found[name] = head(root / f"{name}.jsonl")
        except (ValueError, OSError) as error:
            warnings.warn(f"skipped: {error}", stacklevel=2)
    return dict(sorted(found.items(), key=lambda item: (item[1].sequence, _instant(item[1])), reverse=True))


def next_sequence(root: Path = ROOT) -> int:
    """The `sequence` of a new run: one more than the largest."""
    with warnings.catch_warnings(action="ignore"):
        return 1 + max((run.sequence for run in heads(root).values()), default=0)


def find(run: str, root: Path = ROOT) -> Path:
    """The file of a run, by its name, by "latest", or by a path that ends in `.jsonl`.

    Raises:
        UnknownRun: there is no such run.
        NotARun: it is the path of something else.
    """
    known = names(root)
    if run == LATEST and (newest := next(filterfalse(_is_second_look, heads(root)), None)):
        return root / f"{newest}.jsonl"
    if run in known:
        return root / f"{run}.jsonl"
    if run.endswith(".jsonl") and os.path.isfile(run):
        return Path(run)
    if run and (wrong := instead_of_a_run(Path(run))):
        raise NotARun(wrong)
    elsewhere = "a file elsewhere is named by its path, such as folder/NAME.jsonl"
    if run.endswith(".jsonl") and os.path.isdir(Path(run).parent) and Path(run).parent != Path():
        raise UnknownRun(no_file(Path(run), (".jsonl",), "run"))
    if not known:
        raise UnknownRun(f"there is no run {run!r} in {root}. It is empty; {elsewhere}")
    near = did_you_mean(Path(run).stem, (LATEST, *known), every="python -m results")
    raise UnknownRun(f"there is no run {run!r} in {root}{near}; {elsewhere}")


def head(path: Path) -> Run:
    """The first line of a run's file. A renamed copy has the name of its file, in its command too.

    Raises:
        ValueError: it is not the head of a run.
    """
    with path.open(encoding="utf-8", errors="replace") as file:
        line = file.readline()
    try:
        run = from_line(line)
    except ValueError as error:
        raise ValueError(f"{path} cannot be read as a run: {error}") from error
    if not isinstance(run, Run) or not line.endswith("\n"):
        raise ValueError(f"{path} cannot be read as a run: it does not start with the head of one")
    return run if run.name == path.stem else _renamed(run, path.stem)


def _renamed(run: Run, name: str) -> Run:
    saving = f"--benchmark-save={shlex.quote(name)}"
    command, given = re.subn(r"--benchmark-save(=\S+| [^-\s]\S*)?(?!\S)", lambda _: saving, run.command)
    return dataclasses.replace(run, name=name, command=command if given else f"{command} {saving}")


def _instant(run: Run) -> datetime:
    started = datetime.fromisoformat(run.started)
    return started if started.tzinfo else started.replace(tzinfo=UTC)


def _is_second_look(name: str) -> bool:
    return name.startswith(NIGHT) and name.endswith(AGAIN)


def body(path: Path, parse: Callable[[str], T], kinds: Collection[str] = ("",)) -> Iterator[T]:
    """Each line after the head, parsed. A line that `parse` refuses gives a warning and is left out.

    Lines without any of the texts `kinds` are skipped unparsed: most lines are records, and long.
    """
    with path.open(encoding="utf-8", errors="replace") as file:
        next(file, None)
        for number, line in enumerate(file, start=2):
            if not any(kind in line for kind in kinds):
                continue
            try:
                parsed = parse(line)
            except ValueError as error:
                warnings.warn(f"{path}, line {number} skipped: {error}", stacklevel=2)
            else:
                yield parsed


def end(path: Path) -> End | None:
    """The last line of a run's file; None if the run is incomplete."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - LONGEST_END))
        *_, last = [b"", *file.read().splitlines()]
    try:
        line = from_line(last.decode())
    except ValueError:
        return None
    return line if isinstance(line, End) else None
