"""The time of a run, by phase."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter


class Phases:
    """Seconds by phase: `with phases("oracle"): ...`.

    Args:
        now: seconds; tests pass their own clock.
        began: called with each phase that begins.
    """

    def __init__(
        self, now: Callable[[], float] = perf_counter, began: Callable[[str], None] = lambda phase: None
    ) -> None:
        self.now, self._started = now, now()
        self.began = began
        self.seconds: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def __call__(self, phase: str) -> Iterator[None]:
        self.began(phase)
        start = self.now()
        try:
            yield
        finally:
            self.seconds[phase] += self.now() - start

    @property
    def wall_s(self) -> float:
        """Seconds since this object was made."""
        return self.now() - self._started
