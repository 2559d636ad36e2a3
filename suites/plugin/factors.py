"""How measured seconds of a run correct the expected ones: a factor for each kind of work. Torch-free."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from statistics import median

from suites.plugin.costs import Stage, StageKind

_PRIOR, _PRIOR_S = 0.02, 0.5  # the kind above weighs as much as this share of a kind, at most as these seconds of it
_DOUBT = 3  # the kind above counts as much as so many kinds just below


class Factors:
    """Measured over expected seconds by kind; what is not measured yet is taken from the kind above.

    Args:
        planned: all stages of the run.
    """

    def __init__(self, planned: Iterable[Stage]) -> None:
        self._whole_s, self._expected_s, self._measured_s = (defaultdict[StageKind, float](float) for _ in range(3))
        self._below = defaultdict[StageKind, set[StageKind]](set)
        self._known: dict[StageKind, float] = {}  # since the last stage ended
        for stage in planned:
            for level in levels(stage.kind):
                self._whole_s[level] += stage.seconds
                self._below[level[:-1]].add(level)

    def learn(self, stage: Stage, measured_s: float) -> None:
        """A stage took these seconds."""
        for level in levels(stage.kind):
            self._expected_s[level] += stage.seconds
            self._measured_s[level] += measured_s
        self._known.clear()

    def __call__(self, kind: StageKind) -> float:
        """The factor of a kind."""
        if kind not in self._known:
            factor = 1.0
            for level in levels(kind[:-1]):
                factor = self.typical(level, factor)
            self._known[kind] = self._ratio(kind, factor)
        return self._known[kind]

    def typical(self, level: StageKind, factor: float = 1.0) -> float:
        """The median over the measured kinds just below, and `factor`: one that is far off says little about others."""
        below = [kind for kind in self._below[level] if self._expected_s[kind]]
        return median([factor] * _DOUBT + [self._measured_s[kind] / self._expected_s[kind] for kind in below])

    def _ratio(self, level: StageKind, factor: float) -> float:
        prior_s = min(_PRIOR_S, _PRIOR * self._whole_s[level])
        expected_s = self._expected_s[level] + prior_s
        return (self._measured_s[level] + prior_s * factor) / expected_s if expected_s else factor


def levels(kind: StageKind) -> Iterator[StageKind]:
    """The kinds that a kind is part of, from the most general to itself."""
    return (kind[:end] for end in range(1, len(kind) + 1))
