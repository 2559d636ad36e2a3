"""Runs are saved line by line, survive what kills a process, and load as the numbers that were measured."""

import io
import json
import math
import os
import resource
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import results
from results import Environment, Operator, Record, Run, Status, Store, StoreError, UnknownRun, load
from results.__main__ import main
from suites.case import Case
from suites.lines import from_line, to_line
from suites.record import End, Error, Flag, Latency

CASE = Case(task="paired", shape=(64, 768), dtype="float32", device="cpu")
MAPS = Case(task="feature_maps", shape=(8, 64, 7, 7), dtype="float16", device="cuda", memory_format="channels_last")


def head(name="a", started="2026-11-21T10:00:00+00:00"):
    known = {"cores": 8, "memory_bytes": 1, "threads": 8, "dirty": False, "packages": {"numpy": "2"}}
    environment = Environment(**dict.fromkeys(Environment.__annotations__, "") | known)
    return Run(name=name, started=started, grid="smoke", command="pytest", environment=environment, absent={})


def measured(
    implementation,
    samples_s,
    stride=1,
    baseline=False,
    case=CASE,
    peak_bytes=None,
    control_s=(),
    flags=(),
    stop="budget",
):
    return Record(
        implementation=implementation,
        baseline=baseline,
        case=case,
        status=Status.OK,
        latency=Latency(
            samples_s=tuple(samples_s),
            control_s=tuple(control_s),
            calls=10,
            stride=stride,
            stop=stop,
            page_faults=0.25,
            first_call_s=0.5,
        ),
        error=Error(error_abs=2.0**-23, error_rms=2.0**-25),
        peak_bytes=peak_bytes,
        flags=flags,
    )


def failed(implementation, reason="no bf16", baseline=False):
    return Record.failed(implementation, baseline, CASE, Status.UNSUPPORTED, reason)


def save(root, *lines, run=None):
    with Store.create(run or head(), root) as store:
        for line in lines:
            store.append(line)
    return root / f"{(run or head()).name}.jsonl"


def run_cli(capsys, root, *argv):
    main(argv, root)
    return capsys.readouterr()


# -- saving and loading ---------------------------------------------------------------------------


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


def test_runs_are_listed_newest_first(tmp_path):
    save(tmp_path, run=head("old", "2026-11-20"))
    save(tmp_path, measured("x", [1.0]), failed("y"), End(wall_s=1.0, phases_s={}), run=head("new", "2026-11-21"))
    assert results.list_runs(tmp_path).to_numpy().tolist() == [
        ["new", "2026-11-21", "smoke", "cpu", 1, 2, 2, 1, 1, True],
        ["old", "2026-11-20", "smoke", "", 0, 0, 0, 0, 0, False],
    ]


# -- what goes wrong on a disk --------------------------------------------------------------------


def test_a_killed_run_goes_on_without_its_half_line(tmp_path):
    path = save(tmp_path, measured("x", [1.0]))
    path.write_text(path.read_text() + to_line(measured("y", [2.0]))[:40])
    with pytest.warns(UserWarning, match=r"a\.jsonl, line 3 skipped"):
        assert list(load("a", root=tmp_path)["implementation"]) == ["x"]
    store, run, records = Store.resume("a", tmp_path)
    with store:
        store.append(measured("y", [4.0]))
    assert (run, records) == (head(), [measured("x", [1.0])])
    with warnings.catch_warnings(action="error"):
        assert list(load("a", root=tmp_path)["latency_s"]) == [1.0, 4.0]


def test_only_runs_without_an_end_are_resumed(tmp_path):
    save(tmp_path, run=head("first", "2026-11-19"))
    save(tmp_path, End(wall_s=1.0, phases_s={}), run=head("done", "2026-11-20"))
    save(tmp_path, run=head("second", "2026-11-21"))
    assert results.unfinished(tmp_path) == ["second", "first"]
    with pytest.raises(StoreError, match=r"'done' is complete, .* start a new run"):
        Store.resume("done", tmp_path)
    with pytest.raises(UnknownRun, match="did you mean 'first'"):
        Store.resume("frist", tmp_path)


def test_a_foreign_file_is_neither_loaded_nor_touched(tmp_path):
    save(tmp_path, measured("x", [1.0]))
    foreign = tmp_path / "foreign.jsonl"
    foreign.write_bytes(b"\xff\x00 half a ph")
    with pytest.warns(UserWarning, match=r"foreign\.jsonl does not start with the head of a run"):
        assert list(load(root=tmp_path)["run"]) == ["a"]
    with pytest.raises(ValueError, match=r"foreign\.jsonl does not start with the head of a run"):
        Store.resume("foreign", tmp_path)
    assert foreign.read_bytes() == b"\xff\x00 half a ph"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"schema": 99}, "schema 2"),
        ({"schema": 1}, "schema 2"),
        ({"flags": [{"name": "leaks"}]}, "wrong field"),
        ({"kind": "song"}, "song"),
        ({"status": "fine"}, "'fine'"),
        ({"status": "wrong"}, "latency"),
        ({"task": "chess"}, "'chess' is not known, only paired"),
        ({"samples_s": [1.0, -1.0]}, "samples that are not times"),
        ({"samples_s": []}, "samples that are not times"),
        ({"control_s": [1.0, 0.0]}, "samples that are not times"),
        ({"stride": 0}, "stride 0"),
        ({"error_abs": {}}, "wrong type"),
    ],
)
def test_a_foreign_line_is_left_out_and_the_rest_loads(tmp_path, changed, said):
    path = save(tmp_path, measured("x", [1.0]))
    foreign = json.dumps(json.loads(to_line(measured("y", [1.0]))) | changed)
    path.write_text(f"{path.read_text()}{foreign}\n{to_line(measured('z', [1.0]))}\n")
    with pytest.warns(UserWarning, match=rf"a\.jsonl, line 3 skipped: .*{said}"):
        assert list(load("a", root=tmp_path)["implementation"]) == ["x", "z"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_says_what_is_safe():
    with (
        Store(io.FileIO("/dev/full", "w"), records=41) as store,
        pytest.raises(StoreError, match=r"/dev/full: .*No space left.* 41 records are safe .* --resume goes on"),
    ):
        store.append(failed("x"))


def test_a_line_that_does_not_fit_leaves_the_others_whole(tmp_path):
    with Store.create(head(), tmp_path) as store:
        store.append(failed("x"))
        path, unlimited = tmp_path / "a.jsonl", resource.getrlimit(resource.RLIMIT_FSIZE)
        whole = path.read_text()
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 20, unlimited[1]))
        try:
            with pytest.raises(StoreError, match="1 records are safe on disk"):
                store.append(failed("y"))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
        assert path.read_text() == whole
        store.append(failed("z"))
    assert list(load("a", root=tmp_path)["implementation"]) == ["x", "z"]


# -- names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "better"),
    [
        ("feature/x", "feature-x"),
        ("../../x", "x"),
        ("a..b", "a-b"),
        (".x", "x"),
        ("-x", "x"),
        ("", "run-1"),
        ("é", "run-1"),
    ],
)
def test_a_name_never_becomes_a_path(tmp_path, name, better):
    with pytest.raises(ValueError, match=f"cannot be called .* try {better!r}"):
        Store.create(head(name), tmp_path)
    assert not any(tmp_path.iterdir())
    results.check_name(better)
    with pytest.raises(UnknownRun):
        load(name, root=tmp_path)


def test_names_that_are_refused_for_other_reasons():
    results.check_name("0.1+cu130_a-B")
    with pytest.raises(ValueError, match="stands for the newest run: try 'latest-1'"):
        results.check_name("latest")
    with pytest.raises(ValueError, match="at most 120"):
        results.check_name("x" * 121)


def test_nothing_is_overwritten(tmp_path):
    path = save(tmp_path)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"already a run 'a' .* 'a-2' is free"):
        Store.create(head(), tmp_path)
    save(tmp_path, run=head("a-2"))
    assert results.free_name("a", tmp_path) == "a-3"
    assert results.free_name("b", tmp_path) == "b"
    assert path.read_bytes() == before
    longest = "x" * 120
    save(tmp_path, run=head(longest))
    results.check_name(results.free_name(longest, tmp_path))


def test_a_folder_that_cannot_be_made_is_a_store_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="the run 'a' cannot be saved: "):
        Store.create(head(), tmp_path / "file" / "runs")


def test_an_unknown_run_names_the_nearest(tmp_path):
    save(tmp_path, run=head("main-h200"))
    with pytest.raises(UnknownRun, match=r"no run 'main-h20' .* did you mean 'main-h200'\? There are: main-h200"):
        load("main-h20", root=tmp_path)
    with pytest.raises(UnknownRun, match="It is empty"):
        load("latest", root=tmp_path / "missing")


# -- ratios and verdicts -----------------------------------------------------------------------------------


def twice(*samples):
    return [sample for sample in samples for _ in range(2)]


def test_ratios_pair_the_samples_of_one_pair_of_rounds(tmp_path):
    base = measured("base", twice(1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0), baseline=True)
    third = measured("third", twice(3.0, 16.0, 320.0), stride=3)  # pairs 0, 3, 6: over 1, 8, 64
    save(tmp_path, third, base, measured("other case", [1.0, 1.0], case=MAPS), failed("none"))
    table = load("a", root=tmp_path).set_index("implementation")[["ratio", "ratio_low", "ratio_high"]]
    assert table.loc["third"].tolist() == pytest.approx([3.0, 2.0, 5.0])
    assert table.loc["base"].tolist() == [1.0, 1.0, 1.0]
    assert table.loc[["other case", "none"]].isna().all(axis=None)


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


def test_a_failed_baseline_gives_no_ratio(tmp_path):
    save(tmp_path, failed("base", baseline=True), measured("x", [1.0, 1.0]))
    table = load("a", root=tmp_path)
    assert table[["ratio", "noise_floor"]].isna().all(axis=None)
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


# -- the command line -----------------------------------------------------------------------------


@pytest.fixture
def two_rows(tmp_path):
    base = measured("base", [1.23e-5] * 6, baseline=True, peak_bytes=3 * 2**19)
    save(tmp_path, base, failed("pipe|line", "no <b>\nno \x1b[31mred"))
    return tmp_path


def test_the_list_shows_every_run(capsys, two_rows):
    out = run_cli(capsys, two_rows).out.splitlines()
    assert out[0].split() == [*results.RUN_COLUMNS]
    assert out[2].split()[:9] == ["a", "2026-11-21T10:00:00+00:00", "smoke", "cpu", "1", "2", "2", "1", "1"]
    assert "There are no runs in" in run_cli(capsys, two_rows / "missing").out


def test_the_table_speaks_human_units_and_no_escape_codes(capsys, two_rows):
    _, _, base, other = run_cli(capsys, two_rows, "show", "latest").out.splitlines()
    assert " ".join(base.split()) == "base paired-cpu-float32-64x768 ok 12.3 12.3 .. 12.3 1 1 .. 1 1.5 2"
    assert " ".join(other.split()) == "pipe|line paired-cpu-float32-64x768 unsupported no <b> no ?[31mred"


def test_exports_hold_the_raw_table(capsys, two_rows):
    table = load("a", root=two_rows)
    csv = run_cli(capsys, two_rows, "show", "a", "--format", "csv").out
    pd.testing.assert_frame_equal(
        pd.read_csv(io.StringIO(csv), dtype={**table.dtypes, "reason": "str"}, keep_default_na=False, na_values=[""])[
            ["case", "latency_s", "peak_bytes", "ratio"]
        ],
        table[["case", "latency_s", "peak_bytes", "ratio"]],
    )
    base, other = json.loads(run_cli(capsys, two_rows, "show", "a", "--format", "json").out)
    assert tuple(base) == results.COLUMNS
    assert (base["latency_s"], base["peak_bytes"], other["ratio"]) == (1.23e-5, 3 * 2**19, None)


def test_markdown_escapes_what_comes_from_outside(capsys, two_rows):
    out = run_cli(capsys, two_rows, "show", "a", "--format", "markdown").out.splitlines()
    assert len(out) == 4
    assert r"pipe\|line" in out[3]
    assert r"no \<b\> no" in out[3]
    assert "1.23e-05" in out[2]


def test_parquet_needs_a_file_on_a_terminal(capsys, monkeypatch, two_rows):
    file = two_rows / "a.parquet"
    main(["show", "a", "--format", "parquet", "--output", str(file)], two_rows)
    pd.testing.assert_frame_equal(pd.read_parquet(file), load("a", root=two_rows))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    with pytest.raises(SystemExit, match="2"):
        main(["show", "a", "--format", "parquet"], two_rows)
    assert capsys.readouterr().err == (
        "python -m results: a terminal cannot show parquet, which is binary: add --output FILE\n"
    )


@pytest.mark.parametrize(
    ("argv", "said"), [(["show", "b"], "no run 'b'"), (["show", "a", "--output", "/"], "directory")]
)
def test_bad_input_is_one_line_and_status_2(capsys, two_rows, argv, said):
    with pytest.raises(SystemExit, match="2"):
        main(argv, two_rows)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("python -m results: ")
    assert said in line


def test_warnings_are_one_line_each_and_an_empty_run_has_an_empty_table(capsys, tmp_path):
    (tmp_path / "foreign.jsonl").write_text("{}\n")
    shown = run_cli(capsys, tmp_path, "show", "foreign")
    assert shown.out.startswith("implementation")
    (line,) = shown.err.splitlines()
    assert line.startswith("warning: skipped: ")


def test_a_reader_may_close_the_pipe(two_rows):
    command = [sys.executable, "-m", "results", "show", str(two_rows / "a.jsonl")]
    checkout = Path(results.__file__).parents[1]
    buffered = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=checkout, env=buffered, stdout=pipe, stderr=pipe, text=True) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0
