"""Are rounds balanced, paired and stopped as documented? Clock and budget are simulated."""

import gc
import random
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from itertools import count, pairwise
from types import MappingProxyType

import numpy as np
import pytest

from suites.failure import Failure
from suites.measure.phases import Phases
from suites.measure.rounds import CONTROL, MOST_PAIRS, Budget, Rounds, sample_rounds
from suites.measure.turns import FEWEST_PAIRS, Samples
from suites.measure.warm_up import warm_up
from suites.records.record import Status
from suites.statistics import medians, paired_ratios

LONG = Budget(seconds=1e9, precision=1e-12)
LOOKS = (8, 16, 32, 64, 128, 256)


class Simulation:
    """Contestants with known seconds per call plus noise, and a log of the calls in order."""

    def __init__(self, noise: float = 0.0, seed: int = 0, **call_s: float) -> None:
        self.call_s, self.log = call_s, list[str]()
        self.collecting = list[bool]()
        self.time = 0.0
        self._noise, self._random = noise, np.random.default_rng(seed)

    def clock(self, call: Callable[[], object], calls: int) -> tuple[float, object]:
        result = call()
        self.collecting.append(gc.isenabled())
        seconds = self.call_s[self.log[-1]] * calls * float(np.exp(self._noise * self._random.standard_normal()))
        self.time += seconds
        return seconds, result

    def run(
        self,
        budget: Budget = LONG,
        *,
        baseline: str | None = None,
        seed: int = 0,
        calls: Mapping[str, Callable[[], object]] | None = None,
        inspect: Callable[[str, object], None] = lambda name, result: None,
        known_s: Mapping[str, float] = MappingProxyType({}),
    ) -> Rounds:
        wanted = {name: partial(self._call, name, (calls or {}).get(name, object)) for name in self.call_s}
        phases = Phases(lambda: self.time)
        return sample_rounds(wanted, baseline, self.clock, budget, random.Random(seed), phases, inspect, known_s)

    def _call(self, name: str, call: Callable[[], object]) -> object:
        self.log.append(name)
        return call()


def only(rounds: Rounds) -> dict[str, Samples]:
    """The samples; asserts that no contestant failed."""
    samples = {name: entry for name, entry in rounds.samples.items() if isinstance(entry, Samples)}
    assert samples.keys() == rounds.samples.keys()
    return samples


def ratios(samples: Mapping[str, Samples], name: str, base: str) -> np.ndarray:
    one, other = samples[name], samples[base]
    return paired_ratios(np.array(one.samples_s), one.stride, np.array(other.samples_s), other.stride)


# Order


def test_each_random_order_is_followed_by_its_mirror_image() -> None:
    simulation = Simulation(noise=0.1, a=1e-3, b=1e-3, c=1e-3, d=1e-3)
    samples = only(simulation.run())
    assert all(len(s.samples_s) == 2 * MOST_PAIRS for s in samples.values())
    rounds = np.array(simulation.log[-4 * 2 * MOST_PAIRS :]).reshape(-1, 4)
    assert (rounds[1::2] == rounds[::2, ::-1]).all()
    assert (np.sort(rounds) == ["a", "b", "c", "d"]).all()
    assert len({tuple(order) for order in rounds}) == 24


def test_a_drift_within_rounds_and_the_advantage_of_coming_first_cancel_in_a_pair() -> None:
    turns = count()

    def slower_by_the_turn(call: Callable[[], object], calls: int) -> tuple[float, object]:
        return calls * 1e-3 * (1 + 0.01 * next(turns)), call()

    rounds = sample_rounds(
        dict.fromkeys("abc", object), "a", slower_by_the_turn, LONG, random.Random(0), Phases(lambda: 0.0)
    )
    for name in ("b", "c", CONTROL):
        np.testing.assert_allclose(ratios(only(rounds), name, "a"), 1, rtol=2e-3)


def test_the_same_seed_gives_the_same_order() -> None:
    first, second, other = (Simulation(a=1e-3, b=1e-3, c=1e-3) for _ in range(3))
    for simulation, seed in ((first, 1), (second, 1), (other, 2)):
        simulation.run(seed=seed)
    assert first.log == second.log != other.log


def test_the_garbage_collector_rests_while_rounds_run_and_no_longer() -> None:
    simulation = Simulation(a=1e-3)
    simulation.run()
    assert not any(simulation.collecting[-16:])
    assert simulation.collecting[0]
    assert gc.isenabled()


# Calls per sample, and strides


def test_contestants_of_like_speed_make_the_same_count_of_calls() -> None:
    samples = only(Simulation(a=1.00e-5, b=1.05e-5, fast=1e-6, slow=1.0).run())
    assert samples["a"].calls == samples["b"].calls == 64  # about 0.5 ms per sample
    assert samples["fast"].calls == 8 * samples["a"].calls
    assert samples["slow"].calls == 1
    assert {samples[name].stride for name in ("a", "b", "fast")} == {1}


@pytest.mark.parametrize(("slow_s", "stride"), [(5e-3, 1), (0.012, 2), (0.03, 4), (0.06, 8), (100.0, 16)])
def test_a_slow_contestant_sits_pairs_out_and_its_samples_keep_their_rounds(slow_s: float, stride: int) -> None:
    simulation = Simulation(noise=0.01, a=1e-3, slow=slow_s, b=1e-3)
    samples = only(simulation.run(baseline="a"))
    slow, fast = samples["slow"], samples["b"]
    assert (slow.calls, slow.stride, len(slow.samples_s)) == (1, stride, 2 * MOST_PAIRS // stride)
    assert fast.stride == 1
    log = simulation.log[-(len(slow.samples_s) + 3 * 2 * MOST_PAIRS) :]
    places = {name: [place for place, who in enumerate(log) if who == name] for name in ("slow", "b")}
    for number, place in enumerate(places["slow"]):
        round_ = 2 * (number // 2) * stride + number % 2
        assert all(before < place for before in places["b"][:round_])
        assert all(after > place for after in places["b"][round_ + 1 :])


# The control


def test_the_baseline_takes_part_a_second_time() -> None:
    simulation = Simulation(noise=0.1, a=1e-3, base=2e-3)
    samples = only(simulation.run(baseline="base"))
    base, control = samples["base"], samples[CONTROL]
    assert (control.calls, control.stride, len(control.samples_s)) == (base.calls, base.stride, len(base.samples_s))
    assert control.samples_s != base.samples_s
    rounds = np.sort(np.array(simulation.log[-3 * 2 * MOST_PAIRS :]).reshape(-1, 3))
    assert (rounds == ["a", "base", "base"]).all()
    (interval,) = medians([ratios(samples, CONTROL, "base")], 0.99)
    assert interval[1] < 1 < interval[2]


def test_without_a_baseline_the_fastest_takes_part_twice_and_with_none_nobody_does() -> None:
    assert only(Simulation(a=1e-3, b=1e-3).run()).keys() == {"a", "b"}
    assert only(Simulation(a=1e-3).run(baseline="another")).keys() == {"a"}, "there is nothing to compare"
    rounds = Simulation(a=2e-3, b=1e-3, c=3e-3).run(baseline="another")
    assert only(rounds).keys() == {"a", "b", "c", CONTROL}
    assert rounds.twin == "b"


# Stopping


def test_it_stops_early_once_all_ratios_are_known_and_says_so() -> None:
    simulation = Simulation(noise=1e-4, a=1e-3, b=2e-3)
    rounds = simulation.run(Budget(seconds=10.0, precision=0.01), baseline="a")
    assert rounds.stop == "precision"
    assert {len(s.samples_s) for s in only(rounds).values()} == {2 * LOOKS[0]}
    assert simulation.time < 0.3


@pytest.mark.parametrize("noise", [0.01, 0.03, 0.05])
def test_it_stops_at_a_look_with_the_requested_precision(noise: float) -> None:
    rounds = Simulation(noise=noise, a=1e-3, b=1e-3).run(Budget(seconds=1e9, precision=0.01), baseline="a")
    samples = only(rounds)
    assert rounds.stop == "precision"
    assert len(samples["a"].samples_s) // 2 in LOOKS
    (_, low, high) = medians([ratios(samples, "b", "a")])[0]
    assert high / low <= 1.01**2


def test_one_ratio_that_is_not_known_keeps_all_going() -> None:
    simulation = Simulation(a=1e-3, b=1e-3)
    noise = np.random.default_rng(0)

    def clock(call: Callable[[], object], calls: int) -> tuple[float, object]:
        seconds, result = simulation.clock(call, calls)
        return seconds * (noise.lognormal(0, 0.5) if simulation.log[-1] == "b" else 1.0), result

    calls = {name: partial(simulation.log.append, name) for name in "ab"}
    phases = Phases(lambda: simulation.time)
    rounds = sample_rounds(calls, "a", clock, Budget(seconds=1e9, precision=0.01), random.Random(0), phases)
    assert len(only(rounds)["a"].samples_s) == 2 * MOST_PAIRS


def test_it_stops_when_the_budget_of_all_contestants_is_spent_and_says_so() -> None:
    simulation = Simulation(noise=0.5, a=1e-3, b=1e-3)
    rounds = simulation.run(Budget(seconds=0.05, precision=0.001), baseline="a")
    assert rounds.stop == "budget"
    warm_up = 2 * 0.031 * np.exp(0.5)
    assert 3 * 0.05 <= simulation.time <= 3 * 0.05 + 6 * 1e-3 * np.exp(2) + warm_up
    assert simulation.run(Budget(seconds=1e9, precision=1e-9)).stop == "budget"  # the most pairs are a budget too


def test_a_tenth_of_a_second_each_is_free_whatever_the_budget() -> None:
    samples = only(Simulation(noise=0.1, a=1e-3, b=1e-3).run(Budget(seconds=1e-9, precision=1e-9)))
    assert {len(entry.samples_s) for entry in samples.values()} == {2 * FEWEST_PAIRS}


# Those who are too slow for the budget

SECOND = Budget(seconds=1.0, precision=0.005)


@pytest.mark.parametrize(
    "call_s",
    [
        {"slow": 8.0, **dict.fromkeys("abcdefgh", 1e-2)},
        {"slow": 0.5, "base": 0.3, "a": 0.02, "b": 1e-4},
        {"slow": 2.0, "other": 1.9, "a": 1e-3, "b": 0.1, "c": 0.2},
        dict.fromkeys("abcde", 0.09),
        dict.fromkeys("abcde", 0.3),
    ],
)
def test_a_case_keeps_to_its_budget_or_to_one_pair_of_rounds_of_those_too_slow(call_s: dict[str, float]) -> None:
    simulation = Simulation(noise=0.05, **call_s)
    baseline = next(iter(call_s))
    rounds = simulation.run(SECOND, baseline=baseline, known_s={name: s for name, s in call_s.items() if s >= 1})
    budget_s = SECOND.seconds * (len(call_s) + 1)
    one_pair_s = 2 * sum(seconds for seconds in call_s.values() if seconds >= 1)
    assert simulation.time <= 1.1 * max(1.5 * budget_s, one_pair_s + budget_s)
    assert all(len(entry.samples_s) >= 2 for entry in only(rounds).values())


def test_one_whose_call_takes_its_whole_share_is_called_twice() -> None:
    simulation = Simulation(noise=0.01, slow=8.0, fast=1e-3, other=2e-3)
    rounds = simulation.run(SECOND, baseline="slow", known_s={"slow": 8.0})
    samples = only(rounds)
    assert simulation.log.count("slow") == len(samples["slow"].samples_s) == 2
    assert rounds.twin == "fast", "a control of two calls would say nothing of the noise of the others"
    assert len(samples[CONTROL].samples_s) == len(samples["fast"].samples_s) >= 2 * FEWEST_PAIRS
    assert rounds.stop == "precision", "nobody waits for a ratio to one so slow"


def test_alike_contestants_have_alike_many_pairs() -> None:
    samples = only(Simulation(a=0.30, b=0.31, c=0.29, d=1e-3).run(SECOND))
    assert len({samples[name].fewest for name in "abc"}) == 1
    assert samples["a"].slow
    assert not samples["d"].slow


def test_one_that_is_slow_but_affordable_has_all_its_pairs() -> None:
    samples = only(Simulation(slow=0.1, **dict.fromkeys("abcde", 1e-3)).run(SECOND, baseline="a"))
    assert len(samples["slow"].samples_s) >= 2 * FEWEST_PAIRS


def test_a_machine_that_becomes_slower_after_warm_up_does_not_lengthen_the_case() -> None:
    simulation = Simulation(**dict.fromkeys("abc", 1e-3))

    def clock(call: Callable[[], object], calls: int) -> tuple[float, object]:
        slower = 1000 if simulation.time > 0.1 else 1
        seconds, result = simulation.clock(call, calls)
        simulation.time += (slower - 1) * seconds
        return slower * seconds, result

    calls = {name: partial(simulation.log.append, name) for name in "abc"}
    phases = Phases(lambda: simulation.time)
    rounds = sample_rounds(calls, "a", clock, Budget(seconds=0.5, precision=1e-9), random.Random(0), phases)
    assert rounds.stop == "budget"
    assert simulation.time <= 0.5 + 4 * 1.5 * 0.5 + 8, "the pair of rounds that had begun is ended"


def test_rounds_of_only_slow_ones_end() -> None:
    rounds = Simulation(a=3.0, b=3.0).run(SECOND, baseline="a", known_s={"a": 3.0, "b": 3.0})
    assert {len(entry.samples_s) for entry in only(rounds).values()} == {2}
    assert rounds.stop == "budget"


def test_stopping_early_does_not_spoil_the_interval() -> None:
    trials, held, stopped = 150, 0, Counter[int]()
    for seed in range(trials):
        simulation = Simulation(noise=0.03, seed=seed, a=1e-3, b=1.02e-3)
        samples = only(simulation.run(Budget(seconds=1e9, precision=0.01), baseline="a", seed=seed))
        _, low, high = medians([ratios(samples, "b", "a")])[0]
        held += bool(low <= 1.02 <= high)
        stopped[len(samples["a"].samples_s) // 2] += 1
    assert len(stopped) > 1, "runs must stop at different looks"
    assert held / trials >= 0.9


def test_nobody_left_is_the_end() -> None:
    def fails() -> None:
        raise ValueError("no")

    rounds = Simulation(a=1e-3).run(baseline="a", calls={"a": fails})
    (failure,) = rounds.samples.values()
    assert isinstance(failure, Failure)
    assert failure.reason == "ValueError: no"
    assert sample_rounds({}, None, Simulation().clock, LONG, random.Random(0), Phases()).samples == {}


# Failures


def fails_after(calls: int) -> Callable[[], None]:
    made = count(1)

    def call() -> None:
        if next(made) > calls:
            raise ValueError("no")

    return call


@pytest.mark.parametrize("failing", ["a", "b"])
@pytest.mark.parametrize("calls", range(10, 15))
def test_one_that_fails_in_a_round_is_out_and_the_others_go_on(failing: str, calls: int) -> None:
    told = list[str]()

    def inspect(name: str, result: object) -> None:
        if isinstance(result, Failure):
            told.append(name)

    simulation = Simulation(noise=1e-3, a=1e-3, b=1e-3, c=1e-3)
    rounds = simulation.run(baseline="a", calls={failing: fails_after(calls)}, inspect=inspect)
    out, rest = rounds.samples[failing], rounds.samples["c"]
    assert isinstance(out, Failure)
    assert isinstance(rest, Samples)
    warm_up, calls_a_round = 5, 2 if failing == "a" else 1  # the baseline and its control
    assert out.reason == f"in round {(calls - warm_up) // calls_a_round + 1}: ValueError: no"
    assert len(rest.samples_s) == 2 * MOST_PAIRS
    assert told == [failing]
    assert isinstance(rounds.samples[CONTROL], Failure) == (failing == "a")


def test_results_of_warm_up_and_of_every_sample_are_inspected_under_the_contestants_name() -> None:
    seen = Counter[tuple[str, object]]()
    calls = {"a": lambda: "of a", "b": lambda: "of b"}
    Simulation(a=1e-3, b=1e-3).run(
        Budget(seconds=1.0, precision=0.01),
        baseline="a",
        calls=calls,
        inspect=lambda name, result: seen.update([(name, result)]),
    )
    assert seen == {("a", "of a"): 1 + 2 * 16, ("b", "of b"): 1 + 16}


@pytest.mark.parametrize(("last", "where"), [(0, ""), (1, "in round 1: "), (4, "in round 4: ")])
def test_what_an_inspection_finds_is_a_failure(last: int, where: str) -> None:
    looks = count()

    def inspect(name: str, result: object) -> None:
        if name == "b" and not isinstance(result, Failure) and next(looks) == last:
            raise Failure(Status.WRONG, "caught")

    out = Simulation(noise=0.1, a=1e-3, b=1e-3).run(baseline="a", inspect=inspect).samples["b"]
    assert isinstance(out, Failure)
    assert (out.status, out.reason) == (Status.WRONG, f"{where}caught")


# Warm-up


def test_warm_up_lasts_until_a_batch_is_no_faster_than_those_before() -> None:
    def warm_up_calls(paces: list[float]) -> int:
        made = list[int]()

        def clock(call: Callable[[], object], calls: int) -> tuple[float, object]:
            made.append(calls)
            return calls * (paces[len(made) - 1] if len(made) <= len(paces) else paces[-1]), call()

        budget = Budget(seconds=80.0, precision=1.0)
        only(sample_rounds({"a": object}, None, clock, budget, random.Random(0), Phases(lambda: 0.0)))
        return next(place for place, (a, b) in enumerate(pairwise([*made, 0]), 1) if b != 2 * a)

    assert warm_up_calls([0.1, 0.1]) == 2
    assert warm_up_calls([0.1, 0.099]) == 2
    assert warm_up_calls([0.9, 0.5, 0.2, 0.1, 0.1]) == 5
    assert warm_up_calls([1e-3]) == 5, "warm-up takes at least 20 ms"
    assert warm_up_calls([9.0, 8.0, 7.0]) == 2, "the budget also ends warm-up"


def test_wall_time_ends_warm_up_too() -> None:
    """The clock of a GPU counts what the device does, not how long the host takes to queue it."""
    wall, made = [0.0], list[int]()

    def clock(call: Callable[[], object], calls: int) -> tuple[float, object]:
        made.append(calls)
        wall[0] += 0.01 * calls
        return 1e-6 * calls * 0.5 ** len(made), call()

    warm_up(object, clock, 1.0, lambda result: None, lambda: wall[0])
    assert made == [1, 2, 4, 8]


def test_the_pace_of_early_calls_is_kept_where_there_were_some() -> None:
    calls = count()

    def faster_later(call: Callable[[], object], many: int) -> tuple[float, object]:
        first = next(calls)
        return many * (3e-5 if 2**first <= 1000 else 1e-5), call()

    (samples,) = only(
        sample_rounds({"a": object}, None, faster_later, LONG, random.Random(0), Phases(lambda: 0.0))
    ).values()
    assert samples.early_s == pytest.approx(3e-5)
    assert samples.samples_s[-1] == pytest.approx(1e-5)
    (slow,) = only(Simulation(a=1e-3).run()).values()
    assert np.isnan(slow.early_s)


# Signs of life


def test_between_samples_the_next_contestant_is_named_with_the_share_that_is_done_and_never_within_one() -> None:
    simulation, seen = Simulation(noise=0.1, a=0.01, b=0.02), list[tuple[str, str, float]]()

    def watch(phase: str, name: str, share: float) -> None:
        assert not inside
        seen.append((phase, name, share))

    inside = list[int]()

    def clock(call: Callable[[], object], calls: int) -> tuple[float, object]:
        inside.append(calls)
        try:
            return simulation.clock(call, calls)
        finally:
            inside.pop()

    calls = {name: partial(simulation._call, name, object) for name in "ab"}
    phases = Phases(lambda: simulation.time, watch)
    sample_rounds(calls, "a", clock, Budget(seconds=1.0, precision=1e-12), random.Random(0), phases)
    warm_up, samples = ([one for one in seen if one[0] == phase and one[1]] for phase in ("warm-up", "samples"))
    assert [name for _, name, _ in warm_up] == ["a", "b"]
    assert {name for _, name, _ in samples} == {"a", "b"}
    shares = [share for *_, share in samples]
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert 0.9 < shares[-1] <= 1
