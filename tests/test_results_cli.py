"""`python -m results`: output for people and for programs."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import results
from results import load
from results.__main__ import main
from suites.records.record import Flag
from tests.runs import failed, measured, save


def run_cli(capsys, root, *argv):
    main(argv, root)
    return capsys.readouterr()


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
    assert " ".join(base.split()) == "base paired-cpu-float32-64x768 ok 12.3 12.3 .. 12.3 base 1 1 .. 1 1.5 2"
    assert " ".join(other.split()) == "pipe|line paired-cpu-float32-64x768 unsupported base no <b> no ?[31mred"


def test_the_table_shows_verdicts_and_flags(capsys, tmp_path):
    flags = (Flag(name="drift", evidence="1.1 times"), Flag(name="few_samples", evidence="8"))
    base = measured("base", [1.0] * 20, baseline=True, control_s=[1.0] * 20)
    save(tmp_path, base, measured("x", [2.0] * 20, flags=flags))
    columns, _, _, row = run_cli(capsys, tmp_path, "show", "a").out.splitlines()
    assert row[columns.index("verdict") :].split()[0] == "slower"
    assert row[columns.index("remarks") :] == "drift, few_samples"


def test_ratios_to_another_baseline(capsys, tmp_path):
    save(tmp_path, measured("base", [1.0] * 20, baseline=True), measured("x", [2.0] * 20))
    rows = run_cli(capsys, tmp_path, "show", "a", "--baseline", "x", "--format", "json").out
    assert [(row["reference"], row["ratio"]) for row in json.loads(rows)] == [("x", 0.5), ("x", 1.0)]
    with pytest.raises(SystemExit):
        run_cli(capsys, tmp_path, "show", "a", "--baseline", "y")
    assert "'y' is not in the run 'a'; choose one that was timed: base, x" in capsys.readouterr().err


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
        "python -m results: parquet is binary and cannot be shown in a terminal: add --output FILE\n"
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
    save(tmp_path)
    with (tmp_path / "a.jsonl").open("a") as file:
        file.write("{}\n")
    shown = run_cli(capsys, tmp_path, "show", "a")
    assert shown.out.startswith("implementation")
    (line,) = shown.err.splitlines()
    assert line.startswith("warning: ")


def test_a_reader_may_close_the_pipe(two_rows):
    command = [sys.executable, "-m", "results", "show", str(two_rows / "a.jsonl")]
    checkout = Path(results.__file__).parents[1]
    buffered = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=checkout, env=buffered, stdout=pipe, stderr=pipe, text=True) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0


def test_showing_a_file_that_is_no_run_fails(tmp_path, capsys):
    (tmp_path / "foreign.jsonl").write_text('{"a": 1}\n')
    with pytest.raises(SystemExit) as ended:
        main(["show", "foreign"], root=tmp_path)
    assert ended.value.code == 2
    assert "foreign.jsonl" in capsys.readouterr().err
