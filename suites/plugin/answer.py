"""The answer of a run as lines of text: the noise floor, a table, and its limits."""

import io
from collections.abc import Iterable

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

_UNBOUNDED = 1000  # columns of a file: no cell is wrapped


def answer_lines(
    noise_floor: str,
    cells: pd.DataFrame,
    notes: Iterable[str],
    *,
    width: int | None = None,
    colour: bool = False,
    encoding: str = "utf-8",
) -> list[str]:
    """Return the lines to print.

    Args:
        noise_floor: a sentence above the table.
        cells: the table, in plain text.
        notes: sentences below the table.
        width: columns of the terminal, which wraps cells; None for a file.
        colour: whether the terminal understands ANSI codes.
        encoding: the encoding of the output; letters outside it become "?".
    """
    written = io.BytesIO()
    file = io.TextIOWrapper(written, encoding=encoding, errors="replace", newline="\n")
    console = Console(file=file, width=width or _UNBOUNDED, force_terminal=colour, highlight=False)
    console.print(Text(noise_floor, style="bold"))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in cells:
        table.add_column(Text(str(column)), overflow="fold")  # a narrow terminal loses no letter
    for row in cells.itertuples(index=False):
        table.add_row(*map(Text, row))
    console.print(table)
    for note in notes:
        console.print(Text(f"* {note}"))
    file.flush()
    return [line.rstrip() for line in written.getvalue().decode(encoding).splitlines()]
