"""Does a study resume from its stored rows after any kill, and leave foreign files alone?"""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from diagnosis.validity import kept as answers
from diagnosis.validity.cases import PlantedCase
from suites.kept import KeptRows
from suites.trials.kept import KeptTrials
from suites.validity.kept import Comparison, KeptComparisons

WHOLE = '{"made_by": "torch 2", "number": 1}\n'


def kept(file: Path | None, made_by: str = "torch 2") -> KeptRows:
    return KeptRows(file, "made_by", made_by, what="trials")


def test_rows_are_stored_as_they_come(tmp_path: Path) -> None:
    file = tmp_path / "all.jsonl"
    study = kept(file)
    study.add([{"number": 1}])
    assert file.read_text() == WHOLE
    study.add([{"number": 2}, {"number": 3}])
    assert study.rows == kept(file).rows == [{"number": 1}, {"number": 2}, {"number": 3}]


def test_without_a_file_rows_are_only_remembered() -> None:
    study = kept(None)
    study.add([{"number": 1}])
    assert study.rows == [{"number": 1}]


@pytest.mark.parametrize("half", ["", "{", '{"made_by"', WHOLE[:-2], WHOLE[:-1]])
def test_half_a_line_is_cut_off(tmp_path: Path, half: str) -> None:
    file = tmp_path / "all.jsonl"
    file.write_text(WHOLE + half)
    study = kept(file)
    assert study.rows == [{"number": 1}]
    assert file.read_text() == WHOLE
    study.add([{"number": 2}])
    assert [row["number"] for row in kept(file).rows] == [1, 2]


def test_a_file_of_half_a_line_is_empty(tmp_path: Path) -> None:
    file = tmp_path / "all.jsonl"
    file.write_text(WHOLE[:20])
    assert kept(file).rows == []
    assert file.read_text() == ""


def test_other_conditions_are_refused_and_the_file_is_unchanged(tmp_path: Path) -> None:
    file = tmp_path / "all.jsonl"
    file.write_text(WHOLE + '{"half')
    with pytest.raises(SystemExit, match=r"all\.jsonl holds trials of torch 2, not torch 3; name another file"):
        kept(file, "torch 3")
    assert file.read_text() == WHOLE + '{"half'


@pytest.mark.parametrize("end", range(len(2 * WHOLE) + 1))
def test_a_file_cut_anywhere_is_resumed(tmp_path: Path, end: int) -> None:
    file = tmp_path / "all.jsonl"
    file.write_text((2 * WHOLE)[:end])
    assert kept(file).rows == [{"number": 1}] * (end // len(WHOLE))
    assert file.read_text() == WHOLE * (end // len(WHOLE))


FOREIGN = [
    '{"setting": 1}',
    '{"setting": 1}\n',
    '{"made_by": null}\n',
    "{setting: 1",
    "[1,\n2]",
    "[1, 2]",
    "a text",
    "3\n",
    "\x80\n",
    "[" * 100_000 + "\n",
]


@pytest.mark.parametrize("text", FOREIGN, ids=range(len(FOREIGN)))
def test_a_foreign_file_is_refused_and_unchanged(tmp_path: Path, text: str) -> None:
    file = tmp_path / "notes.json"
    file.write_text(text, encoding="latin-1")
    with pytest.raises(SystemExit, match=r"notes\.json does not hold trials; name another file"):
        kept(file)
    assert file.read_text(encoding="latin-1") == text


@pytest.mark.parametrize(
    ("opened", "row", "fault"),
    [
        (
            lambda file: KeptTrials(file, "t"),
            '"made_by": "t", "implementation": "vecdot"',
            "missing .* 'task', 'dtype'",
        ),
        (lambda file: KeptTrials(file, "t"), '"made_by": "t", "kind": "near"', "missing .* 'number'"),
        (lambda file: KeptComparisons(file, 0.5), '"budget_s": 0.5, "method": "ours"', "the key 'machine' is missing"),
        (lambda file: KeptComparisons(file, 0.5), '"budget_s": 0.5, "figure": "call"', "the key 'goal' is missing"),
        (lambda file: KeptComparisons(file, 0.5), '"budget_s": 0.5', "the key 'machine' is missing"),
        (answers.KeptAnswers, '"made_by": "torch T and code 0123", "named": []', "the key 'case' is missing"),
    ],
)
def test_a_row_without_all_of_its_parts_is_named_and_the_file_unchanged(
    opened: Callable[[Path], object], row: str, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "_digest", lambda: "0123")
    monkeypatch.setattr(torch, "__version__", "T")
    file = tmp_path / "all.jsonl"
    file.write_text(f"{{{row}}}\n{{")
    with pytest.raises(SystemExit, match=rf"all\.jsonl, line 1: .*{fault}.*; every line .* delete this line, or name"):
        opened(file)
    assert file.read_text() == f"{{{row}}}\n{{"


def test_seconds_that_are_no_number_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "all.jsonl"
    file.write_text('{"budget_s": "half a second"}\n')
    with pytest.raises(SystemExit, match=r"all\.jsonl does not hold trials"):
        KeptComparisons(file, 0.5)


@pytest.mark.parametrize("name", [".", "missing/all.jsonl", "a file/all.jsonl"])
def test_an_error_of_the_file_system_is_raised_at_once(tmp_path: Path, name: str) -> None:
    (tmp_path / "a file").touch()
    with pytest.raises(SystemExit, match="directory; name another file"):
        kept(tmp_path / name)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no full device")
def test_a_full_disk_is_named(tmp_path: Path) -> None:
    file = tmp_path / "all.jsonl"
    study = kept(file)
    file.symlink_to("/dev/full")
    with pytest.raises(SystemExit, match=r"all\.jsonl: No space left on device"):
        study.add([{"number": 1}])


def test_yesterdays_comparisons_are_resumed(tmp_path: Path) -> None:
    file = tmp_path / "all.jsonl"
    file.write_text(
        '{"machine": "quiet", "calls": "5 \\u00b5s", "slowdown": 0.0, "number": 3, "method": "ours: paired rounds", '
        '"differs": false, "ratio": 1.0, "low": 0.9, "high": 1.1, "seconds": 0.5, "stop": "budget", "budget_s": 0.5}\n'
        '{"figure": "smallest call", "goal": "100 ns", "measured": "101 ns", "budget_s": 0.5}\n'
    )
    kept = KeptComparisons(file, 0.5)
    assert kept.done == {Comparison("quiet", "5 µs", 0.0, 3)}
    assert list(kept.properties) == ["smallest call"]


def test_yesterdays_trials_are_resumed(tmp_path: Path) -> None:
    file = tmp_path / "all.jsonl"
    file.write_text(
        '{"made_by": "torch 2", "implementation": "vecdot", "task": "paired", "dtype": "float32", "number": 0, '
        '"pairs": 0, "broken": 0, "nans": 0, "error": 0.0, "bound": 1.0, "truth": 0.0, "kind": "", "length": 0, '
        '"reason": "no kernel"}\n'
        '{"made_by": "torch 2", "kind": "near", "number": 1, "seconds": 0.5, "pairs": 9, "error_u": 0.5, "ulp": 0.5, '
        '"nans": 0, "above_one": 0, "self_not_one": 0, "asymmetric": 0, "scaled": 9, "scale_variant": 0}\n'
    )
    kept = KeptTrials(file, "torch 2")
    assert kept.failed == {("vecdot", "float32")}
    assert [(one.kind, one.number) for one in kept.exactness] == [("near", 1)]


def test_yesterdays_answers_are_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "_digest", lambda: "0123")
    file = tmp_path / "all.jsonl"
    file.write_text(
        f'{{"made_by": "torch {torch.__version__} and code 0123", '
        '"case": ["planted", "overflow", 0, 64, 32, "float16", 0], "verdict": "cause", "named": ["overflow"], '
        '"flips": true, "rivals": {"1 - IsoScore": NaN}, "seconds": 0.1, "work_s": 0.2}\n'
    )
    before = file.read_text()
    (one,) = answers.KeptAnswers(file).answers
    assert one.case == PlantedCase("planted", "overflow", 0, 64, 32, "float16", 0)
    file.write_text("")
    answers.KeptAnswers(file).add(one)
    assert set(json.loads(file.read_text())) == set(json.loads(before)), "rows keep the keys of older files"
