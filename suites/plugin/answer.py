"""The answer of a run as lines of text: a line for each case, the noise floor, and what limits the answer."""

import textwrap
from collections.abc import Iterable

import pandas as pd

_INDENT = "    "
_UNBOUNDED = 1000  # columns of a file: no cell is wrapped


def answer_lines(
    noise_floor: str, cells: pd.DataFrame, notes: Iterable[str], *, width: int | None = None, encoding: str = "utf-8"
) -> list[str]:
    """Return the lines to print: a line for each row of `cells`, the noise floor, and the notes.

    Args:
        noise_floor: a sentence.
        cells: plain text, `[rows, columns]`. Columns are aligned if all but the last one fit, else two spaces apart;
            what does not fit goes on below, indented, cell by cell.
        notes: a sentence each.
        width: columns of the terminal; None for a file, whose lines are not folded.
        encoding: the encoding of the output; letters outside it become "?".
    """
    width = width or _UNBOUNDED
    lines = [*_rows(cells, width), *([""] if len(cells) else [])]
    for sentence, first, later in ((noise_floor, "", ""), *((note, "* ", "  ") for note in notes)):
        lines += textwrap.wrap(sentence, width, initial_indent=first, subsequent_indent=later)
    return [line.encode(encoding, errors="replace").decode(encoding) for line in lines]


def _rows(cells: pd.DataFrame, width: int) -> list[str]:
    widths = [int(cells[column].str.len().max()) for column in cells] if len(cells) else []
    if sum(widths[:-1]) + 2 * len(widths) > width:
        widths = [0] * len(widths)
    rows = (map(str.ljust, row, widths) for row in cells.itertuples(index=False))
    return [line for row in rows for line in _folded(row, width)]


def _folded(cells: Iterable[str], width: int) -> list[str]:
    lines = [""]
    for cell in filter(str.strip, cells):
        longer = f"{lines[-1]}  {cell}" if lines[-1] else cell
        if len(longer.rstrip()) <= width:
            lines[-1] = longer
        else:
            lines += textwrap.wrap(cell.strip(), width, initial_indent=_INDENT, subsequent_indent=_INDENT)
    return [line.rstrip() for line in lines if line]
