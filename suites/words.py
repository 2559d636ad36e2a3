"""Lists and numbers as a sentence has them. Torch-free."""

from collections.abc import Iterable


def listed(words: Iterable[str]) -> str:
    """Words in a sentence: "a, b and c"."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun: "1 case", "2,000 cases"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
