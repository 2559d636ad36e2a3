"""Does the experiment count correctly, and does its page show all counts?"""

import math
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from suites.measure.rounds import CONTROL, Rounds
from suites.measure.turns import Samples
from suites.records.case import Case
from suites.validity import __main__ as experiment
from suites.validity import instrument
from suites.validity.instrument import Property, cost, smallest_call, stopped, stopping
from suites.validity.kept import Comparison
from suites.validity.methods import Outcome, ours, pytest_benchmark, torch_timer
from suites.validity.rates import rates
from suites.validity.workloads import WORK, pair


def answers(slowdown: float, *seen: tuple[bool, float, float, float]) -> pd.DataFrame:
    cell = {"calls": "5 µs", "machine": "quiet", "slowdown": slowdown}
    return pd.DataFrame([cell | vars(Outcome("ours", *one, 0.5)) for one in seen])


def test_alarms_power_error_and_coverage_are_counted() -> None:
    held, missed = (True, 1.03, 1.01, 1.05), (True, 0.9, 0.85, 0.95)
    (row,) = rates(answers(0.02, held, missed)).to_dict("records")
    assert (row["trials"], row["seen"], row["coverage"]) == (2, 0.5, 0.5), "only the right direction counts as seen"
    assert row["error_median"] == pytest.approx((abs(1.03 / 1.02 - 1) + abs(0.9 / 1.02 - 1)) / 2)
    assert row["seen_low"] < 0.5 < row["seen_high"]
    (row,) = rates(answers(0.0, held, missed)).to_dict("records")
    assert (row["seen"], row["coverage"]) == (1.0, 0.0), "both directions are false alarms"


def test_a_method_without_intervals_has_no_coverage() -> None:
    (row,) = rates(answers(0.02, (False, 1.0, math.nan, math.nan))).to_dict("records")
    assert math.isnan(row["coverage"])


@pytest.mark.parametrize("length", WORK)
def test_the_slower_of_a_pair_does_exactly_so_much_more(length: str) -> None:
    work = pair(length, 0.1)
    assert work.ratio == 1.1
    for call in work.calls:
        seconds, result = work.clock(call, 10)
        assert seconds > 0
        assert result is not None
    assert work.correction == pytest.approx(1.0, abs=0.01)


@pytest.mark.alone
def test_each_method_answers() -> None:
    work = pair("5 µs", 0.0)
    found = [ours(work, 0.03, 0.01, random.Random(0)), *pytest_benchmark(work, 0.02), torch_timer(work, 0.02)]
    assert len({answer.method for answer in found}) == len(found) == 7
    for answer in found:
        assert 0.1 < answer.ratio < 10
        assert answer.seconds > 0


@pytest.mark.alone
def test_properties_are_given_in_words() -> None:
    rng = random.Random(0)
    assert "beyond an empty call" in smallest_call(0.02, rng)
    assert re.fullmatch(r"\d.*% of the rounds, \d.*% of the case .*", cost(0.01, rng))
    assert "of 2 pairs" in stopping(0.02, [("5 µs", 0.0), ("5 µs", 0.1)], rng)


def test_stopping_early_counts_from_the_first_look_that_is_precise() -> None:
    steady = lambda seconds: Samples(1, 1, samples_s=[seconds] * 64)  # noqa: E731
    rounds = Rounds({"a": steady(1.0), "b": steady(1.1), CONTROL: steady(1.0)}, "budget")
    early, share = stopped(rounds)
    assert share == 16 / 64
    assert all(len(entry.samples_s) == 16 for entry in early.samples.values())


@pytest.mark.alone
def test_processes_are_compared_by_their_ratios(monkeypatch: pytest.MonkeyPatch) -> None:
    small = Case(task="paired", shape=(4, 32), dtype="float32", device="cpu")
    monkeypatch.setattr(instrument, "CASES", (small,))
    monkeypatch.setattr(instrument, "CONTESTANTS", ("builtin", "normalize"))
    assert "of 1 ratios" in instrument.agreement("pinned", 2, 0.01)


def test_the_page_and_the_table_are_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(
        experiment, "properties", lambda *_: [Property("smallest call", "100 ns", lambda: "12 ns: distinguished")]
    )
    monkeypatch.setattr(experiment.torch, "set_num_threads", lambda threads: None)
    monkeypatch.setattr(experiment, "LONG_S", 0.02)
    options = ["--trials=1", "--seconds=0.02", "--calls", "5 µs", "--machine", "quiet"]
    experiment.main([*options, f"--docs={tmp_path}", f"--json={tmp_path / 'all.json'}"])
    page, table = (tmp_path / "validity.md").read_text(), pd.read_csv(tmp_path / "validity.csv")
    assert "12 ns: distinguished" in page
    for method in ("ours: paired rounds", "pytest-benchmark: min 5 %", "Welch, sequential", "Mann-Whitney, sequential"):
        assert method in page
        assert set(table.query("method == @method")["slowdown"]) == {0.0, 0.01, 0.02, 0.05, 0.1}
    assert len(pd.read_json(tmp_path / "all.json", lines=True)) >= 5 * 7


def test_an_experiment_that_was_cut_short_goes_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    measured: list[str] = []
    smallest = Property("smallest call", "100 ns", lambda: measured.append("smallest call") or "12 ns")
    monkeypatch.setattr(experiment, "properties", lambda *_: [smallest])
    monkeypatch.setattr(experiment.torch, "set_num_threads", lambda threads: None)
    seen: list[Comparison] = []

    def compare(comparison: Comparison, seconds: float, rng: random.Random) -> Iterator[Outcome]:
        seen.append(comparison)
        yield Outcome("ours", False, 1.0, 0.9, 1.1, seconds)
        yield Outcome("theirs", False, 1.0, math.nan, math.nan, seconds)

    monkeypatch.setattr(experiment, "_compare", compare)
    others = ["--calls", "5 µs", "--machine", "quiet", f"--docs={tmp_path}", f"--json={tmp_path / 'all.jsonl'}"]
    options = ["--seconds=0.5", *others]
    experiment.main([*options, "--trials=2"])
    page = tmp_path / "validity.md"
    page.write_text(page.read_text() + "\n## Remarks\n\nAs expected.\n")
    with (tmp_path / "all.jsonl").open("a") as file:
        file.write('{"machine": "quiet", "cal')  # cut off by a kill
    experiment.main([*options, "--trials=3"])
    assert page.read_text().endswith("\n## Remarks\n\nAs expected.\n")
    assert measured == ["smallest call"]
    assert len(seen) == len(set(seen)) == 7, "five slowdowns once, identical functions three times"
    identical = pd.read_csv(tmp_path / "validity.csv").query("slowdown == 0")
    assert identical["trials"].tolist() == [3, 3]
    with pytest.raises(SystemExit, match=r"holds trials of 0\.5 s a pair, not 2"):
        experiment.main([*others, "--seconds=2"])


@pytest.mark.parametrize("option", ["--trials=0", "--seconds=-1", "--seconds=nan", "--processes=0"])
def test_a_budget_of_nothing_is_refused(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    name, _, value = option.partition("=")
    with pytest.raises(SystemExit):
        experiment.main([option])
    assert f"{name}: {value} is not above 0; 1 works" in capsys.readouterr().err
