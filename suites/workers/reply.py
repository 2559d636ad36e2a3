"""The messages of a worker, as its parent reads them, and what they add up to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, NamedTuple

from suites.measure.phases import SignOfLife
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


class Exchange:
    """What one job brought so far, and the last sign of life.

    Args:
        alive: called with each sign of life.
        now: a clock, in seconds.
    """

    def __init__(self, alive: SignOfLife, now: Callable[[], float] = monotonic) -> None:
        self.reply = Reply()
        self._alive, self._now = alive, now
        self._last: Sign | None = None
        self._heard_s = now()

    @property
    def silent_s(self) -> float:
        """The seconds since the last message; 0 while no contestant is called, who could be at fault."""
        return 0.0 if self._last and not self._last.name else self._now() - self._heard_s

    def take(self, message: Sign | Part) -> Ending | None:
        """Take a message in. How the worker ended, if that is what it says."""
        self._heard_s = self._now()
        if isinstance(message, Part):
            return self.reply.take(message)
        self._last = message
        self._alive(*message)
        return None

    def correct(self, name: str) -> None:
        """Note that another contestant than in the last sign is called: not every sign is sent."""
        if self._last and self._last.name and name not in ("", self._last.name):
            self._last = self._last._replace(name=name)
            self._alive(*self._last)


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
