"""The answer for a terminal: the report's own, a line of plain text for each case."""

import itertools
import re
from dataclasses import replace
from pathlib import Path

import pytest

from reports import Answer, answer, render
from reports.terminal import COLUMNS
from results import Status, UnknownRun
from suites.records.case import CACHES, DIRECTIONS
from suites.records.jsonl import Line
from suites.records.record import End, Record
from tests.findings import HEAD, NASTY, USUAL, contract, deviated
from tests.runs import CASE, measured, save

END = End(wall_s=1.0, phases_s={"timing": 1.0})
FLOOR = "Noise floor: 1 % (median case), 1 % (worst case). Smaller differences are not reported."


def timed(name: str, ratio: float = 1.0, noise: float = 0.01) -> Record:
    baseline = name == "builtin"
    control = [1e-4 * (1 + noise)] * 20 if baseline else []
    return measured(name, [1e-4 * ratio] * 20, baseline=baseline, control_s=control)


def answered(root: Path, *lines: Line) -> Answer:
    save(root, *lines, run=HEAD)
    return answer("errors", root=root)


def test_a_line_for_each_case_and_the_noise_floor(tmp_path: Path) -> None:
    found = answered(tmp_path, timed("builtin"), timed("fast", 0.5), END)
    assert found.noise_floor == FLOOR
    assert tuple(found.table.columns) == COLUMNS
    assert found.table.to_numpy().tolist() == [
        ["paired 64x768 float32", "fast", "50 µs", "(builtin 100 µs, 2× faster)", "error 1.2e-7", "first call 500 ms"]
    ]
    assert found.notes == []


def test_what_limits_the_answer_is_a_note_each(tmp_path: Path) -> None:
    zero = USUAL | {"zero row": "NaN"}
    failed = Record.failed("greedy", False, CASE, Status.OUT_OF_MEMORY, "needs 3 GiB")
    found = answered(
        tmp_path,
        timed("builtin", noise=0.3),
        timed("fast", 0.2),
        failed,
        contract("builtin", USUAL),
        contract("fast", zero),
    )
    assert found.notes == [
        "The run is incomplete: `--resume` continues it.",
        "1 of 3 records have no time. The report says why.",
        "The machine was noisy. A quieter machine, or more `--seconds`, would resolve smaller differences.",
    ]


def test_why_nothing_was_measured_is_said(tmp_path: Path) -> None:
    failed = Record.failed("greedy", False, CASE, Status.OUT_OF_MEMORY, "needs 3 GiB")
    found = answered(tmp_path, failed, END)
    assert "Nothing was measured: none of 1 record has a time, such as: needs 3 GiB." in found.notes


def test_an_implementation_wrong_on_ordinary_inputs_is_no_answer_here_either(tmp_path: Path) -> None:
    wrong = deviated("fast", "prescribed", 100, status=Status.WRONG, reason="off by 100 u")
    found = answered(tmp_path, timed("builtin"), timed("fast", 0.5), wrong, END)
    assert found.table["fastest"].tolist() == ["builtin"]


def test_a_baseline_that_is_faster_but_wrong_is_named(tmp_path: Path) -> None:
    wrong = deviated("builtin", "prescribed", 100, status=Status.WRONG, reason="off by 100 u")
    found = answered(tmp_path, timed("builtin"), timed("right", 2.0), wrong, END)
    assert found.table["fastest"].tolist() == ["right"]
    assert found.notes[0] == "paired, float32, cpu: the baseline builtin is faster, but is wrong on ordinary inputs."


def test_nothing_within_the_budget_and_nothing_measured(tmp_path: Path) -> None:
    off = replace(timed("builtin"), error=replace(timed("builtin").error, error_abs=0.5))
    assert answered(tmp_path, off, END).table.to_numpy().tolist() == [
        ["paired 64x768 float32", "none", "", "(builtin 100 µs)", "", "nothing is within the error budget"]
    ]
    (tmp_path / "errors.jsonl").unlink()
    found = answered(tmp_path, END)
    assert (len(found.table), found.notes) == (0, ["No speed was measured."])
    assert found.noise_floor == "No noise floor: no implementation was timed twice."


def test_names_from_outside_are_one_line_of_letters(tmp_path: Path) -> None:
    found = answered(tmp_path, timed("builtin"), timed(f"{NASTY}\x1b[31m", 0.5), END)
    assert all(letter.isprintable() for letter in found.table.to_string(header=False).replace("\n", ""))


def test_it_is_what_the_report_says(tmp_path: Path) -> None:
    found = answered(tmp_path, timed("builtin"), timed("fast", 0.5), END)
    page = render("errors", root=tmp_path, out=tmp_path / "out").read_text(encoding="utf-8")
    case, fastest, time, against, error, beware = found.table.iloc[0]
    assert case.split() == ["paired", "64x768", "float32"]
    name, theirs, claim = re.fullmatch(r"\((\w+) ([^,]+), (.+)\)", against).groups()
    cells = (f"`{fastest}`", time, f"`{name}`, {theirs}", claim, error.removeprefix("error "), beware)
    assert f"| paired, float32, cpu | 64x768 | {' | '.join(cells)} |" in page


def test_a_terminal_shows_twenty_lines_and_counts_the_rest(tmp_path: Path) -> None:
    axes = itertools.product(("float32", "float16", "bfloat16"), DIRECTIONS, CACHES, ((64, 768), (65, 768)))
    cases = [replace(CASE, dtype=dtype, direction=d, cache=cache, shape=shape) for dtype, d, cache, shape in axes]
    found = answered(tmp_path, *(replace(timed("builtin"), case=case) for case in cases), END)
    assert len(found.table) == 20
    assert found.notes[0] == "4 more lines of the answer: see the report."


def test_an_unknown_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnknownRun, match="nowhere"):
        answer("nowhere", root=tmp_path)
