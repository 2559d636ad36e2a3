"""How much of the rounds of a case others disturbed: processors used, stolen or throttled, a shared GPU, two states."""

import math
from typing import NamedTuple

from suites.measure.host import HostTime

_OTHERS = 0.05  # of the time of all processors
_WAITED, _STOLEN, _THROTTLED, _SHARED = 0.03, 0.03, 0.03, 0.03  # of the time, or of the readings
_SURE_S = 0.05  # five steps of the kernel's counts
LONG_ENOUGH_S = 0.5
"""The shortest span whose counts, in steps of 10 ms, are sure to a few per cent of a processor."""


class Disturbance(NamedTuple):
    """How far beyond the limit the worst cause is, and all causes beyond theirs, in numbers."""

    severity: float
    evidence: str

    @property
    def found(self) -> bool:
        """Whether any cause is beyond its limit."""
        return self.severity > 1


NONE = Disturbance(0.0, "")


def disturbance(spent: HostTime, recent: HostTime, processors: int, *, gpu_shared: float = 0.0) -> Disturbance:
    """What disturbed the rounds that took `spent`.

    `recent` is the span of these rounds, and of rounds before them where they took less than half a second.
    `gpu_shared` is the share of the GPU's readings that show other processes.

    Threads of ours that wait for a processor may wait for each other. So a wait counts only as far as other processes
    used the processors.
    """
    if spent.wall_s <= 0:
        return NONE
    others_s = recent.others_s if recent.others_s > _SURE_S else 0.0
    waited_s = min(others_s, others_s if math.isnan(spent.waited_s) else spent.waited_s)
    stolen_s = recent.stolen_s if recent.stolen_s > _SURE_S else 0.0
    causes = (
        (others_s / (recent.wall_s * processors), _OTHERS, "others used {:.0%} of the processors' time"),
        (waited_s / spent.wall_s, _WAITED, "{:.2f} threads waited for processors that others used"),
        (stolen_s / recent.wall_s, _STOLEN, "the host withheld {:.2f} processors"),
        (spent.throttled_s / spent.wall_s, _THROTTLED, "a quota stopped this process for {:.0%} of the time"),
        (gpu_shared, _SHARED, "others worked on the GPU in {:.0%} of the readings"),
    )
    beyond = [words.format(share) for share, most, words in causes if share > most]
    return Disturbance(max(share / most for share, most, _ in causes), "; ".join(beyond))
