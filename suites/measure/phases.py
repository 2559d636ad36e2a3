"""The time of a run, by phase."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter


class Phases:
    """Seconds by phase: `with phases("oracle"): ...`. Tests pass their own clock."""

    def __init__(self, now: Callable[[], float] = perf_counter) -> None:
        self.now, self._started = now, now()
        self.seconds: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def __call__(self, phase: str) -> Iterator[None]:
        start = self.now()
        try:
            yield
        finally:
            self.seconds[phase] += self.now() - start

    @property
    def wall_s(self) -> float:
        """Seconds since this object was made."""
        return self.now() - self._started
