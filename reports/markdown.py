"""Markdown for GitHub, in which text from outside is never markup."""

import functools
import re
import textwrap
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from reports.units import counted, seconds

_MARKUP = re.compile(r"[!\"#$&*<>@\[\\\]^`{|}~]|(?<![^\W_])_|_(?![^\W_])|:(?=//)|(?<=www)\.", re.IGNORECASE)
_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")
_VERBATIM = re.compile(r"[^`|]*[^`| ]")
_ISSUE = re.compile(r"([A-Za-z0-9-]+/[A-Za-z0-9._-]+)#(\d+)")
TEMPLATES = Path(__file__).parent / "templates"
LONGEST_REASON = 300


class Markup(str):
    """Markdown made here from escaped parts; a table takes it as it is."""

    __slots__ = ()


def plain(text: str) -> str:
    """Text from outside on one line, with printable letters only."""
    return " ".join(_printable(text).split())


def escape(text: str) -> str:
    """Text from outside, shown literally: each letter that could be markup becomes a character reference."""
    return _references(plain(text))


def code(text: str) -> str:
    """A name from outside, set as code. A pipe or a backtick would end a code span in a table."""
    text = plain(text)
    return f"`{text}`" if _VERBATIM.fullmatch(text) else f"<code>{escape(text)}</code>"


def codes(names: Iterable[str], most: int = 6) -> str:
    """The first `most` names set as code, and the number of further ones."""
    names = list(names)
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(map(code, names[:most])) + more


def issues(text: str) -> Markup:
    """Text from outside in which `owner/repository#number` links to GitHub."""
    parts = _ISSUE.split(plain(text))
    linked = [
        f"[{escape(f'{repository}#{number}')}](https://github.com/{repository}/issues/{number}){escape(after)}"
        for repository, number, after in zip(parts[1::3], parts[2::3], parts[3::3], strict=True)
    ]
    return Markup("".join([escape(parts[0]), *linked]))


def prose(text: str) -> Markup:
    """A docstring from outside: `code` spans are set as code, and everything else is shown literally."""
    parts = _SPAN.split(plain(text))
    spans = [code(inside.strip()) + _references(after) for inside, after in zip(parts[2::3], parts[3::3], strict=True)]
    return Markup("".join([_references(parts[0]), *spans]))


def fence(text: str, language: str = "sh") -> str:
    """A command from outside, or the lines of a program, as a code block."""
    lines = [_printable(line).rstrip() for line in text.splitlines()] if language != "sh" else [plain(text)]
    marks = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", "".join(lines))), default=0))
    return "\n".join([f"{marks}{language}", *lines, marks])


def table(frame: pd.DataFrame, names: Collection[str] = ("implementation",)) -> str:
    """A table. Tuples and the columns `names` are set as code; other cells are text, except `Markup`."""
    # Not DataFrame.to_markdown: its padding doubles the page and depends on whether wcwidth is installed.
    cells = [[_cell(value, column in names) for value in values] for column, values in frame.items()]
    lines = [
        [_cell(column, False) for column in frame.columns],
        ["---"] * len(frame.columns),
        *zip(*cells, strict=True),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def filled(template: str, values: Mapping[str, object]) -> str:
    """Fill a template of `reports/templates`."""
    return templates(TEMPLATES).get_template(template).render(values)


@functools.cache
def templates(folder: Path) -> Environment:
    """The templates of a folder, with filters that escape Markdown, since Jinja's autoescape is for HTML."""
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    for markup in (escape, code, codes, issues, prose, fence, table, counted, seconds):
        environment.filters[markup.__name__] = markup
    return environment


def shortened(reason: str) -> str:
    """A reason that fits into a table."""
    return textwrap.shorten(reason, LONGEST_REASON, placeholder=" …")


def _references(text: str) -> str:
    return _MARKUP.sub(lambda mark: f"&#{ord(mark[0])};", text)


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _cell(value: object, is_name: bool) -> str:
    if isinstance(value, Markup):
        return value
    if isinstance(value, tuple):
        return codes(value)
    return code(str(value)) if is_name else escape(str(value))
