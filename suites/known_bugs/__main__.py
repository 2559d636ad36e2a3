"""Which known bugs does this build still have?"""

import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

import pipe
from command import REFUSED, Command, run, status_of
from suites.known_bugs import BUGS, Bug, KnownBug, look

HAPPENS = {True: ("yes", "red"), False: ("no", "green"), None: ("not tested", "dim")}
WIDE = 1000  # columns without a terminal, so that each row is one line


def main(argv: Sequence[str] | None = None) -> None:
    """Run the probes and print what they saw. The exit status is 0 whatever they saw, and 2 for bad input."""
    parser = _parser()
    options = parser.parse_args(argv)
    bugs = [bug for bug in BUGS if options.word.casefold() in _words(bug)]
    if not bugs:
        none = f"-k {options.word!r} matches none of {len(BUGS)} bugs; try 'norm' or 'scipy'"
        parser.exit(REFUSED, f"{parser.prog}: {none}\n")
    found = [look(bug) for bug in bugs]
    text = json.dumps([dataclasses.asdict(one) for one in found], indent=1)
    if options.json == "-":
        with pipe.may_close():
            print(text)
        return
    _print(found)
    if options.json:
        try:
            Path(options.json).write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            parser.exit(status_of(error), f"{parser.prog}: {error}; name another file, or - for standard output\n")


def _parser() -> Command:
    parser = Command(
        "python -m suites.known_bugs",
        __doc__,
        {
            "": "a table of all",
            "-k norm": "those with this word in their issue, function, name or text",
            "--json -": "all, as JSON",
        },
    )
    parser.add_argument("--json", metavar="FILE", help="write the results to FILE; - prints only JSON")
    parser.add_argument(
        "-k", dest="word", metavar="WORD", default="", help="only bugs with WORD in their issue, function, name or text"
    )
    return parser


def _words(bug: Bug) -> str:
    return f"{bug.issue} {bug.of} {bug.name} {bug.what}".casefold()


def _print(found: Sequence[KnownBug]) -> None:
    issue = Column("issue", no_wrap=True)  # half an issue number is useless
    table = Table(issue, "package", "what", "still happens", "seen", "right", box=box.SIMPLE_HEAD)
    for one in found:
        repository, _, number = one.issue.partition("#")
        link = Text(one.issue, style=f"link https://github.com/{repository}/issues/{number}" if number else "")
        table.add_row(link, one.package, one.what, Text(*HAPPENS[one.happens]), Text(one.seen), one.right)
    console = Console(width=None if sys.stdout.isatty() else WIDE, markup=False, highlight=False)
    with console.capture() as shown:  # of a closed pipe Rich makes the exit status 1
        console.print(table)
        console.print(_count(found), soft_wrap=True)
    with pipe.may_close():
        print(shown.get(), end="")


def _count(found: Sequence[KnownBug]) -> str:
    seen = [one for one in found if one.happens is not None]
    packages = ", ".join(dict.fromkeys(one.package for one in seen)) or "what is installed"
    line = f"{sum(one.happens is True for one in seen)} of {len(seen)} still happen with {packages}"
    return line if len(seen) == len(found) else f"{line}; {len(found) - len(seen)} could not be tested"


if __name__ == "__main__":
    run(main)
