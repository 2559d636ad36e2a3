"""Accuracy of each implementation on each family, in sentences, tables and heat maps."""

import math
from pathlib import Path

import matplotlib.colors
import pandas as pd
import pytest
from matplotlib.figure import Figure

from reports import BUDGET
from reports.plots.heat_map import BLANK, heat_map
from reports.sections.accuracy import accuracy
from reports.sections.accuracy import sentences as how_wrong
from reports.sections.accuracy.faults import faults
from results import Status
from suites.records.finding import Accuracy
from tests.findings import LOST, RIGHT, U, deviated, judged, off, undeviated


def test_the_headlines_name_who_is_right_who_is_a_cosine_and_where_most_are_wrong(tmp_path: Path) -> None:
    found = judged(
        tmp_path,
        *(deviated("exact", family) for family in ("self", "long_rows", "zeros")),
        deviated("fast", "self", above=1),
        deviated("fast", "long_rows", 9, status=Status.WRONG, reason="off"),
        deviated("fast", "long_rows", 9, status=Status.WRONG, reason="off", dtype="bfloat16"),
        deviated("slow", "long_rows", 9, status=Status.WRONG, reason="off"),
        undeviated("slow", "zeros", Status.ERROR, "it raised"),
        undeviated("slow", "self", Status.UNSUPPORTED, "not here"),
        undeviated("elsewhere", "self", Status.UNSUPPORTED, "no cpu"),
    )
    assert how_wrong.headlines(found, ["fast", "exact", "unasked"]) == [
        "**Right on every family tested, in each dtype** (number of families): `exact` (3).",
        "**Never above 1, and exactly 1 for each row with itself**: `exact`.",
        "**Wrong on at least one family**: 2 of 3 implementations. The worst is `slow`, wrong on 2 of 2 families "
        "(`long_rows`, `zeros`). The hardest families, and how many implementations are wrong there: `long_rows` (2), "
        "`zeros` (1).",
        "**Where the recommended implementations are wrong**: `fast` on 1 of 2 families (`long_rows`), "
        "`exact` on none of 3 families.",
    ]


def test_the_headlines_say_so_where_nobody_is_right(tmp_path: Path) -> None:
    wrong = {"status": Status.WRONG, "reason": "off"}
    found = judged(tmp_path, deviated("a", "self", exact=99), deviated("a", "zeros", 9, **wrong))
    assert how_wrong.headlines(found, [])[:2] == [
        "**No implementation is right on every family** that it was tested on.",
        "**No implementation** is both never above 1 and exactly 1 for each row with itself.",
    ]


@pytest.mark.parametrize(
    ("other", "true"),
    [
        (deviated("a", "gradients", above=None), True),  # counted for cosines only
        (deviated("a", "near", above=1), False),
        (deviated("a", "self", exact=99, dtype="bfloat16"), False),
        (deviated("a", "near", task="angle"), True),
    ],
)
def test_a_true_cosine_is_one_on_every_family_of_cosines(other: Accuracy, true: bool, tmp_path: Path) -> None:
    assert list(accuracy.overall(judged(tmp_path, deviated("a", "self"), other))["true_cosine"]) == [true]


def test_the_tally_counts_families_and_gives_the_figures_of_each_question(tmp_path: Path) -> None:
    found = judged(
        tmp_path,
        deviated("a", "prescribed", 3.0),
        deviated("a", "self", 0.5, above=22, exact=40),
        deviated("a", "long_rows", 5000, status=Status.WRONG, reason="off"),
        deviated("a", "ties", kendall=0.99871, distinct=98),
        deviated("a", "gradients", 7.0),
        undeviated("a", "eps_extremes", Status.UNSUPPORTED, "it takes no eps"),
        deviated("angle", "self", task="angle"),
    )
    table = how_wrong.tally(accuracy.tally(found))
    assert table.to_numpy().tolist() == [
        ["angle", "1 / 0 / 0", (), "1 u", "–", "–", "–", "–", "–"],
        ["a", "4 / 1 / 1", ("long_rows",), "3 u", "22 %", "40 %", "0.9987", "98 of 100", "7 u"],
    ]


def test_bounds_are_shown_with_the_largest_error_within(tmp_path: Path) -> None:
    found = judged(
        tmp_path,
        deviated("a", "self", 1.0, bound_u=8),
        deviated("a", "near", 2.0, bound_u=64),
        deviated("a", "long_rows", 99, bound_u=9, status=Status.WRONG, reason="off"),
        deviated("exact", "self", 0.0),
        deviated("b", "self", 2.0, bound_u=8),
    )
    table = how_wrong.bounds(accuracy.bounds(found))
    assert table.to_numpy().tolist() == [
        ["b", "2 u", "self", "2 u", "8 u", "4×", "self", "none"],
        ["a", "2 u", "near", "1 u", "8 u", "8×", "self", "1 family"],
    ]


def test_faults_are_grouped_by_family_and_reason_the_worst_first(tmp_path: Path) -> None:
    wrong = Status.WRONG
    found = judged(
        tmp_path,
        deviated("small", "self", 5, status=wrong, reason=off(1.5e-6, 2.4e-7)),
        deviated("large", "self", 9, status=wrong, reason=off(2.5e-2, 2.4e-7)),
        undeviated("c", "self", Status.ERROR, "TypeError: float16 expected"),
        undeviated("d", "self", Status.ERROR, "TypeError: float64 expected"),
        deviated("e", "prescribed", 5, status=wrong, reason="returned a list"),
        deviated("f", "prescribed", 5, status=wrong, reason="returned a list"),
    )
    first, second = faults(found, RIGHT)
    assert (first.family, first.right, first.ways) == ("prescribed", "", ["`e`, `f`: returned a list"])
    assert (second.family, second.right) == ("self", RIGHT["self"])
    assert second.ways == [
        f"`large`, `small`: at worst {off(2.5e-2, 2.4e-7)}",
        "`c`: TypeError: float16 expected",
        "`d`: TypeError: float64 expected",
    ]


def test_faults_are_ranked_by_what_was_measured_not_by_numbers_in_a_sentence(tmp_path: Path) -> None:
    wrong = Status.WRONG
    found = judged(
        tmp_path,
        deviated("few", "self", status=wrong, reason="900 tries, of which 3 are lost", lost=3),
        deviated("many", "self", status=wrong, reason="lost: 50", lost=50),
        deviated("near", "near", 5, status=wrong, reason="8 lanes: off by 5 u"),
        deviated("far", "near", 9, status=wrong, reason="1 lane: off by 9 u"),
        deviated("hides_2", "zeros", 0, status=wrong, reason="2 of 9 pairs without a cosine have one, such as 0"),
        deviated("hides_4", "zeros", 0, status=wrong, reason="4 of 9 pairs without a cosine have one, such as 1"),
        undeviated("broken", "self", Status.ERROR, "TypeError: 99 arguments"),
    )
    ways = {fault.family: fault.ways for fault in faults(found, {})}
    assert ways == {
        "self": ["`many`, `few`: at worst lost: 50", "`broken`: TypeError: 99 arguments"],
        "near": ["`far`, `near`: at worst 1 lane: off by 9 u"],
        "zeros": ["`hides_4`, `hides_2`: at worst 4 of 9 pairs without a cosine have one, such as 1"],
    }


def drawn(figure: Figure) -> dict[tuple[str, str], str]:
    """The marks of a heat map by implementation and family; cells without a mark are left out."""
    axes = figure.axes[0]
    rows, columns = (
        [label.get_text() for label in labels] for labels in (axes.get_yticklabels(), axes.get_xticklabels())
    )
    marks = [(text.get_position(), text.get_text()) for text in axes.texts]
    return {(rows[int(y)], columns[int(x)]): mark for (x, y), mark in marks if mark}


def test_the_heat_map_marks_what_is_wrong_and_how(tmp_path: Path) -> None:
    found = judged(
        tmp_path,
        *(deviated("right", family, output="float32", dtype="bfloat16") for family in ("self", "near")),
        deviated("wrong", "self", 99, status=Status.WRONG, reason="off", dtype="bfloat16"),
        undeviated("wrong", "near", Status.UNSUPPORTED, "not here", dtype="bfloat16"),
        deviated("lost", "self", status=Status.WRONG, reason=LOST.format("1 of 2"), lost=1, dtype="bfloat16"),
        undeviated("lost", "near", Status.CRASHED, "killed", dtype="bfloat16"),
    )
    figure = heat_map(found, accuracy.tally(found))
    figure.draw_without_rendering()
    assert drawn(figure) == {("wrong", "self"): "×", ("lost", "self"): "N", ("lost", "near"): "!"}
    axes = figure.axes[0]
    assert axes.get_yticklabels()[0].get_text() == "right (float32)"
    assert axes.get_title() == "1 of 3 are right on every family tested"
    marks = "×: wrong; N: NaN or infinite; !: no answer; grey: not tested"
    assert figure.get_suptitle() == f"bfloat16: errors on hard inputs; {marks}"
    cells = axes.collections[0].get_array()
    assert cells is not None
    assert cells.mask.sum() == 2  # not examined, and without an answer
    assert matplotlib.colors.to_hex(axes.get_facecolor()) == BLANK


def test_the_heat_map_says_what_it_leaves_out(tmp_path: Path) -> None:
    found = judged(tmp_path, *(deviated(f"i{n}", "self") for n in range(41)))
    figure = heat_map(found, accuracy.tally(found))
    assert figure.get_suptitle().startswith("float32: errors on hard inputs (the first 40 of 41 implementations); ")
    assert len(figure.axes[0].get_yticklabels()) == 40


def test_the_heat_map_marks_what_is_right_but_beyond_the_budget(tmp_path: Path) -> None:
    found = judged(
        tmp_path,
        deviated("a", "long_rows", BUDGET["float32"] / U + 1, bound_u=1e6),
        deviated("a", "self", BUDGET["float32"] / U, bound_u=1e6),
        deviated("b", "long_rows", 99, status=Status.WRONG, reason="off"),
    )
    figure = heat_map(found, accuracy.tally(found))
    assert drawn(figure) == {("a", "long_rows"): "•", ("b", "long_rows"): "×"}
    assert "•: within its bound, but beyond the error budget" in figure.get_suptitle().replace("\n", " ")
    told = "**Within the stated bound, but beyond the error budget** (implementations): `long_rows` (1)."
    assert told in how_wrong.headlines(found, [])


def test_a_bound_far_above_an_error_near_zero_is_no_number_of_twelve_digits() -> None:
    rows = pd.DataFrame({"slack": [278_233_350_144.0, 999.0, 1.25, math.nan]})
    missing = dict.fromkeys(("implementation", "largest_on", "family"), "x") | {"broken": [()] * 4}
    numbers = dict.fromkeys(("largest_u", "worst_u", "bound_u"), 1.0)
    shown = how_wrong.bounds(rows.assign(**missing, **numbers))["bound / error"]
    assert list(shown) == ["over 1,000×", "999×", "1.2×", "–"]
