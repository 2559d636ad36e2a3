"""Saved runs load as measured, with ratios and verdicts."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import results
from results import Operator, Record, Status, load
from suites.records.jsonl import from_line, to_line
from suites.records.record import End, Flag
from tests.runs import CASE, MAPS, failed, head, measured, save


def test_what_was_saved_is_loaded(tmp_path):
    operator = Operator(
        implementation="b",
        baseline=False,
        case_id="paired-x",
        operator="aten::mul",
        calls=2,
        self_s=1e-6,
        allocated_bytes=8,
    )
    end = End(wall_s=9.5, phases_s={"samples": 9.0})
    flags = (Flag(name="leaks", evidence="8 bytes"), Flag(name="drift", evidence="1.1 times"))
    base = measured("a", [1, 2, 4], baseline=True, peak_bytes=7, control_s=[1, 2], flags=flags, stop="precision")
    save(tmp_path, base, failed("b"), operator, end)
    ok, not_ok = load("a", root=tmp_path, samples=True).to_dict("records")
    assert (ok["run"], ok["implementation"], ok["baseline"], ok["status"], ok["reason"]) == ("a", "a", True, "ok", "")
    assert (ok["task"], ok["shape"], ok["dim"], ok["case"]) == ("paired", "64x768", "-1", "paired-cpu-float32-64x768")
    assert (ok["latency_s"], ok["latency_low"], ok["latency_high"]) == (2, 1, 4)
    assert (ok["rounds"], ok["calls"], ok["first_call_s"], ok["peak_bytes"]) == (3, 10, 0.5, 7)
    assert (ok["stop"], ok["page_faults"], ok["flags"]) == ("precision", 0.25, "leaks, drift")
    assert (not_ok["stop"], not_ok["verdict"], not_ok["flags"]) == ("", "", "")
    assert math.isnan(not_ok["page_faults"])
    assert (ok["error_abs"], ok["error_rms"], ok["error_u"]) == (2.0**-23, 2.0**-25, 2)
    np.testing.assert_array_equal(ok["samples_s"], [1.0, 2.0, 4.0])
    assert (not_ok["status"], not_ok["reason"], len(not_ok["samples_s"])) == ("unsupported", "no bf16", 0)
    assert math.isnan(not_ok["latency_s"])
    assert load("a", root=tmp_path)["peak_bytes"].isna().tolist() == [False, True]
    assert results.load_run("a", tmp_path) == head()
    assert results.load_end("a", tmp_path) == end
    assert results.load_operators("a", tmp_path).to_dict("records") == [
        {
            "implementation": "b",
            "baseline": False,
            "case": "paired-x",
            "operator": "aten::mul",
            "calls": 2,
            "self_s": 1e-6,
            "allocated_bytes": 8,
        }
    ]


def test_text_that_is_not_unicode_loads(tmp_path):
    save(tmp_path, failed("x", "no file caf\udce9.npy"))
    assert load("a", root=tmp_path)["reason"].tolist() == ["no file caf?.npy"]


def test_a_case_is_named_by_its_axes(tmp_path):
    save(tmp_path, measured("a", [1.0], case=MAPS))
    row = load("a", root=tmp_path).iloc[0]
    assert (row["shape"], row["dim"], row["memory_format"]) == ("8x64x7x7", "1,2,3", "channels_last")
    assert row["case"] == "feature_maps-cuda-float16-8x64x7x7-channels_last"


def test_every_table_has_the_same_columns(tmp_path):
    empty = load(root=tmp_path / "missing")
    save(tmp_path, failed("b"))
    assert tuple(empty.columns) == results.COLUMNS
    assert len(empty) == 0
    pd.testing.assert_series_equal(empty.dtypes, load(root=tmp_path).dtypes)
    assert tuple(results.load_operators("a", tmp_path).columns) == results.OPERATOR_COLUMNS
    assert results.load_end("a", tmp_path) is None


def test_runs_are_loaded_by_name_by_path_together_and_by_age(tmp_path):
    path = save(tmp_path, measured("x", [1.0]), run=head("old", "2026-11-20T23:59:00+00:00"))
    save(tmp_path, measured("x", [2.0]), run=head("new", "2026-11-21T00:01:00+00:00"))
    assert list(load(root=tmp_path)["run"]) == ["new", "old"]
    assert list(load(["old", "new", "old"], root=tmp_path)["run"]) == ["old", "new"]
    assert list(load("latest", root=tmp_path)["run"]) == ["new"]
    assert list(load(str(path), root=tmp_path / "elsewhere")["run"]) == ["old"]


def test_the_last_of_two_measurements_counts(tmp_path):
    save(tmp_path, measured("x", [1.0]), failed("y"), measured("x", [3.0]))
    assert list(load("a", root=tmp_path)["latency_s"].dropna()) == [3.0]
    assert list(results.list_runs(tmp_path)["records"]) == [2]


def test_flags_are_loaded_with_their_evidence_and_the_last_record_counts(tmp_path):
    leaks, drift = Flag(name="leaks", evidence="8 bytes"), Flag(name="drift", evidence="1.1 times")
    save(tmp_path, measured("x", [1.0], flags=(drift,)), failed("y"), measured("x", [1.0], flags=(leaks, drift)))
    case = "paired-cpu-float32-64x768"
    assert results.load_flags("a", tmp_path).to_numpy().tolist() == [
        ["x", case, "leaks", "8 bytes"],
        ["x", case, "drift", "1.1 times"],
    ]
    assert tuple(results.load_flags("a", tmp_path).columns) == results.FLAG_COLUMNS


def test_of_older_runs_the_newest_is_the_one_that_began_last_wherever_its_clock_was(tmp_path):
    save(tmp_path, run=head("tokyo", "2026-11-21T12:00:00+09:00"))
    save(tmp_path, run=head("paris", "2026-11-21T08:00:00+01:00"))
    save(tmp_path, run=head("nowhere", "2026-11-21T06:00:00"))
    for path in tmp_path.iterdir():  # as older versions wrote them
        path.write_text(path.read_text().replace(', "sequence": ', ', "unknown": '))
    assert list(results.list_runs(tmp_path)["run"]) == ["paris", "nowhere", "tokyo"]


def test_the_second_look_of_a_night_is_a_run_but_never_the_latest(tmp_path):
    save(tmp_path, run=head("nightly-1", "2026-11-20"))
    save(tmp_path, run=head("nightly-1-again", "2026-11-21"))
    assert list(results.list_runs(tmp_path)["run"]) == ["nightly-1-again", "nightly-1"]
    assert results.load_run("latest", tmp_path).name == "nightly-1"
    save(tmp_path, run=head("mine-again", "2026-11-22"))
    assert results.load_run("latest", tmp_path).name == "mine-again"


def test_all_that_did_not_work_loads_with_its_reason(tmp_path):
    failures = [Record.failed(status, False, CASE, status, "no luck") for status in Status if status != "ok"]
    save(tmp_path, *failures)
    table = load("a", root=tmp_path)
    assert table["status"].tolist() == [status.value for status in Status][1:]
    assert set(table["reason"]) == {"no luck"}


def test_runs_are_listed_newest_first(tmp_path):
    save(tmp_path, run=head("old", "2026-11-20"))
    save(tmp_path, measured("x", [1.0]), failed("y"), End(wall_s=1.0, phases_s={}), run=head("new", "2026-11-21"))
    assert results.list_runs(tmp_path).to_numpy().tolist() == [
        ["new", "2026-11-21", "smoke", "cpu", 1, 2, 2, 1, 1, True],
        ["old", "2026-11-20", "smoke", "", 0, 0, 0, 0, 0, False],
    ]


# -- ratios and verdicts -----------------------------------------------------------------------------------


def twice(*samples):
    return [sample for sample in samples for _ in range(2)]


def test_ratios_pair_the_samples_of_one_pair_of_rounds(tmp_path):
    base = measured("base", twice(1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0), baseline=True)
    third = measured("third", twice(3.0, 16.0, 320.0), stride=3)  # pairs 0, 3, 6: over 1, 8, 64
    save(tmp_path, third, base, measured("other case", [1.0, 1.0], case=MAPS), failed("none"))
    table = load("a", root=tmp_path).set_index("implementation")[["ratio", "ratio_low", "ratio_high"]]
    assert table.loc["third"].tolist() == pytest.approx([3.0, 2.0 / 1.5, 5.0 * 1.5]), "three have no 95 % interval"
    assert table.loc["base"].tolist() == [1.0, 1.0, 1.0]
    assert table.loc["none"].isna().all()
    assert table.loc["other case"].tolist() == [1.0, 1.0, 1.0], "alone in its group, it is its own reference"


def test_ratios_of_two_strides_pair_the_pairs_that_both_have(tmp_path):
    base = measured("base", twice(1.0, 9.0, 9.0, 4.0, 9.0), stride=2, baseline=True)  # pairs 0, 2, 4, 6, 8
    save(tmp_path, base, measured("x", twice(3.0, 9.0, 20.0, 9.0), stride=3))  # pairs 0, 3, 6, 9: over 1 and 4
    assert load("a", root=tmp_path)["ratio"].tolist() == pytest.approx([1.0, 4.0])


def test_verdicts_are_those_beyond_the_noise_floor_of_their_case(tmp_path):
    noisy = measured("base", [1.0] * 20, baseline=True, control_s=[1.0, 1.0, *[1.1] * 18])
    quiet = measured("base", [1.0] * 20, baseline=True, case=MAPS, control_s=[1.0] * 20)
    others = [
        measured(name, [seconds] * 20, case=case)
        for case in (CASE, MAPS)
        for name, seconds in (("a bit", 1.05), ("much", 2.0), ("less", 0.5))
    ]
    save(tmp_path, noisy, quiet, *others, measured("few", [1.4] * 4), failed("none"))
    table = load("a", root=tmp_path).set_index(["task", "implementation"])
    assert table.loc["paired", "noise_floor"].tolist() == pytest.approx([0.1] * 6)
    assert table.loc["feature_maps", "noise_floor"].tolist() == [0.0] * 4
    nothing = "no difference seen"
    assert dict(table.loc["paired", "verdict"]) == {
        "base": "",
        "a bit": nothing,
        "much": "slower",
        "less": "faster",
        "few": nothing,
        "none": "",
    }
    assert dict(table.loc["feature_maps", "verdict"]) == {
        "base": "",
        "a bit": "slower",
        "much": "slower",
        "less": "faster",
    }


def test_a_failed_baseline_has_no_ratio(tmp_path):
    save(tmp_path, failed("base", baseline=True), measured("x", [1.0, 1.0]))
    table = load("a", root=tmp_path).set_index("implementation")
    assert table.loc["base", ["ratio", "noise_floor"]].isna().all()
    assert table["verdict"].tolist() == ["", ""]


def test_runs_keep_their_own_baseline(tmp_path):
    for name, seconds in (("a", 1.0), ("b", 2.0)):
        save(tmp_path, measured("base", [seconds] * 2, baseline=True), measured("x", [4.0] * 2), run=head(name))
    assert load(["a", "b"], root=tmp_path)["ratio"].tolist() == [1.0, 4.0, 1.0, 2.0]


seconds = st.floats(1e-9, 1e3)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    st.text('aµ|\n"\\\x1b\u2028'),
    st.lists(seconds, min_size=1, max_size=20),
    st.integers(1, 4),
    st.none() | st.integers(0, 2**60),
    st.lists(seconds, max_size=20),
    st.lists(st.builds(Flag, name=st.text(), evidence=st.text()), max_size=3),
)
def test_a_record_survives_its_line(name, samples_s, stride, peak_bytes, control_s, flags):
    record = measured(
        name, samples_s, stride, case=MAPS, peak_bytes=peak_bytes, control_s=control_s, flags=tuple(flags)
    )
    assert "\n" not in to_line(record)
    assert from_line(to_line(record)) == record
