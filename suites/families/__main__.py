"""Print the families of hard inputs, as a Markdown table: what is made, and what is right."""

from collections.abc import Iterator, Sequence

import pipe
from command import Command, run
from suites.families import FAMILIES, Family

COLUMNS = ("family", "what is made", "what is right, and why", "met in")


def main(argv: Sequence[str] | None = None) -> None:
    """Print all families, in the order of reports."""
    Command("python -m suites.families", __doc__, {"": "all families"}).parse_args(argv)
    with pipe.may_close():
        print("\n".join(table()))


def table() -> Iterator[str]:
    """The lines of a table with the columns `COLUMNS`. Issues link to GitHub."""
    yield _line(*COLUMNS)
    yield _line(*["---"] * len(COLUMNS))
    for family in FAMILIES.values():
        yield _line(f"`{family.name}`", family.made, family.expected, _link(family))


def _link(family: Family) -> str:
    repository, _, number = family.issue.partition("#")
    return f"[{family.issue}](https://github.com/{repository}/issues/{number})" if number else ""


def _line(*cells: str) -> str:
    escaped = (cell.replace("|", r"\|") for cell in cells)  # a bar in |x·y| would end the cell
    return f"| {' | '.join(escaped)} |"


if __name__ == "__main__":
    run(main)
