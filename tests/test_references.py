"""Which implementation are the ratios of a case against, and what if it has no time there?"""

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from results import Record, Status, load
from results.references import UnknownBaseline
from suites.records.case import Case
from tests.runs import CASE, MAPS, head, measured, save

WIDE = replace(CASE, shape=(64, 4096))
PAIRS = Case(task="pairwise", shape=(8, 8, 768), dtype="float32", device="cpu")


def timed(name: str, ms: float, case: Case = CASE, *, repeated: bool = False) -> Record:
    samples = [ms * 1e-3] * 20
    control = [ms * 1.1e-3] * 20 if repeated else []
    return measured(name, samples, baseline=name in ("builtin", "broadcast"), case=case, control_s=control)


def lost(name: str, case: Case = CASE) -> Record:
    return Record.failed(name, name in ("builtin", "broadcast"), case, Status.OUT_OF_MEMORY, "needs 3 GiB")


def loaded(root: Path, *records: Record, baseline: str = "", **of_head: object) -> pd.DataFrame:
    save(root, *records, run=replace(head("a"), **of_head))  # type: ignore[arg-type]
    return load("a", baseline=baseline, root=root).set_index(["task", "shape", "implementation"])


def references(table: pd.DataFrame) -> dict[tuple[str, str], tuple[str, str]]:
    """The reference of each case, and why."""
    cases = table.groupby(level=["task", "shape"])[["reference", "reference_why"]]
    assert (cases.nunique() == 1).all(axis=None), "all rows of a case have one reference"
    return {key: tuple(row) for key, row in cases.first().iterrows()}  # type: ignore[misc]


def test_the_built_in_is_the_reference(tmp_path: Path) -> None:
    table = loaded(tmp_path, timed("builtin", 2), timed("a", 1), lost("b"))
    assert references(table) == {("paired", "64x768"): ("builtin", "")}
    assert table["ratio"].dropna().tolist() == [1.0, 0.5]
    assert table["baseline"].tolist() == [True, False, False]


def test_another_baseline_turns_ratios_verdicts_and_the_marked_row(tmp_path: Path) -> None:
    table = loaded(tmp_path, timed("builtin", 2, repeated=True), timed("a", 1), timed("b", 4), baseline="a")
    assert references(table) == {("paired", "64x768"): ("a", "asked")}
    assert table["ratio"].tolist() == [2.0, 1.0, 4.0]
    assert table["verdict"].tolist() == ["slower", "", "slower"]
    assert table["baseline"].tolist() == [False, True, False]
    assert table["noise_floor"].tolist() == pytest.approx([0.1] * 3), "the floor is the case's, whoever was repeated"


def test_a_run_keeps_the_baseline_it_was_started_with(tmp_path: Path) -> None:
    records = [replace(timed("builtin", 2), baseline=False), replace(timed("a", 1), baseline=True)]
    save(tmp_path, *records, run=replace(head("a"), baseline="a"))
    found = load("a", root=tmp_path)
    assert found[["reference", "reference_why"]].drop_duplicates().to_numpy().tolist() == [["a", "asked"]]
    assert load("a", root=tmp_path, baseline="builtin")["reference"].unique().tolist() == ["builtin"]


def test_tasks_of_another_contract_keep_their_baseline(tmp_path: Path) -> None:
    maps = replace(MAPS, dtype="float32", device="cpu")
    others = [timed("broadcast", 2, PAIRS), timed("matmul", 1, PAIRS), timed("builtin", 2, maps), timed("a", 1, maps)]
    table = loaded(tmp_path, timed("builtin", 2), timed("a", 1), *others, baseline="a")
    assert references(table) == {
        ("paired", "64x768"): ("a", "asked"),
        ("feature_maps", "8x64x7x7"): ("a", "asked"),
        ("pairwise", "8x8x768"): ("broadcast", ""),
    }


def test_without_a_built_in_the_fastest_that_ran_every_case_is_the_reference(tmp_path: Path) -> None:
    once = timed("quick", 0.1)
    records = [timed(name, ms, case) for case in (CASE, WIDE) for name, ms in (("a", 2), ("b", 1))]
    table = loaded(tmp_path, once, *records)
    assert {*references(table).values()} == {("b", "fastest")}
    assert table["ratio"].notna().all()
    assert table.xs("quick", level="implementation")["ratio"].tolist() == [pytest.approx(0.1)]


@pytest.mark.parametrize(("baseline", "why"), [("", ""), ("a", "asked")])
def test_cases_without_a_time_of_the_baseline_have_one_reference_of_their_own(
    baseline: str, why: str, tmp_path: Path
) -> None:
    base = baseline or "builtin"
    huge = replace(CASE, shape=(64, 8192))
    records = [timed(name, ms, case) for case in (CASE, WIDE, huge) for name, ms in (("b", 3), ("c", 2))]
    table = loaded(tmp_path, timed(base, 1), lost(base, WIDE), lost(base, huge), *records, baseline=baseline)
    assert references(table) == {
        ("paired", "64x768"): (base, why),
        ("paired", "64x4096"): ("c", "fastest"),
        ("paired", "64x8192"): ("c", "fastest"),
    }
    assert table.loc[table["status"] == "ok", "ratio"].notna().all()


def test_a_case_in_which_all_failed_keeps_the_reference_of_its_group(tmp_path: Path) -> None:
    table = loaded(tmp_path, timed("builtin", 1), timed("a", 2), lost("builtin", WIDE), lost("a", WIDE))
    assert {*references(table).values()} == {("builtin", "")}


def test_a_group_in_which_nothing_ran_has_no_reference_but_its_baseline(tmp_path: Path) -> None:
    assert references(loaded(tmp_path, lost("builtin"), lost("a"))) == {("paired", "64x768"): ("builtin", "")}
    (tmp_path / "a.jsonl").unlink()
    assert references(loaded(tmp_path, lost("a"))) == {("paired", "64x768"): ("", "")}


@pytest.mark.parametrize(
    ("baseline", "message"),
    [
        ("compiled_dat", "'compiled_dat' is not in the run 'a'; did you mean 'compiled_dot'? choose one that was"),
        ("numkong", "'numkong' is absent from the run 'a': the package 'numkong' is not installed"),
        ("greedy", r"'greedy' has no time in the run 'a': out of memory (needs 3 GiB) in 2 cases; choose one"),
    ],
)
def test_a_baseline_without_a_time_is_refused(baseline: str, message: str, tmp_path: Path) -> None:
    records = [timed("builtin", 2), timed("compiled_dot", 1), lost("greedy"), lost("greedy", WIDE)]
    with pytest.raises(UnknownBaseline, match=re.escape(message)):
        loaded(tmp_path, *records, baseline=baseline, absent={"numkong": "the package 'numkong' is not installed"})


def test_of_several_runs_those_without_the_baseline_keep_their_own(tmp_path: Path) -> None:
    save(tmp_path, timed("builtin", 2), timed("a", 1), run=head("one"))
    save(tmp_path, timed("builtin", 2), timed("b", 1), run=head("two"))
    table = load(root=tmp_path, baseline="b")
    assert table.groupby("run")["reference"].unique().map(list).to_dict() == {"one": ["builtin"], "two": ["b"]}
    with pytest.raises(UnknownBaseline, match="not in any of 2 runs"):
        load(root=tmp_path, baseline="c")
