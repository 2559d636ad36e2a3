"""Flags: reasons to distrust a record, each with its evidence. Flagged numbers are shown, not hidden."""

import time

import numpy as np

from suites.measure.compiler import Compilations
from suites.measure.host import HostTime
from suites.measure.launch import Launch
from suites.measure.states import describe, slow_state
from suites.measure.turns import Samples
from suites.records.record import Flag
from suites.statistics import FEW, SURELY, VERDICT_CONFIDENCE, Array, blocked, lag_one, medians, paired_ratios

_FAULTS_A_CALL = 1.0
_SWITCHES_A_SECOND, _MANY_SWITCHES = 100, 5  # a quiet machine makes some tens a second
_DRIFT = 0.05
_SPED_UP = 2.0
_AUTOCORRELATION = 0.3
_OTHERS, _STOLEN, _LONG_ENOUGH_S = 0.1, 0.02, 0.5  # in processors; the kernel counts in steps of 10 ms
_LAUNCH_BOUND = 1.03
_COARSE = 1000  # clock ticks that a sample has to last
_MODES_APART, _SHARE, _FEWEST_OF_A_MODE = 4.0, 0.2, 5  # a tenth of outliers is no mode


def flags_of(samples: Samples, base: Samples | None, kept_bytes: int) -> tuple[Flag, ...]:
    """The flags of a contestant's samples, compared with the baseline's if there is one."""
    values, calls = np.array(samples.samples_s), samples.calls * len(samples.samples_s)
    flags = []

    def flag(name: str, evidence: str) -> None:
        flags.append(Flag(name=name, evidence=evidence))

    if len(values) < 2 * FEW:
        why = f", since a call takes {np.median(values):.3g} s of a budget with no room for more" * samples.slow
        flag("few_rounds", f"{len(values)} rounds{why}")
    if samples.page_faults > _FAULTS_A_CALL * calls:
        flag("page_faults", f"{samples.page_faults / calls:.3g} minor page faults a call")
    switches_a_second = samples.switches / (values.sum() * samples.calls)
    if samples.switches > _MANY_SWITCHES and switches_a_second > _SWITCHES_A_SECOND:
        flag("switched", f"{switches_a_second:.3g} involuntary context switches a second")
    tick = time.get_clock_info("perf_counter").resolution
    if np.median(values) * samples.calls < _COARSE * tick:
        flag("coarse_timer", f"samples of {np.median(values) * samples.calls:.3g} s, the clock ticks each {tick:.3g} s")
    if samples.compiled:
        flag("recompiled", f"torch.compile compiled {samples.compiled} frames while the calls were timed")
    if kept_bytes > 0:
        flag("leaks", f"{kept_bytes} bytes stay allocated after each call")
    if (sped_up := samples.early_s / np.median(values)) > _SPED_UP:  # NaN (too few early calls) is not
        flag("sped_up", f"calls 64 to 511 took {sped_up:.3g} times the time of those that were sampled")
    if modes := _two_modes(values):
        flag("two_modes", modes)
    if len(values) >= 2 * FEW:
        if drift := _drift(values):
            flag("drift", drift)
        ratios = paired_ratios(values, samples.stride, np.array(base.samples_s), base.stride) if base else np.empty(0)
        if autocorrelation := _autocorrelation(ratios):
            flag("autocorrelated", autocorrelation)
    return tuple(flags)


def compiler_flags(compiled: Compilations) -> tuple[Flag, ...]:
    """The flags for what torch.compile did from the first call to the last sample."""
    frames, fallen_back, graph_breaks = compiled
    flags = []
    if fallen_back:
        flags.append(Flag(name="fell_back", evidence=f"{fallen_back} of {frames} frames run in eager mode, uncompiled"))
    if graph_breaks:
        flags.append(Flag(name="graph_breaks", evidence=f"{graph_breaks} graph breaks: it is compiled in parts"))
    return tuple(flags)


def launch_flags(call_s: float, launch: Launch) -> tuple[Flag, ...]:
    """The flag of a contestant whose calls take the host longer to launch than the device, `call_s`, to run."""
    evidence = []
    if launch.host_s > _LAUNCH_BOUND * call_s:
        evidence.append(f"the host takes {launch.host_s:.3g} s a call, the device {call_s:.3g} s")
    if launch.graph_s and call_s > _LAUNCH_BOUND * launch.graph_s:
        evidence.append(f"as a CUDA graph a call takes {launch.graph_s / call_s:.0%} of the device's time")
    return (Flag(name="launch_bound", evidence="; ".join(evidence)),) if evidence else ()


def host_flags(spent: HostTime) -> tuple[Flag, ...]:
    """The flags for other work of the machine during the rounds of a case."""
    if spent.wall_s < _LONG_ENOUGH_S:
        return ()
    flags = []
    if (others := spent.others_s / spent.wall_s) > _OTHERS:
        flags.append(Flag(name="busy_machine", evidence=f"other processes used {others:.2f} processors meanwhile"))
    if (stolen := spent.stolen_s / spent.wall_s) > _STOLEN:
        flags.append(Flag(name="stolen_time", evidence=f"the host withheld {stolen:.2f} processors meanwhile"))
    return tuple(flags)


def _drift(values: Array) -> str:
    """How much the halves differ, if that is both large and certain; else ""."""
    first, second = medians(np.array_split(values, 2), VERDICT_CONFIDENCE)
    apart = first[2] < second[1] or second[2] < first[1]
    if not apart or abs(np.log(second[0] / first[0])) <= _DRIFT:
        return ""
    return f"the second half takes {second[0] / first[0]:.3g} times the first half's time"


def _two_modes(values: Array) -> str:
    """The two groups of the samples, if their distance is large compared with their spread; else "".

    The split leaves the least variance within the groups (Otsu, 1979). Groups very far apart may be smaller.
    """
    if (slow := slow_state(values)).any():
        return describe(values, slow)
    if len(values) < 2 * FEW:
        return ""
    ordered = np.sort(np.log(values))
    n = len(ordered)
    sums, squares = np.cumsum(ordered), np.cumsum(ordered**2)
    sizes = np.arange(1, n)
    within = (
        squares[:-1] - sums[:-1] ** 2 / sizes + (squares[-1] - squares[:-1]) - (sums[-1] - sums[:-1]) ** 2 / (n - sizes)
    )
    split = int(np.argmin(within)) + 1
    low, high = ordered[:split], ordered[split:]
    spread = max(np.subtract(*np.percentile(low, [75, 25])), np.subtract(*np.percentile(high, [75, 25])), 0.01)
    gap = np.median(high) - np.median(low)
    fewest = max(_FEWEST_OF_A_MODE, _SHARE * n)
    if min(len(low), len(high)) < fewest or gap < _MODES_APART * spread or high[0] - low[-1] < spread:
        return ""
    return f"{len(high) / n:.0%} of the samples take {np.exp(gap):.3g} times the others' time"


def _autocorrelation(ratios: Array) -> str:
    """How successive ratios correlate, if that is both large and certain, and the blocks used; else ""."""
    if len(ratios) < FEW or not (r := lag_one(ratios[None])[0]) > max(_AUTOCORRELATION, SURELY / len(ratios) ** 0.5):
        return ""
    (blocks,) = blocked([ratios])
    left = lag_one(blocks[None])[0] > SURELY / len(blocks) ** 0.5
    narrow = ", which correlate too: it is too narrow" if left else ""
    return f"successive ratios correlate by {r:.2f}: the interval is that of {len(blocks)} blocks{narrow}"
