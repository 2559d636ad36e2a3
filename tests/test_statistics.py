"""Do intervals, ratios and verdicts mean what they say, on values done by hand and on noise with a known truth?"""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import quantile_test

from suites.statistics import (
    Array,
    blocked,
    effective_rank,
    interval_ranks,
    medians,
    noise_floors,
    paired_ratios,
    summaries,
    verdicts,
)

PROCESSES = np.array([True])
SEEN_NOT = "no difference seen"
QUIET = np.array([np.nan])
"""The noise floor of a case whose baseline did not take part twice."""


def pairs_of(ratios: Sequence[Array]) -> np.ndarray:
    """That each of the sets holds pairs of rounds, of one process."""
    return np.zeros(len(ratios), dtype=bool)


def ratios_of(samples: list[float], stride: int, base: list[float], base_stride: int) -> list[float]:
    return [float(r) for r in paired_ratios(np.array(samples), stride, np.array(base), base_stride)]


def test_fewer_ratios_than_an_interval_needs_reach_a_factor_of_one_and_a_half_further() -> None:
    one, five, itself = np.array([3.0]), np.array([2.0, 3.0, 4.0, 5.0, 6.0]), np.ones(1)
    six = np.append(five, 7.0)
    table = summaries([one, five, six, itself], pairs_of([one, five, six, itself]))
    assert table[0].tolist() == [3.0, 2.0, 4.5]
    assert table[1].tolist() == pytest.approx([4.0, 2.0 / 1.5, 9.0])
    assert table[2].tolist() == [4.5, 2.0, 7.0], "six values have an interval of 95 %"
    assert table[3].tolist() == [1.0, 1.0, 1.0], "of a contestant to itself"


# Medians


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
@pytest.mark.parametrize("size", [8, 9, 16, 30, 60, 64, 301])
def test_intervals_are_those_of_the_quantile_test(size: int, confidence: float) -> None:
    sample = np.random.default_rng(size).lognormal(size=size)
    exact = quantile_test(sample, p=0.5).confidence_interval(confidence)
    assert medians([sample], confidence).tolist() == [[np.median(sample), exact.low, exact.high]]


def test_few_samples_reach_from_the_smallest_to_the_largest() -> None:
    assert [interval_ranks(size) for size in (1, 2, 5)] == [(0, 0), (0, 1), (0, 4)]
    assert interval_ranks(9) == (1, 7)  # 2 · P(B(9, ½) <= 1) = 0.039 <= 0.05 < 2 · P(B(9, ½) <= 2)
    assert interval_ranks(9, 0.99) == (0, 8)


def test_each_sample_has_its_row_and_an_empty_one_has_none() -> None:
    rows = medians([np.array([3.0]), np.empty(0), np.array([2.0, 1.0]), np.array([5.0])])
    np.testing.assert_array_equal(rows, [[3, 3, 3], [math.nan] * 3, [1.5, 1, 2], [5, 5, 5]])
    assert medians([]).shape == (0, 3)


# Ratios


def test_a_ratio_is_the_geometric_mean_of_a_pair_of_rounds() -> None:
    assert ratios_of([2.0, 8.0, 3.0, 3.0], 1, [1.0, 1.0, 1.0, 9.0], 1) == pytest.approx([4.0, 1.0])


def test_a_round_without_its_mirror_image_and_a_pair_without_a_partner_count_for_nothing() -> None:
    assert ratios_of([2.0, 2.0, 7.0], 1, [1.0] * 6, 1) == pytest.approx([2.0])
    assert ratios_of([2.0] * 6, 1, [1.0, 1.0, 2.0, 2.0], 1) == pytest.approx([2.0, 1.0])
    assert ratios_of([2.0], 1, [1.0] * 6, 1) == ratios_of([], 1, [1.0] * 6, 1) == []


def test_strides_count_pairs() -> None:
    base = [float(2**pair) for pair in range(7) for _ in range(2)]
    third = [3.0, 3.0, 16.0, 16.0, 320.0, 320.0]  # pairs 0, 3 and 6: over 1, 8 and 64
    assert ratios_of(third, 3, base, 1) == pytest.approx([3.0, 2.0, 5.0])
    assert ratios_of(base, 1, third, 3) == pytest.approx([1 / 3, 1 / 2, 1 / 5])


def test_two_strides_pair_what_both_have() -> None:
    second = [1.0, 1.0, 9.0, 9.0, 9.0, 9.0, 4.0, 4.0, 9.0, 9.0]  # pairs 0, 2, 4, 6, 8
    third = [3.0, 3.0, 9.0, 9.0, 20.0, 20.0, 9.0, 9.0]  # pairs 0, 3, 6, 9: both have 0 and 6
    assert ratios_of(third, 3, second, 2) == pytest.approx([3.0, 5.0])


seconds = st.lists(st.floats(1e-9, 1e3), min_size=1, max_size=20)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(seconds, st.integers(1, 4), seconds, st.integers(1, 4))
def test_swapping_sides_inverts_every_ratio(
    ours: list[float], stride: int, theirs: list[float], their_stride: int
) -> None:
    ratios, swapped = ratios_of(ours, stride, theirs, their_stride), ratios_of(theirs, their_stride, ours, stride)
    np.testing.assert_allclose(np.multiply(ratios, swapped), 1, rtol=1e-14)


# The noise floor


def noise_floor(control: np.ndarray, base: np.ndarray, stride: int) -> float:
    return float(noise_floors(medians([paired_ratios(control, stride, base, stride)]))[0])


def test_the_noise_floor_is_the_end_of_the_controls_interval_that_is_further_from_1() -> None:
    base = np.ones(2 * 9)
    control = np.repeat([0.9, 0.97, 0.98, 0.99, 1.0, 1.0, 1.01, 1.02, 1.3], 2)
    assert noise_floor(control, base, 1) == pytest.approx(1 / 0.97 - 1)  # ranks 1 and 7 of 9: 0.97 to 1.02
    assert noise_floor(base, control, 4) == pytest.approx(1 / 0.97 - 1)
    assert noise_floor(base, base, 1) == 0.0
    assert math.isnan(noise_floor(np.empty(0), base, 1))


# Verdicts


@pytest.mark.parametrize(
    ("ratios", "verdict"),
    [
        ([0.98] * 8, "faster"),
        ([1.02] * 8, "slower"),
        ([1.0] * 8, SEEN_NOT),
        ([0.98] * 7 + [1.0], SEEN_NOT),  # eight need all on one side
        ([1.02] * 7 + [0.99], SEEN_NOT),
        ([1.02] * 27 + [0.99] * 3, "slower"),
        ([1.02] * 23 + [0.99] * 7, "slower"),  # 2 · P(B(30, ½) <= 7) = 0.005 < 0.01
        ([1.02] * 22 + [0.99] * 8, SEEN_NOT),  # 2 · P(B(30, ½) <= 8) = 0.016: the 95 % interval would exclude 1
        ([], ""),
    ],
)
def test_a_difference_is_seen_where_the_99_percent_interval_excludes_1(ratios: list[float], verdict: str) -> None:
    assert verdicts([np.array(ratios)], QUIET, ~PROCESSES) == [verdict]


@pytest.mark.parametrize(
    ("ratios", "verdict"),
    [
        ([0.6] * 7, "faster"),
        ([1.6] * 2, "slower"),
        ([0.7] * 7, SEEN_NOT),
        ([1.4] * 7, SEEN_NOT),
        ([1.6] * 6 + [1.4], SEEN_NOT),  # each single one counts
        ([1.4] * 8, "slower"),
    ],
)
def test_few_ratios_need_a_factor_of_one_and_a_half(ratios: list[float], verdict: str) -> None:
    assert verdicts([np.array(ratios)], QUIET, ~PROCESSES) == [verdict]


def test_nothing_below_the_noise_floor_is_a_difference() -> None:
    ratios = [np.full(30, ratio) for ratio in (0.97, 0.96, 1.03, 1.04, 1.04, 0.5, 0.7)]
    floors = np.array([0.035, 0.035, 0.035, 0.035, math.nan, 0.6, 0.6])
    assert verdicts(ratios, floors, pairs_of(ratios)) == [
        SEEN_NOT,
        "faster",
        SEEN_NOT,
        "slower",
        "slower",
        "faster",
        SEEN_NOT,
    ]


# Noise with a known truth

TRIALS = 4000


def noisy(generator: np.random.Generator, pairs: int, spread: float = 0.05) -> Array:
    """Samples of a call that takes 1 s: lognormal noise, and each tenth takes half as long again."""
    shape = (TRIALS, 2 * pairs)
    return generator.lognormal(0, spread, shape) * np.where(generator.random(shape) < 0.1, 1.5, 1.0)


@pytest.mark.parametrize("pairs", [8, 16, 64, 128])
def test_less_than_one_in_a_hundred_identical_contestants_is_called_different(pairs: int) -> None:
    generator = np.random.default_rng(pairs)
    base, control, other = (noisy(generator, pairs) for _ in range(3))
    ratios = [paired_ratios(other[k], 1, base[k], 1) for k in range(TRIALS)]
    floors = np.array([noise_floor(control[k], base[k], 1) for k in range(TRIALS)])
    alarms = sum(verdict != SEEN_NOT for verdict in verdicts(ratios, floors, pairs_of(ratios)))
    assert alarms / TRIALS < 0.01
    assert (
        sum(verdict != SEEN_NOT for verdict in verdicts(ratios, np.full(TRIALS, np.nan), pairs_of(ratios))) / TRIALS
        < 0.0125
    )


@pytest.mark.parametrize("pairs", [20, 64, 128, 256])
def test_the_95_percent_interval_holds_the_truth_in_93_to_97_percent(pairs: int) -> None:
    generator = np.random.default_rng(pairs)
    base, other = noisy(generator, pairs), 1.02 * noisy(generator, pairs)
    _, low, high = medians([paired_ratios(other[k], 1, base[k], 1) for k in range(TRIALS)]).T
    assert 0.93 <= np.mean((low <= 1.02) & (high >= 1.02)) <= 0.97


def remembering(generator: np.random.Generator, size: int, memory: float = 0.6) -> Array:
    """Ratios around 1.02 of which each remembers so much of the one before: a first-order autoregression."""
    noise = generator.normal(0, 0.02, (TRIALS, size))
    for k in range(1, size):
        noise[:, k] += memory * noise[:, k - 1]
    return 1.02 * np.exp(noise)


@pytest.mark.parametrize("size", [128, 512])
def test_the_interval_holds_where_ratios_remember_those_before(size: int) -> None:
    ratios = list(remembering(np.random.default_rng(size), size))
    raw, of_blocks = (medians(of) for of in (ratios, blocked(ratios)))
    held, held_raw = (np.mean((s[:, 1] <= 1.02) & (s[:, 2] >= 1.02)) for s in (of_blocks, raw))
    assert 0.91 <= held <= 0.98
    assert held_raw < 0.8


def test_independent_ratios_are_left_as_they_are() -> None:
    ratios = [*np.random.default_rng(0).lognormal(0, 0.05, (1000, 64)), np.ones(64), np.ones(3), np.empty(0)]
    blocks = blocked(ratios)
    assert sum(len(block) != len(ratio) for block, ratio in zip(blocks, ratios, strict=True)) <= 15
    assert all(block is ratio for block, ratio in zip(blocks[-3:], ratios[-3:], strict=True))


def test_blocks_keep_the_whole_and_are_16_at_least() -> None:
    drift = np.exp(np.linspace(0, 1, 200))
    (blocks,) = blocked([drift])
    assert len(blocks) == 25
    assert np.log(blocks).mean() == pytest.approx(np.log(drift).mean())


def test_two_percent_are_seen_where_the_noise_is_small() -> None:
    generator = np.random.default_rng(0)
    base, control, other = (noisy(generator, 128, spread=0.02) for _ in range(3))
    ratios = [paired_ratios(1.02 * other[k], 1, base[k], 1) for k in range(TRIALS)]
    floors = np.array([noise_floor(control[k], base[k], 1) for k in range(TRIALS)])
    found = verdicts(ratios, floors, pairs_of(ratios))
    assert found.count("slower") / TRIALS > 0.95
    assert found.count("faster") == 0


# Several processes


def test_the_interval_over_processes_covers_how_they_differ() -> None:
    """As SciPy's own mean of logarithms says it: here each process has its own bias of 3 %."""
    random, held = np.random.default_rng(0), 0
    for _ in range(400):
        ((middle, low, high),) = summaries([1.1 * np.exp(random.normal(0, 0.03, 5))], PROCESSES)
        held += low <= 1.1 <= high
        assert low < middle < high
    assert 0.92 < held / 400 < 0.98


def test_of_one_process_or_none_there_is_no_interval() -> None:
    assert np.isnan(summaries([np.array([1.1]), np.empty(0)], np.repeat(PROCESSES, 2))).all()
    assert summaries([], np.empty(0, dtype=bool)).shape == (0, 3)


@pytest.mark.parametrize(
    ("ratios", "floor", "verdict"),
    [
        ([0.9, 0.91, 0.9], 0.01, "faster"),
        ([1.1, 1.11, 1.1], 0.01, "slower"),
        ([0.9, 0.91, 0.9], 0.2, SEEN_NOT),
        ([0.9, 1.2, 0.9], 0.01, SEEN_NOT),
        ([0.9], 0.01, ""),
    ],
)
def test_a_verdict_over_processes_asks_that_they_agree(ratios: list[float], floor: float, verdict: str) -> None:
    assert verdicts([np.array(ratios)], np.array([floor]), PROCESSES) == [verdict]


def test_the_effective_rank_counts_equal_directions_at_any_scale() -> None:
    for scale in (1e-9, 1.0, 1e9):
        assert effective_rank(scale * np.array([1.0, 1.0, 1.0, 0.0])) == pytest.approx(3)
    assert effective_rank(np.array([7.0, 0.0])) == pytest.approx(1)
