"""Runs are saved line by line and survive a kill; names never become paths."""

import io
import json
import os
import resource
import shutil
import subprocess
import sys
import warnings
from contextlib import closing
from pathlib import Path

import pytest

import results
from reports.__main__ import main as render_report
from results import Store, StoreError, UnknownRun, load
from results.recorder import Recorder
from suites.records.jsonl import SCHEMA, to_line
from suites.records.record import End
from tests.runs import failed, head, measured, save

# -- damaged files and full disks --------------------------------------------------------------------


def test_a_killed_run_goes_on_without_its_half_line(tmp_path):
    path = save(tmp_path, measured("x", [1.0]))
    path.write_text(path.read_text() + to_line(measured("y", [2.0]))[:40])
    with pytest.warns(UserWarning, match=r"a\.jsonl, line 3 skipped"):
        assert list(load("a", root=tmp_path)["implementation"]) == ["x"]
    store, run, records = Store.resume("a", tmp_path)
    with closing(store):
        store.append([measured("y", [4.0])])
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
    with pytest.warns(UserWarning, match=r"foreign\.jsonl cannot be read as a run"):
        assert list(load(root=tmp_path)["run"]) == ["a"]
    with pytest.raises(ValueError, match=r"foreign\.jsonl cannot be read as a run"):
        Store.resume("foreign", tmp_path)
    assert foreign.read_bytes() == b"\xff\x00 half a ph"


@pytest.mark.parametrize(
    ("commit", "next_step"),
    [
        ("403a3e30af3bf914dd88facac73a3ae4e3b10816", "`git checkout 403a3e3` gets the version that wrote it"),
        ("$(rm -r .)", "the version that wrote it reads it"),
    ],
)
def test_a_run_of_another_schema_is_named_with_what_reads_it_and_the_rest_loads(tmp_path, commit, next_step):
    save(tmp_path, measured("x", [1.0]))
    row = json.loads(to_line(head("old")))
    row |= {"schema": 1, "environment": row["environment"] | {"commit": commit}}
    (tmp_path / "old.jsonl").write_text(json.dumps(row) + "\n" + '{"schema": 1}\n' * 3)
    said = f"it has schema 1, and this version reads schema {SCHEMA}; {next_step}"
    for reading in (load, results.list_runs):
        with pytest.warns(UserWarning, match="old") as caught:
            assert list(reading(root=tmp_path)["run"]) == ["a"]
        assert [str(warning.message) for warning in caught] == [
            f"skipped: {tmp_path}/old.jsonl cannot be read as a run: {said}"
        ]


def test_a_head_without_a_time_is_none(tmp_path):
    save(tmp_path, run=head(started="yesterday"))
    with pytest.warns(UserWarning, match="'yesterday'"):
        assert results.list_runs(tmp_path).empty


def test_a_head_from_before_a_field_was_there_still_loads(tmp_path):
    row = json.loads(to_line(head()))
    for field in ("precision", "seconds", "inputs", "fingerprints"):
        del row[field]
    (tmp_path / "a.jsonl").write_text(json.dumps(row) + "\n")
    assert results.load_run("a", tmp_path) == head()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"schema": 99}, f"it has schema 99, and this version reads schema {SCHEMA}; the version that wrote it"),
        ({"schema": 1}, "it has schema 1"),
        ({"flags": [{"name": "leaks"}]}, "wrong field"),
        ({"kind": "song"}, "song"),
        ({"status": "fine"}, "'fine'"),
        ({"status": "wrong"}, "latency"),
        ({"task": "chess"}, "unknown task 'chess'; known: paired"),
        ({"samples_s": [1.0, -1.0]}, "samples that are not times"),
        ({"samples_s": []}, "samples that are not times"),
        ({"control_s": [1.0, 0.0]}, "samples that are not times"),
        ({"stride": 0}, "stride 0"),
        ({"error_abs": {}}, "error_abs is {}, not a finite number"),
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
        closing(Store(io.FileIO("/dev/full", "w"), saved=[failed("x"), failed("y")])) as store,
        pytest.raises(StoreError, match=r"/dev/full: .*No space left.* Safe on disk: 2 records; .* --resume continues"),
    ):
        store.append([failed("z")])


def test_a_case_that_does_not_fit_leaves_the_others_whole_and_no_half_of_its_own(tmp_path):
    with closing(Store.create(head(), tmp_path)) as store:
        store.append([failed("x")])
        path, unlimited = tmp_path / "a.jsonl", resource.getrlimit(resource.RLIMIT_FSIZE)
        whole = path.read_text()
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + len(to_line(failed("y"))) + 20, unlimited[1]))
        try:
            with pytest.raises(StoreError, match="Safe on disk: 1 record;"):
                store.append([failed("y"), failed("y2")])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
        assert path.read_text() == whole
        store.append([failed("z")])
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


def test_a_name_in_a_file_never_becomes_a_path(tmp_path):
    (tmp_path / "runs").mkdir()
    path = save(tmp_path / "runs", measured("x", [1.0]))
    path.write_text(path.read_text().replace('"name": "a"', '"name": "../x"', 1))
    for options in ([], ["--publish"]):
        asked = [str(path), *options]
        render_report(asked, root=tmp_path / "runs", out=tmp_path / "out", published=tmp_path / "published")
    assert not [found for found in tmp_path.rglob("*") if found.stem == "x"]
    assert {found.name for found in tmp_path.iterdir()} == {"runs", "out", "published"}
    assert {found.name for found in (tmp_path / "out").iterdir()} == {"a", "latest"}, "the name of the file"
    assert "../x" not in (tmp_path / "out" / "a" / "report.md").read_text()


def test_names_that_are_refused_for_other_reasons():
    results.check_name("0.1+cu130_a-B")
    with pytest.raises(ValueError, match="means the newest run: try 'latest-1'"):
        results.check_name("latest")
    with pytest.raises(ValueError, match="at most 120"):
        results.check_name("x" * 121)


@pytest.mark.parametrize("name", ["x" * 300, "x" * 300 + ".jsonl", "y" * 300 + "/a.jsonl", "x" * 300 + ".npy", "\0"])
def test_a_name_that_no_file_can_have_is_an_unknown_run(tmp_path, name):
    save(tmp_path)
    with pytest.raises(UnknownRun, match="there is no run"):
        load(name, root=tmp_path)


def test_nothing_is_overwritten(tmp_path):
    path = save(tmp_path)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"already a run 'a', .* 'a-2' is free"):
        Store.create(head(), tmp_path)
    save(tmp_path, run=head("a-2"))
    assert results.free_name("a", tmp_path) == "a-3"
    assert results.free_name("b", tmp_path) == "b"
    assert path.read_bytes() == before
    longest = "x" * 120
    save(tmp_path, run=head(longest))
    results.check_name(results.free_name(longest, tmp_path))


def test_a_folder_in_the_place_of_a_run_is_left_alone(tmp_path):
    (tmp_path / "a.jsonl").mkdir()
    assert results.free_name("a", tmp_path) == "a-2"
    with pytest.raises(StoreError, match="already a run 'a'"):
        Store.create(head(), tmp_path)
    assert results.list_runs(tmp_path).empty


def test_a_folder_that_cannot_be_made_is_a_store_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="the run 'a' cannot be saved: "):
        Store.create(head(), tmp_path / "file" / "runs")


def test_an_unknown_run_names_the_nearest(tmp_path):
    save(tmp_path, run=head("main-h200"))
    with pytest.raises(UnknownRun, match=r"no run 'main-h20' .* did you mean 'main-h200'\? known: latest, main-h200"):
        load("main-h20", root=tmp_path)
    with pytest.raises(UnknownRun, match="It is empty"):
        load("latest", root=tmp_path / "missing")


# -- saved means read back -------------------------------------------------------------------------


def test_a_file_that_is_removed_while_a_run_is_written_is_saved_again(tmp_path):
    path = tmp_path / "runs" / "a.jsonl"
    with closing(Store.create(head(), path.parent)) as store:
        store.append([failed("x")])
        shutil.rmtree(path.parent)
        with pytest.warns(UserWarning, match="was removed while the run was written; it is saved again as"):
            store.append([failed("y")])
        assert (store.path, store.lost()) == (path, 0)
        path.unlink()
        with pytest.warns(UserWarning, match="was removed"):
            assert store.lost() == 0
    assert list(load("a", root=path.parent)["implementation"]) == ["x", "y"]


def test_a_file_that_took_the_place_of_a_runs_stays_and_the_run_gets_a_free_name(tmp_path):
    with closing(Store.create(head(), tmp_path)) as store:
        store.append([failed("x")])
        (tmp_path / "a.jsonl").unlink()
        (tmp_path / "a.jsonl").write_text("mine\n")
        with pytest.warns(UserWarning, match=r"saved again as .*a-2\.jsonl"):
            store.append([failed("y")])
    assert (tmp_path / "a.jsonl").read_text() == "mine\n"
    assert list(load("a-2", root=tmp_path)["implementation"]) == ["x", "y"]


@pytest.mark.parametrize("change", [lambda text: text[:300], lambda text: text + "{}\n", lambda _: ""])
def test_a_file_of_another_length_ends_the_run(tmp_path, change):
    with closing(Store.create(head(), tmp_path)) as store:
        store.append([failed("x")])
        store.path.write_text(change(store.path.read_text()))
        with pytest.raises(StoreError, match=r"was changed by something else: it has .* bytes, and this run wrote"):
            store.append([failed("y")])


def test_lines_that_were_overwritten_are_no_saved_records(tmp_path):
    recorder = Recorder(head(), tmp_path)
    recorder.append([failed("x"), failed("y"), failed("z")])
    assert recorder.fault() == ""
    path = tmp_path / "a.jsonl"
    first, *lines = path.read_text().splitlines()
    path.write_text("".join(f"{line}\n" for line in [first, lines[0], *("{}".ljust(len(one)) for one in lines[1:])]))
    assert recorder.fault().startswith("2 of 3 records and findings cannot be read back from the file of the run 'a'")
    path.write_text("x" * path.stat().st_size)
    assert recorder.fault().startswith("3 of 3 records")
    recorder.close()


# -- the newest run --------------------------------------------------------------------------------


def test_the_newest_run_is_the_last_that_was_started_whatever_the_clock_said(tmp_path):
    for name, started in (("ahead", "2031-01-01"), ("now", "2026-11-30"), ("back", "1970-01-01T00:00:00-12:00")):
        save(tmp_path, run=head(name, started))
    assert list(results.list_runs(tmp_path)["run"]) == ["back", "now", "ahead"]
    assert results.load_run("latest", tmp_path).name == "back"
    assert results.unfinished(tmp_path) == ["back", "now", "ahead"]


def test_runs_of_older_versions_are_in_the_order_of_their_start_and_older_than_the_others(tmp_path):
    for name, started in (("old", "2031-01-01"), ("older", "2026-11-21")):
        path = save(tmp_path, run=head(name, started))
        row = json.loads(path.read_text())
        del row["sequence"]
        path.write_text(json.dumps(row) + "\n")
    save(tmp_path, run=head("new", "2026-11-30"))
    assert list(results.list_runs(tmp_path)["run"]) == ["new", "old", "older"]


# -- one process writes a run ----------------------------------------------------------------------


def test_a_second_process_on_a_run_is_refused_by_name(tmp_path):
    with closing(Store.create(head(), tmp_path)) as store:
        store.append([failed("x")])
        before = store.path.read_bytes()
        with pytest.raises(StoreError, match=rf"the run 'a' is being measured by (process {os.getpid()}|another)"):
            Store.resume("a", tmp_path)
        assert store.path.read_bytes() == before
        assert load("a", root=tmp_path)["implementation"].tolist() == ["x"], "anybody may read"
    store, _, saved = Store.resume("a", tmp_path)
    store.close()
    assert saved == [failed("x")]


def test_a_lock_ends_with_its_process(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from results import Store; from tests.runs import head;"
        "store = Store.create(head(), Path(sys.argv[1])); os.kill(os.getpid(), 9)"
    )
    ended = subprocess.run([sys.executable, "-c", code, tmp_path], cwd=Path(results.__file__).parents[1], check=False)
    assert ended.returncode == -9
    store, _, _ = Store.resume("a", tmp_path)
    store.close()
