"""Does a run say what it measures, what it leaves out and how long it takes, before it starts?"""

from pathlib import Path

import numpy as np
import pytest

from suites.plan import Plan
from suites.plugin.announcement import announcement
from suites.plugin.estimate import planned_s
from suites.records.finding import Key
from suites.records.record import Record, Status
from suites.session import Session


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    for name, rows in {"emb": 2000, "q": 64}.items():
        np.save(tmp_path / f"{name}.npy", np.ones((rows, 8), dtype=np.float32))
    return {name: str(tmp_path / f"{name}.npy") for name in ("emb", "q")}


def selected(plan: Plan, *done: Record) -> Session:
    """A session in which pytest selected everything."""
    session = Session(plan, done=done, started=lambda _: None, measure=lambda *_: [], ended=lambda *_: None)
    for case in plan.cases:
        for entry in plan.contestants(case):
            session.select(case.task, case.id, entry.name)
    return session


def test_a_question_is_announced_in_aligned_lines(files: dict[str, str]) -> None:
    asked = {"queries": files["q"], "corpus": files["emb"], "inputs": [files["emb"]], "dtypes": "float32,bfloat16"}
    names = "builtin,normalize,matmul,acos_builtin"
    session = selected(Plan.of(grid="quick", device="cpu", implementations=names, **asked))  # type: ignore[arg-type]
    findings = [Key("accuracy", "cpu", "float32", name, "builtin") for name in ("self", "zeros")]
    *lines, time = announcement(session, findings, {})
    assert lines == [
        "measured  grid quick: 11 cases on cpu, paired, angle and pairwise in float32 and bfloat16, 4 implementations",
        "sampling  each ratio to ± 1 %, at most 0.06 s per implementation",
        "rows      file:emb: 2,000 rows of 8; each row with the next, the last with the first; "
        "samples of 1, 1024 and 1797 of 2,000 rows, and all of them",
        "rows      file:q+emb: 64 queries, a corpus of 2,000 rows of 8; samples of 1 of 64 rows, and all of them",
        "rows      file:emb: shapes of 4,096 rows take all that there are",
        "findings  2 results about errors on 2 families of hard inputs",
        "left out  feature maps: file:emb holds [N, D] rows, it takes [N, C, H, W]",
        "left out  top k: --k K asks for the nearest K rows",
        "left out  known bugs: they are torch's, not part of the question",
    ]
    assert time.startswith("time      about ")


def test_chosen_implementations_leave_out_other_tasks_and_the_absent_two_are_explained() -> None:
    session = selected(Plan.of(grid="smoke", device="cpu", implementations="builtin", processes="3"))
    absent = {"one": "the module 'one' is not installed", "two": "no CUDA"}
    first, sampling, *others, _ = announcement(session, [], absent)
    assert first.startswith("measured  grid smoke: 6 cases on cpu, paired and feature maps in float32 and bfloat16, 1 ")
    assert sampling == "sampling  each ratio to ± 1 %, at most 0.01 s per implementation, over 3 processes"
    left_out = [
        "left out  pairwise, top k and angle: none of the implementations solves it",
        "left out  known bugs: they are torch's, not part of the question",
    ]
    assert others == [*left_out, "absent    one: the module 'one' is not installed", "absent    two: no CUDA"]
    *_, line, _ = announcement(session, [], absent | {"three": "no MPS"})
    assert line == "absent    one, two and three; --implementations NAME says why"


def test_the_baseline_and_the_budget_that_were_given_are_named() -> None:
    asked = {"implementations": "normalize", "baseline": "builtin", "error_budget": "1e-3,bfloat16=0.02"}
    lines = announcement(selected(Plan.of(grid="smoke", device="cpu", **asked)), [], {})  # type: ignore[arg-type]
    assert lines[0].endswith("2 implementations")
    assert lines[1] == "against   builtin, measured as well"
    assert lines[2] == "budget    an error of float64=0.001,float32=0.001,float16=0.001,bfloat16=0.02"
    in_u = Plan.of(grid="smoke", device="cpu", implementations="normalize", error_budget="16u")
    assert "budget    an error of 9.54e-07" in announcement(selected(in_u), [], {}), "no digits that nobody reads"
    plain = announcement(selected(Plan.of(grid="smoke", device="cpu", implementations="normalize")), [], {})
    assert not [line for line in plain if line.startswith(("against", "budget"))]


def test_a_baseline_alone_is_compared_with_nothing() -> None:
    alone = Plan.of(grid="smoke", device="cpu", implementations="builtin", baseline="builtin")
    line = "against   builtin, the only implementation: nothing is compared with it"
    assert line in announcement(selected(alone), [], {})


def test_a_dtype_that_cannot_hold_the_rows_is_left_out_by_name(files: dict[str, str]) -> None:
    np.save(files["emb"], np.full((2000, 8), 1e6, dtype=np.float32))
    asked = {"grid": "quick", "device": "cpu", "implementations": "builtin", "inputs": [files["emb"]]}
    lines = announcement(selected(Plan.of(**asked, dtypes="float32,float16")), [], {})  # type: ignore[arg-type]
    assert "paired in float32, 1 implementation" in lines[0]
    assert "left out  float16: file:emb holds 1e+06, and float16 ends at 65504; scale the rows" in lines
    with pytest.raises(
        ValueError, match=r"no case .*float16.*: file:emb holds 1e\+06, and float16 ends at 65504; scale"
    ):
        Plan.of(**asked, dtypes="float16")  # type: ignore[arg-type]


@pytest.mark.parametrize("which", ["inputs", "queries"])
def test_the_same_rows_twice_are_said(files: dict[str, str], which: str) -> None:
    emb = files["emb"]
    asked = {"inputs": [emb, emb]} if which == "inputs" else {"queries": emb, "corpus": emb}
    found = Plan.of(grid="quick", device="cpu", **asked)  # type: ignore[arg-type]
    alike = {"inputs": "x and y are the same rows", "queries": "the queries are the corpus: each finds itself"}[which]
    assert [line for line in announcement(selected(found), [], {}) if line.endswith(f"; {alike}, with a cosine of 1")]


def test_a_terminal_gets_no_longer_lines_than_it_is_wide_and_the_same_words(files: dict[str, str]) -> None:
    names = {"implementations": "builtin,normalize,matmul,acos_builtin"}
    session = selected(Plan.of(grid="quick", device="cpu", queries=files["q"], corpus=files["emb"], **names))  # type: ignore[arg-type]
    absent = {"one": "the module 'one' is not installed; `pip install '.[contestants]'` adds the ones that are missing"}
    whole = announcement(session, [], absent)
    assert max(map(len, whole)) > 60
    for width in (60, 80):
        lines = announcement(session, [], absent, width)
        assert max(map(len, lines)) <= width
        assert " ".join(" ".join(lines).split()) == " ".join(" ".join(whole).split())
        assert {line[:10].strip() for line in lines} == {"", *(line[:10].strip() for line in whole)}
        assert all(line[10] != " " for line in lines), "what goes on is under the text"
    assert announcement(session, [], absent, 1), "no terminal is too narrow"


def test_a_resumed_run_counts_what_it_has_and_plans_the_rest() -> None:
    plan = Plan.of(grid="smoke", device="cpu", implementations="builtin", seconds="60")
    whole = selected(plan)
    first = plan.cases[0]
    resumed = selected(plan, Record.failed("builtin", True, first, Status.UNSUPPORTED, "no luck"))
    assert announcement(resumed, [], {})[0] == f"{announcement(whole, [], {})[0]}; 1 case done already"
    assert planned(resumed) < planned(whole)


def planned(session: Session) -> float:
    return planned_s(session.plan, session.left, [])
