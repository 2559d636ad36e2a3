"""The time of a run, by phase, and signs of life for those who wait for it."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter

SignOfLife = Callable[[str, str, float], None]
"""Called with a phase, the contestant it is at ("" for none), and the share of the phase that is done, from 0 to 1."""


class Phases:
    """Seconds by phase: `with phases("oracle"): ...`.

    Args:
        now: a clock, in seconds.
        alive: called at the begin of each phase and by `Phases.alive`, never within a timed call.
    """

    def __init__(self, now: Callable[[], float] = perf_counter, alive: SignOfLife | None = None) -> None:
        self.now, self._started = now, now()
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._alive, self._phase = alive, ""

    @contextmanager
    def __call__(self, phase: str, name: str = "") -> Iterator[None]:
        outer, self._phase = self._phase, phase
        self.alive(name)
        start = self.now()
        try:
            yield
        finally:
            self.seconds[phase] += self.now() - start
            self._phase = outer

    def alive(self, name: str, share: float = 0.0) -> None:
        """Say which contestant is next, and the share of the phase that is done."""
        if self._alive:
            self._alive(self._phase, name, share)

    @property
    def wall_s(self) -> float:
        """Seconds since this object was made."""
        return self.now() - self._started
