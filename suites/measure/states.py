"""Samples of a contestant in two states of the machine, far apart: no middle of them means anything."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from suites.measure.turns import Samples

_FAR, _APART, _CHANGED = 3.0, 1.5, 1.5  # factors: of the medians, of the nearest samples, of another contestant
_FEWEST, _SHARE = 2, 0.1

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


class TwoStates(NamedTuple):
    """That a contestant has samples in two states, and whether others changed in the same rounds (the machine did)."""

    evidence: str
    of_machine: bool


def two_states(rounds: Mapping[str, Samples], twin: str = "", control: str = "") -> dict[str, TwoStates]:
    """The contestants whose samples are in two states, three times apart or more, with at least a tenth in each.

    If another contestant, other than its own second self, changes in the same rounds, the machine changed. If none
    does, it may be the contestant's own behaviour, such as a cache, or a load that hits it alone.
    """
    found = {}
    for name, samples in rounds.items():
        values = np.array(samples.samples_s)
        if name == control or not (slow := slow_state(values)).any():
            continue
        itself = (name, control) if name == twin else (name,)
        others = [entry for other, entry in rounds.items() if other not in itself]
        changed = sum(
            _changes_with(entry, set(_rounds(samples)[slow]), set(_rounds(samples)[~slow])) for entry in others
        )
        whose = f"{changed} of {len(others)} other contestants changed" if changed else "no other contestant changed"
        found[name] = TwoStates(f"{describe(values, slow)}; {whose} in the same rounds", changed > 0)
    return found


def slow_state(values: Array) -> Mask:
    """Which samples are in the slower of two states, `[n]`; none if there is one state, or too few samples to say."""
    fewest = max(_FEWEST, int(np.ceil(_SHARE * len(values))))
    if len(values) < 2 * fewest:
        return np.zeros(len(values), dtype=bool)
    ordered = np.sort(values)
    gaps = ordered[1:] / ordered[:-1]
    split = fewest + int(np.argmax(gaps[fewest - 1 : len(values) - fewest]))
    far = np.median(ordered[split:]) >= _FAR * np.median(ordered[:split]) and gaps[split - 1] >= _APART
    return np.asarray((values >= ordered[split]) & far)


def describe(values: Array, slow: Mask) -> str:
    """The two states in words."""
    factor = np.median(values[slow]) / np.median(values[~slow])
    return f"{np.mean(slow):.0%} of the samples take {factor:.3g} times the others' time"


def _rounds(samples: Samples) -> npt.NDArray[np.int_]:
    """The number of the round of each sample."""
    pair, second = np.divmod(np.arange(len(samples.samples_s)), 2)
    return np.asarray(2 * pair * samples.stride + second)


def _changes_with(other: Samples, slow: set[int], fast: set[int]) -> bool:
    rounds, values = _rounds(other), np.array(other.samples_s)
    in_slow, in_fast = (values[np.isin(rounds, list(which))] for which in (slow, fast))
    if not (len(in_slow) and len(in_fast)):
        return False
    factor = np.median(in_slow) / np.median(in_fast)
    return bool(max(factor, 1 / factor) >= _CHANGED)
