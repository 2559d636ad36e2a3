"""Who takes part in which rounds: calls in a sample, rounds sat out, and fewer rounds where calls are slow."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median

import numpy as np

from suites.failure import Failure
from suites.measure.warm_up import Pace
from suites.statistics import FEW, blocked, medians, paired_ratios

FEWEST_PAIRS = FEW
_SAMPLE_S = 5e-4  # thousands of clock ticks, and shorter than a time slice of the scheduler
_PATIENCE, _MOST_STRIDE = 8, 16  # samples this many times longer than the median are taken in fewer rounds
_PLANNED, _MOST = 1.25, 1.5  # times the budget
_FREE_S = 0.1  # seconds a contestant that even the smallest budget may take
_LESS = 0.9


@dataclass
class Samples:
    """Seconds a call: each sample times `calls` calls, and each `stride`-th pair of rounds holds two samples.

    `early_s`: seconds a call in the fastest batch of the calls 64 to 511; NaN if warm-up took fewer. `page_faults` and
    `switches` count minor faults and involuntary context switches during all samples, `compiled` the frames that
    torch.compile compiled meanwhile. `fewest` pairs are taken even if that exceeds the budget; if it is below 8, the
    contestant is too slow for more, and takes no others.
    """

    calls: int
    stride: int
    early_s: float = math.nan
    fewest: int = FEWEST_PAIRS
    samples_s: list[float] = field(default_factory=list)
    page_faults: int = 0
    switches: int = 0
    compiled: int = 0

    @property
    def slow(self) -> bool:
        """Whether the budget has no room for the usual number of pairs."""
        return self.fewest < FEWEST_PAIRS

    def takes_part(self, pair: int) -> bool:
        """Whether a pair of rounds, counted from 0, holds samples of this contestant."""
        turn, rest = divmod(pair, self.stride)
        return not rest and (turn < self.fewest or not self.slow)


def too_slow_to_warm_up(call_s: float, seconds: float) -> bool:
    """Whether one call takes a contestant's whole share of the budget: its pace is known from its first calls."""
    return call_s >= max(seconds, _FREE_S)


def most_s(seconds: float) -> float:
    """The seconds that each contestant's rounds may take, for a budget of `seconds` each."""
    return _MOST * max(seconds, _FREE_S)


def plans(paces: Mapping[str, Pace], seconds: float) -> dict[str, Samples]:
    """How many calls go into a sample, and in which pairs of rounds a contestant takes part.

    Both are powers of two, so contestants of similar speed are sampled alike. `seconds` is the budget of each. If
    8 pairs of all would take more than 1.25 times the budget of all, the slowest take part in fewer, at least in one.
    Those for whom 1.25 times their own budget is enough keep 8.
    """
    calls = {name: _power_of_two(_SAMPLE_S / pace.call_s) for name, pace in paces.items()}
    took_s = {name: calls[name] * pace.call_s for name, pace in paces.items()}
    patience_s = _PATIENCE * median(took_s.values()) if took_s else math.inf
    planned = {
        name: Samples(calls[name], min(_MOST_STRIDE, _power_of_two(took_s[name] / patience_s)), pace.early_s)
        for name, pace in paces.items()
    }
    own_s = max(_PLANNED * seconds, _FREE_S)
    share_s = 2 * FEWEST_PAIRS * max(took_s.values(), default=0.0)
    while share_s > own_s and _cost_s(planned, took_s) > own_s * len(planned):
        share_s = max(own_s, _LESS * share_s)
        for name, entry in planned.items():
            entry.fewest = min(FEWEST_PAIRS, max(1, int(share_s / (2 * took_s[name]))))
    return planned


def fewest_rounds(entries: Iterable[Samples]) -> int:
    """The pairs of rounds in which each of them has its fewest."""
    return max((entry.stride * entry.fewest for entry in entries), default=FEWEST_PAIRS)


def _cost_s(planned: Mapping[str, Samples], took_s: Mapping[str, float]) -> float:
    """Seconds for the fewest pairs of each."""
    pairs = fewest_rounds(planned.values())
    return sum(
        2 * took_s[name] * (entry.fewest if entry.slow else math.ceil(pairs / entry.stride))
        for name, entry in planned.items()
    )


def _power_of_two(value: float) -> int:
    return int(2 ** round(math.log2(max(value, 1.0))))


def precise(samples: Mapping[str, Samples | Failure], baseline: str | None, precision: float) -> bool:
    """Whether the ratio of every contestant to the baseline is known to ± `precision`; those too slow don't count."""
    measured = {name: entry for name, entry in samples.items() if isinstance(entry, Samples)}
    if not measured:
        return True
    counted = {name: entry for name, entry in measured.items() if not entry.slow}
    base = counted.get(baseline or "") or next(iter(counted.values()), None)
    if base is None:
        return False
    others = [entry for entry in counted.values() if entry is not base]
    ratios = [paired_ratios(np.array(s.samples_s), s.stride, np.array(base.samples_s), base.stride) for s in others]
    _, low, high = medians(blocked(ratios)).T
    return bool(np.all(np.sqrt(high / low) <= 1 + precision))  # NaN (no pair in common) is not precise
