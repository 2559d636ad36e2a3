"""Cold inputs: calls cycle through so many copies that each has left the last-level cache before its next turn.

Only the inputs are cold. Results and temporaries are as warm as the allocator leaves them. On CUDA there are no copies:
the clock overwrites the cache before each call.
"""

import itertools
import math
from collections.abc import Sequence
from pathlib import Path

from suites.measure.clock import Call
from suites.records.case import Case

_TIMES = 3  # the cache's size: no cache replaces exactly the oldest line
_UNKNOWN = 1 << 26  # bytes: more than most machines have
_SYSFS = Path("/sys/devices/system/cpu/cpu0/cache")
_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def copies(case: Case) -> int:
    """How many copies of its inputs a case cycles through: one, or more if its cache regime is cold."""
    if case.cache == "warm" or case.device == "cuda":
        return 1
    return 1 + math.ceil(_TIMES * last_level_bytes() / case.input_bytes)


def taking_turns(calls: Sequence[Call]) -> Call:
    """A call that cycles through these calls. It adds about 50 ns, for all contestants alike."""
    turns = itertools.cycle(calls)

    def call() -> object:
        return next(turns)()

    return call


def last_level_bytes(sysfs: Path = _SYSFS) -> int:
    """The size of the last-level cache of this machine."""
    sizes = [size.read_text().strip() for size in sysfs.glob("index*/size")]
    return max((int(size[:-1]) * _UNITS[size[-1]] for size in sizes if size[-1:] in _UNITS), default=_UNKNOWN)
