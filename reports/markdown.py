"""Markdown that GitHub renders, in which nothing from outside can be markup."""

import functools
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from reports.units import counted, seconds

_MARKUP = re.compile(r"[^\w .,;:='/()+×–…→†%-]|(?<!\w)_|_(?!\w)|:(?=//)|(?<=www)\.", re.IGNORECASE)
_VERBATIM = re.compile(r"[^`|]*[^`| ]")
TEMPLATES = Path(__file__).parent / "templates"


def escape(text: str) -> str:
    """Text from outside as itself: what could be markup becomes a character reference, which never is."""
    return _MARKUP.sub(lambda mark: f"&#{ord(mark[0])};", _one_line(text))


def code(text: str) -> str:
    """A name from outside, set as code. A pipe or a backtick would end a code span in a table."""
    text = _one_line(text)
    return f"`{text}`" if _VERBATIM.fullmatch(text) else f"<code>{escape(text)}</code>"


def codes(names: Iterable[str], most: int = 6) -> str:
    """Names set as code: the first `most`, and how many more there are."""
    names = list(names)
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(map(code, names[:most])) + more


def fence(text: str) -> str:
    """A command from outside as a block to copy."""
    text = _one_line(text)
    marks = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{marks}sh\n{text}\n{marks}"


def table(frame: pd.DataFrame, names: Collection[str] = ("implementation",)) -> str:
    """A table; the cells of the columns `names` and tuples are set as code, all others are text."""
    # Not DataFrame.to_markdown: its padding doubles the page and depends on whether wcwidth is installed.
    cells = [[_cell(value, column in names) for value in frame[column]] for column in frame.columns]
    lines = [[escape(str(column)) for column in frame.columns], ["---"] * len(frame.columns), *zip(*cells, strict=True)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def page(template: str, values: Mapping[str, object]) -> str:
    """Fill a template of this room."""
    return _templates().get_template(template).render(values)


@functools.cache
def _templates() -> Environment:
    # What comes from outside is escaped by the filters, as Markdown, which HTML's autoescape doesn't know.
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    for markup in (escape, code, codes, fence, table, counted, seconds):
        environment.filters[markup.__name__] = markup
    return environment


def _cell(value: object, is_name: bool) -> str:
    if isinstance(value, tuple):
        return codes(value)
    return code(str(value)) if is_name else escape(str(value))


def _one_line(text: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
