"""Whether a value read from a file has the type that its field declares. Torch-free."""

import functools
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

_WORDS = {str: "a text", bool: "true or false", int: "a whole number of 64 bits", float: "a finite number"}
_LARGEST = {int: 2**63 - 1, float: sys.float_info.max}
_SHOWN = 60
Check = Callable[[Any], bool]


def made(cls: type, row: Mapping[str, Any]) -> Any:
    """An instance of a dataclass, from those values of the row that it has a field for.

    Raises:
        TypeError: a value is missing, or has another type than its field.
    """
    if not isinstance(row, Mapping):
        raise TypeError(f"{cls.__name__.lower()} is {_shown(row)}, not an object")
    found = {name: row[name] for name in _checks(cls) if name in row}
    for name, value in found.items():
        accepts, words = _checks(cls)[name]
        if not accepts(value):
            raise TypeError(f"{name} is {_shown(value)}, not {words}")
    return cls(**found)


@functools.cache  # a report may load 100,000 records
def _checks(cls: type) -> dict[str, tuple[Check, str]]:
    """The fields of a dataclass, each with its check and what it accepts, in words."""
    hints = get_type_hints(cls)
    return {field.name: (_check(hints[field.name]), _words(hints[field.name])) for field in fields(cls)}


def _check(hint: Any) -> Check:
    kind, parts = get_origin(hint) or hint, get_args(hint)
    if kind in _LARGEST:
        types, largest = ((int, float) if kind is float else (int,)), _LARGEST[kind]
        return lambda value: type(value) in types and -largest <= value <= largest
    if kind is UnionType:
        options = [_check(part) for part in parts]
        return lambda value: any(accepts(value) for accepts in options)
    if kind is tuple:
        part = _check(parts[0])
        return lambda value: isinstance(value, tuple | list) and all(map(part, value))
    if kind is Mapping:
        key, part = map(_check, parts)
        return lambda value: isinstance(value, dict) and all(map(key, value)) and all(map(part, value.values()))
    return lambda value: isinstance(value, kind)


def _words(hint: Any) -> str:
    kind, parts = get_origin(hint) or hint, get_args(hint)
    if kind is UnionType:
        return " or ".join(_words(part) for part in parts)
    if kind is tuple:
        return f"a list, each {_words(parts[0])}"
    if kind is Mapping:
        return f"an object, each value {_words(parts[1])}"
    return "null" if kind is NoneType else _WORDS.get(kind, f"a {kind.__name__.lower()}")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
