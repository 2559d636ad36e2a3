"""Lists and numbers as a sentence has them. Torch-free."""

from collections import defaultdict
from collections.abc import Iterable, Mapping


def listed(words: Iterable[str]) -> str:
    """Words in a sentence: "a, b and c"."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun: "1 case", "2,000 cases"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def by_reason(left_out: Mapping[str, str]) -> list[str]:
    """What is left out, a line for each reason: "top k and angle: none of the implementations solves it"."""
    names = defaultdict(list)
    for name, reason in left_out.items():
        names[reason].append(name.replace("_", " "))
    return [f"{listed(some)}: {reason}" for reason, some in names.items()]
