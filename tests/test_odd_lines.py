"""Odd values in a run's file: whatever a field holds, the rest of the run and all other runs load and report."""

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt  # rich depends on it

import results
from reports import render
from results.__main__ import main as results_main
from suites.records.jsonl import from_line

RUN = Path(__file__).parent / "data" / "smoke" / "smoke.jsonl"
LINES = RUN.read_text(encoding="utf-8").splitlines()
ODD: tuple[Any, ...] = (
    *(None, True, 0, -1, 10**400, -(10**400), 2**63, 1e308, "", "x", "\ud800", "[" * 50),
    *([], [None], [[]], ["x"], [10**400], [-1], {}, {"x": None}, {"x": []}, {"name": 1, "evidence": 2}),
)
RAW = (
    "[" * 200_000,
    '{"schema": 2, "kind": "record", "reason": NaN}',
    '{"schema": 2}',
    "null",
    "1" * 5000,
    '"\\ud800"',
)
PAYLOAD = "<img src=x onerror=alert(1)>|`${x}`\x1b[31m\n# [a](javascript:alert(1)) =cmd()"


def of_each_kind() -> list[dict[str, Any]]:
    """The first line of each kind and status."""
    rows = map(json.loads, LINES)
    return [*{(row["kind"], row.get("status"), "samples_s" in row): row for row in reversed([*rows])}.values()]


def mutated(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The row with each field left out, and with each odd value in each field."""
    for key in row:
        yield {name: value for name, value in row.items() if name != key}
        yield from (row | {key: odd} for odd in ODD)


def written(path: Path, lines: list[str]) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def test_there_are_many_kinds_of_lines() -> None:
    assert len({row["kind"] for row in of_each_kind()}) >= 7


def test_no_odd_line_keeps_the_rest_of_its_run_from_being_loaded_and_reported(tmp_path: Path) -> None:
    rows = [row for row in of_each_kind() if row["kind"] != "run"]
    odd = [json.dumps(one) for row in rows for one in mutated(row)]
    assert len(odd) > 2_000
    written(tmp_path / "odd.jsonl", [*LINES[:-1], *odd, *RAW, LINES[-1]])
    with warnings.catch_warnings(action="ignore"):
        table, before = results.load("odd", root=tmp_path), results.load(str(RUN))
        assert {*before["implementation"]} <= {*table["implementation"]}
        assert len(table) >= len(before)
        results.load_findings("odd", tmp_path)
        results.load_operators("odd", tmp_path)
        assert list(results.list_runs(tmp_path)["run"]) == ["odd"]
        assert render("odd", root=tmp_path, out=tmp_path / "out").is_file()


def test_no_odd_head_keeps_the_other_runs_from_being_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    head = json.loads(LINES[0])
    heads = [*mutated(head), *(head | {"environment": one} for one in mutated(head["environment"]))]
    for number, row in enumerate(heads):
        written(tmp_path / f"odd-{number}.jsonl", [json.dumps(row), *LINES[1:3]])
    for number, line in enumerate(RAW):
        written(tmp_path / f"raw-{number}.jsonl", [line])
    (tmp_path / "binary.jsonl").write_bytes(bytes(range(256)) * 100)
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "link.jsonl")
    written(tmp_path / "good.jsonl", LINES)
    results_main([], tmp_path)
    shown = capsys.readouterr()
    assert "\ngood " in shown.out
    assert all(line.startswith("warning: ") for line in shown.err.splitlines())


@pytest.mark.parametrize("line", RAW)
def test_what_is_no_line_is_a_value_error(line: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_line(line)


def with_payload(value: Any) -> Any:
    """A value with the payload at the end of each of its texts."""
    if isinstance(value, str):
        return value + PAYLOAD
    if isinstance(value, list):
        return [with_payload(part) for part in value]
    return {name: with_payload(part) for name, part in value.items()} if isinstance(value, dict) else value


def test_no_text_of_a_run_becomes_markup_or_moves_the_cursor(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = ("kind", "status", "started", "task", "dtype", "output_dtype", "name")  # others would be refused
    lines = []
    for row in map(json.loads, LINES):
        lines += [json.dumps({key: value if key in kept else with_payload(value) for key, value in row.items()})]
        lines += [json.dumps(row | {key: with_payload(value)}) for key, value in row.items() if row["kind"] != "run"]
    written(tmp_path / "odd.jsonl", lines)
    with warnings.catch_warnings(action="ignore"):
        page = render("odd", root=tmp_path, out=tmp_path / "out").read_text(encoding="utf-8")
    assert "onerror" in page, "as text"
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(page)
    assert "<img src=x" not in html
    assert 'href="javascript' not in html
    assert "\x1b" not in page
    results_main(["show", "odd"], tmp_path)
    assert "\x1b" not in capsys.readouterr().out
