"""What a worker says to its parent: lines of JSON. The parent never unpickles what a contestant's process wrote."""

import json
import os
from multiprocessing import connection
from multiprocessing.connection import Connection
from os import _exit, getpid, write
from time import perf_counter
from typing import Any, Protocol

from suites.workers.death import CLOSED

_PAUSE_S = 0.2  # between two signs of life while samples are taken
_SAMPLING = "samples"
_OURS = {"inputs", "oracle"}  # phases that call no contestant
_LONGEST = 1 << 28  # bytes of a message


class Number(Protocol):
    """An integer in memory that two processes share."""

    value: int


class Channel:
    """The worker's end of the channel.

    A process that a contestant forked holds a copy of it, and ends where it would write.

    Args:
        pipe: the descriptor to write to.
        at: holds the place of the contestant that was named last among `names`, -1 for none, for the case of a crash.
    """

    def __init__(self, pipe: int, at: Number) -> None:
        self._pipe, self._at, self._pid = pipe, at, getpid()
        self._places: dict[str, int] = {}
        self._said, self._next_s = ("", ""), 0.0

    def begin(self, names: tuple[str, ...]) -> None:
        """A job begins that calls these contestants."""
        self._places = {name: place for place, name in enumerate(names)}
        self._at.value, self._said = -1, ("", "")

    def alive(self, phase: str, name: str, share: float) -> None:
        """A `SignOfLife`; while samples are taken only some are sent, so that the parent sleeps."""
        if getpid() != self._pid:
            _exit(0)
        if name in self._places or phase in _OURS:
            self._at.value = self._places.get(name, -1)
        now, before = perf_counter(), self._said
        if phase != _SAMPLING or before[0] != phase or not before[1] or now >= self._next_s:
            self._said, self._next_s = (phase, name), now + _PAUSE_S
            self.say("alive", phase, name, share)

    def say(self, kind: str, *values: Any) -> None:
        """Send a message."""
        if getpid() != self._pid:
            _exit(0)
        rest = json.dumps([kind, *values]).encode() + b"\n"
        try:
            while rest:
                rest = rest[write(self._pipe, rest) :]
        except OSError:  # closed, by a contestant or because the parent has ended
            _exit(CLOSED)


class Receiver:
    """The parent's end of the channel, which never blocks: half a message may be all that a killed worker wrote.

    Args:
        pipe: where messages come from.
    """

    def __init__(self, pipe: Connection) -> None:
        self._pipe, self._rest = pipe, b""
        self.closed = False

    def receive(self, wait_s: float) -> list[list[Any]]:
        """The messages that have arrived, at most `wait_s` seconds from now.

        Raises:
            ValueError: what arrived is no message.
        """
        if self.closed or not connection.wait([self._pipe], wait_s):
            return []
        got = os.read(self._pipe.fileno(), 1 << 20)
        self.closed = not got
        *lines, self._rest = (self._rest + got).split(b"\n")
        if len(self._rest) > _LONGEST:
            raise ValueError("a message without an end")
        messages = [json.loads(line) for line in lines]
        if not all(isinstance(message, list) and message for message in messages):
            raise ValueError("not a message")
        return messages
