"""The messages of a worker, as its parent reads them, and what they add up to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from suites.records.finding import Finding
from suites.records.jsonl import from_line
from suites.records.record import Line, Status

Ending = tuple[Status, str]
"""How a worker ended: the status for it, and the reason."""


class Sign(NamedTuple):
    """A sign of life: a phase, the contestant it is at, and the share of the phase that is done."""

    phase: str
    name: str
    share: float


class Part(NamedTuple):
    """A part of the answer, which `kind` says how to read."""

    kind: str
    value: Any


@dataclass
class Reply:
    """What a job brought: lines of the run, seconds by phase, and remarks for people."""

    lines: list[Line | Finding] = field(default_factory=list)
    seconds: Mapping[str, float] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    complete: bool = False

    def take(self, part: Part) -> Ending | None:
        """Add a part. How the worker ended, if that is what the part says."""
        if part.kind == "line":
            self.lines.append(part.value)
        elif part.kind == "remark":
            self.remarks.append(part.value)
        elif part.kind == "end":
            self.seconds, self.complete = part.value, True
        return (Status.CRASHED, part.value) if part.kind == "died" else None


def read(message: list[Any]) -> Sign | Part:
    """A message of `Channel.say`.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: it is none, since a contestant may write into the channel.
    """
    kind, *values = message
    if kind == "alive":
        phase, name, share = values
        return Sign(str(phase), str(name), float(share))
    (value,) = values
    if kind == "line":
        return Part(kind, from_line(value))
    if kind == "end":
        return Part(kind, {str(phase): float(seconds) for phase, seconds in value.items()})
    if kind in ("remark", "died"):
        return Part(kind, str(value))
    raise ValueError(f"an unknown message {kind!r}")
