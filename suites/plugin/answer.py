"""The answer of a run as lines of text: a line for each case, the noise floor, a table, and its limits."""

import io
import textwrap
from collections.abc import Callable, Iterable

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

_INDENT = "    "
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

    def show(console: Console) -> None:
        console.print(Text(noise_floor, style="bold"))
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for column in cells:
            table.add_column(Text(str(column)), overflow="fold")  # a narrow terminal loses no letter
        for row in cells.itertuples(index=False):
            table.add_row(*map(Text, row))
        console.print(table)
        for note in notes:
            console.print(Text(f"* {note}"))

    return _printed(show, width, colour, encoding)


def rows_as_lines(cells: pd.DataFrame, *, width: int | None = None, encoding: str = "utf-8") -> list[str]:
    """A line for each row, without a head: in aligned columns if all but the last one fit, else two spaces apart.

    What does not fit goes on below, indented, cell by cell.
    """
    width, widths = width or _UNBOUNDED, [int(cells[column].str.len().max()) for column in cells]
    if sum(widths[:-1]) + 2 * len(widths) > width:
        widths = [0] * len(widths)
    rows = (map(str.ljust, row, widths) for row in cells.itertuples(index=False))
    lines = [line for row in rows for line in _folded(row, width)]
    return [line.encode(encoding, errors="replace").decode(encoding) for line in lines]


def _folded(cells: Iterable[str], width: int) -> list[str]:
    lines = [""]
    for cell in filter(str.strip, cells):
        longer = f"{lines[-1]}  {cell}" if lines[-1] else cell
        if len(longer.rstrip()) <= width:
            lines[-1] = longer
        else:
            lines += textwrap.wrap(cell.strip(), width, initial_indent=_INDENT, subsequent_indent=_INDENT)
    return [line.rstrip() for line in lines if line]


def _printed(show: Callable[[Console], None], width: int | None, colour: bool, encoding: str) -> list[str]:
    written = io.BytesIO()
    file = io.TextIOWrapper(written, encoding=encoding, errors="replace", newline="\n")
    show(Console(file=file, width=width or _UNBOUNDED, force_terminal=colour, highlight=False))
    file.flush()
    return [line.rstrip() for line in written.getvalue().decode(encoding).splitlines()]
