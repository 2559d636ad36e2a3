"""Advice: the safest implementation next to the fastest, and cures for a symptom with their costs."""

from pathlib import Path

import pandas as pd

from reports import render
from reports.sections.accuracy import costs as price
from reports.sections.accuracy import cures
from reports.sections.speed import answer as answers
from reports.sections.speed.table import GROUP, prepare
from results import Status, load
from tests.findings import RIGHT, answered, contract, deviated, judged, measured_in, saved, usual_time

TIMES = {"builtin": 1.0, "fast": 0.25, "exact": 4.0}

NOTHING_TIMED = pd.DataFrame(
    {name: [] for name in (*GROUP, "implementation", "baseline", "time", "memory")}, dtype=object
)


def test_an_implementation_wrong_on_ordinary_inputs_is_not_recommended_there(tmp_path: Path) -> None:
    root = saved(
        tmp_path,
        *(usual_time(name, ratio, dtype) for name, ratio in TIMES.items() for dtype in ("float32", "float16")),
        deviated("fast", "scaled", 9e6, status=Status.WRONG, reason="off by 1", dtype="float16"),
        deviated("fast", "long_rows", 9, status=Status.WRONG, reason="off"),
        deviated("fast", "scaled"),
    )
    text = render("errors", root=root, out=tmp_path / "out").read_text()
    assert "- **paired, float32, cpu**: ship `fast`" in text
    assert "- **paired, float16, cpu**: stay with `builtin`" in text
    assert "| paired, float16, cpu | `fast` | wrong on ordinary inputs |" in text


def test_the_fastest_that_is_right_on_every_family_is_named_too(tmp_path: Path) -> None:
    root = saved(
        tmp_path,
        *(
            usual_time(name, ratio, peak=peak)
            for (name, ratio), peak in zip(TIMES.items(), (100, 10, 250), strict=True)
        ),
        usual_time("builtin", 1.0, "float16"),
        usual_time("exact", 8.0, "float16"),
        *(deviated(name, "self", dtype=dtype) for name in TIMES for dtype in ("float32", "float16")),
        deviated("fast", "long_rows", 9, status=Status.WRONG, reason="off"),
        deviated("builtin", "long_rows", 9, status=Status.WRONG, reason="off"),
    )
    found, standings = measured_in(root)
    answer = answers.answer(prepare(load("errors", root=root)), standings)
    lead = "**Right on every family of hard inputs**, paired: "
    said = "`exact`, 4× to 8× slower than `builtin`, at most 250 % of the memory."
    assert price.safest(found, answer, standings, []) == [lead + said]
    assert price.safest(found.iloc[:0], answer, standings, []) == []
    assert price.safest(found[found["family"] == "self"], answer, standings, []) == []
    assert price.safest(found[found["implementation"] == "fast"], answer, standings, []) == [
        lead + "no implementation that was timed."
    ]


def test_a_symptom_leads_to_its_cause_its_measure_and_implementations_without_it(tmp_path: Path) -> None:
    root = saved(
        tmp_path,
        usual_time("builtin", 1.0),
        usual_time("exact", 4.0),
        deviated("builtin", "self", 4, above=27, exact=41),
        deviated("builtin", "long_rows", 9000, exact=100, bound_u=1e6),
        deviated("builtin", "self", 4, above=27, exact=41, dtype="bfloat16"),
        deviated("exact", "self", 0),
        deviated("exact", "self", 0, dtype="bfloat16"),
        deviated("untimed", "self", 0),
        deviated("lost", "self", 0, lost=5, nans=5, exact=95, status=Status.WRONG, reason="NaN"),
    )
    found, standings = measured_in(root)
    told = answered(tmp_path / "b", contract("builtin", {"zero row": "NaN", "tiny norms": "all", "huge norms": "all"}))
    table = cures.table(found, told, standings, RIGHT).set_index("symptom")
    assert list(table.index) == ["1.0000001 (above 1)", "0.999… for equal rows", "NaN"]
    above, below, nan = table["how much the baseline shows it"]
    assert above == "`builtin` – float32: 27 % of `self`, off by up to 4 u; bfloat16: 27 % of `self`, off by up to 4 u."
    assert below.startswith("`builtin` – float32: 32 % of `self`, off by up to 4 u; ")
    assert "off by up to 4 u. `long_rows`: Exactly 1: one running sum drifts." in below
    assert nan == "`builtin` – float32: a zero row."
    remedies = table["implementations without it, and their cost"]
    assert list(remedies) == ["paired: `exact` (4× slower), `untimed` (float32 only; not timed)"] * 3


def test_too_coarse_or_too_small_answers_lead_to_implementations_without_them(tmp_path: Path) -> None:
    found = judged(
        tmp_path,
        deviated("builtin", "ties", distinct=29, dtype="bfloat16"),
        deviated("builtin", "self", above=10, exact=60, dtype="bfloat16"),
        deviated("fine", "ties", distinct=99, dtype="bfloat16", output="float32"),
    )
    told = answered(
        tmp_path / "b",
        contract("builtin", {"zero row": "0", "tiny norms": "all", "huge norms": "to 1e19"}, dtype="bfloat16"),
        contract("fine", {"zero row": "0", "tiny norms": "all", "huge norms": "all"}, dtype="bfloat16"),
    )
    table = cures.table(found, told, NOTHING_TIMED, {})
    *_, small, coarse = table.to_numpy().tolist()
    assert small[2] == "`builtin` – bfloat16: a zero row gives 0, huge norms are right to 1e19."
    assert coarse[2] == (
        "`builtin` – bfloat16: 29 different answers to 100 pairs of `ties`; equal rows read exactly 1 for 60 %, above "
        "1 for 10 %, below 1 for 30 %."
    )
    assert small[3] == coarse[3] == "paired: `fine` (not timed)"
