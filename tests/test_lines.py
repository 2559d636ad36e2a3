"""A line for each case at the end of a run: its answer, and what to beware of."""

import dataclasses
from pathlib import Path

from reports import case_lines
from suites.records.case import Case
from suites.records.jsonl import Line
from suites.records.record import Error, Flag, Record, Status
from tests.findings import HEAD, USUAL, contract
from tests.runs import CASE, measured, save


def timed(name: str, seconds: float, case: Case = CASE, **how: object) -> Record:
    baseline = name == "builtin"
    control = [seconds * 1.01] * 20 if baseline else []
    return measured(name, [seconds] * 20, baseline=baseline, control_s=control, case=case, **how)


def lines(root: Path, *saved: Line, most: int = 20) -> list[list[str]]:
    save(root, *saved, run=HEAD)
    return case_lines("errors", most=most, root=root).table.to_numpy().tolist()


def test_the_fastest_with_its_time_the_baseline_its_error_and_what_to_beware_of(tmp_path: Path) -> None:
    zero = contract("fast", USUAL | {"zero row": "NaN", "huge norms": "never"})
    found = lines(tmp_path, timed("builtin", 1e-3), timed("fast", 1e-4), contract("builtin", USUAL), zero)
    assert found == [
        [
            "paired 64x768 float32",
            "fast",
            "100 µs",
            "(built-in 1 ms, 10×)",
            "error 1e-7",
            "zero rows NaN, not a drop-in, first call 500 ms",
        ]
    ]


def test_the_baseline_stays_where_nothing_is_seen_to_be_faster(tmp_path: Path) -> None:
    ((_, answer, _, against, *_),) = lines(tmp_path, timed("builtin", 1e-3), timed("slow", 2e-3))
    assert (answer, against) == ("builtin", "(baseline; none seen faster)")


def test_without_a_baseline_it_is_the_fastest(tmp_path: Path) -> None:
    ((_, answer, _, against, *_),) = lines(tmp_path, timed("slow", 2e-3), timed("fast", 1e-3))
    assert (answer, against) == ("fast", "(no baseline)")


def test_what_is_outside_the_budget_is_no_answer(tmp_path: Path) -> None:
    off = Error(error_abs=0.1, error_rms=0.1)
    wild = dataclasses.replace(timed("wild", 1e-5), error=off)
    assert lines(tmp_path, timed("builtin", 1e-3), wild)[0][1] == "builtin"
    useless = dataclasses.replace(timed("builtin", 1e-3), error=off)
    assert lines(tmp_path / "a", useless, timed("good", 2e-3))[0][1::2] == [
        "good",
        "(built-in 1 ms, too inexact)",
        "first call 500 ms",
    ]
    assert lines(tmp_path / "b", useless, wild)[0][1] == "nothing within the error budget"


def test_a_case_that_nothing_ran_has_a_line(tmp_path: Path) -> None:
    failed = Record.failed("builtin", True, CASE, Status.OUT_OF_MEMORY, "needs 3 GiB")
    assert lines(tmp_path, failed) == [["paired 64x768 float32", "nothing ran", "", "", "", ""]]


def test_a_disturbed_case_is_provisional(tmp_path: Path) -> None:
    busy = (Flag(name="disturbed", evidence="others used 1.5 processors"),)
    ((*_, beware),) = lines(tmp_path, timed("builtin", 1e-3, flags=busy), timed("fast", 1e-4, flags=busy))
    assert beware.startswith("provisional: the machine was busy")


def test_cases_are_told_apart_by_what_differs(tmp_path: Path) -> None:
    maps = Case(task="feature_maps", shape=(2, 3, 4, 4), dtype="float32", device="cpu", inputs="positive")
    last = dataclasses.replace(maps, memory_format="channels_last")
    backward = dataclasses.replace(CASE, direction="forward+backward")
    found = lines(tmp_path, *(timed("builtin", 1e-3, case) for case in (CASE, backward, maps, last)))
    assert [name for name, *_ in found] == [
        "paired 64x768 float32",
        "paired 64x768 float32 forward+backward",
        "feature_maps 2x3x4x4 float32",
        "feature_maps 2x3x4x4 float32 channels_last",
    ]


def test_of_many_cases_the_largest_of_each_group_have_a_line_and_the_rest_is_counted(tmp_path: Path) -> None:
    sizes = [dataclasses.replace(CASE, shape=(rows, 8)) for rows in (1, 2, 3)]
    half = [dataclasses.replace(case, dtype="float16") for case in sizes]
    save(tmp_path, *(timed("builtin", 1e-3, case) for case in (*sizes, *half)), run=HEAD)
    found = case_lines("errors", most=2, root=tmp_path)
    assert found.table["case"].tolist() == ["paired 3x8 float32", "paired 3x8 float16"]
    assert found.left_out == 4
