"""The pictures of a report: one look for each implementation, the answer marked, findings as titles, all legible."""

import zlib
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text

from reports import BUDGET
from reports.measured import Measured, measured
from reports.plots import looks, of_findings, of_tasks
from reports.plots.drawing import PLOTS
from reports.plots.looks import COLOURS, GREY, INK, MOST, SHIPPED, Look
from reports.plots.style import contrast, settle, styled
from reports.publish import PUBLISHED
from reports.sections.accuracy.accuracy import judged
from reports.sections.always_one.effects import trained
from reports.sections.resolution import seen
from reports.sections.speed.answer import answer
from reports.sections.speed.standings import standings
from results import load, load_findings
from suites.records.record import UNIT_ROUNDOFF, Record
from tests.test_reports import CASES, LARGE, MIDDLE, SMALL, ok, table

MACHADO = {  # https://doi.org/10.1109/TVCG.2009.113, severity 1: colours as they are seen, linear RGB
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
TO_LMS = [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566]]
TO_LMS += [[0.0883024619, 0.2817188376, 0.6299787005]]
TO_OKLAB = [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099]]
TO_OKLAB += [[0.0259040371, 0.7827717662, -0.8086757660]]


def ranked(*records: Record) -> Measured:
    loaded = table(*records)
    ranks = standings(loaded, BUDGET)
    return Measured(loaded, ranks, answer(loaded, ranks))


def pictures(seen: Measured) -> dict[str, Figure]:
    """The drawn figures by kind; of several tasks, the last."""
    with styled():
        drawn = {plot.kind: PLOTS[plot.kind](*plot.tables) for _, plot in of_tasks(seen)}
    return {kind: figure for kind, figure in drawn.items() if figure is not None}


def titles(figure: Figure) -> list[str]:
    return [axes.get_title(loc="left").replace("\n", " ") for axes in figure.axes]


def own_looks(*records: Record) -> dict[str, Look]:
    seen = ranked(*records)
    return looks.looks(looks.dressed(seen.standings, seen.answer))


def ring(axes: Axes) -> list[tuple[float, float]]:
    rings = [line for line in axes.lines if line.get_marker() == "o" and line.get_markerfacecolor() == "none"]
    return [(float(x), float(y)) for line in rings for x, y in np.asarray(line.get_xydata())]


def written(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def perceived(colour: str, eyes: str) -> np.ndarray:
    """A colour in OKLab, as these eyes see it."""
    parts = np.array(to_rgb(colour))
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(MACHADO[eyes]) @ linear, 0, 1)
    return np.array(np.array(TO_OKLAB) @ np.cbrt(np.array(TO_LMS) @ seen))


def test_the_contrast_is_that_of_wcag() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=1e-3)  # the known grey that misses 4.5


@pytest.mark.parametrize("colour", [*COLOURS, INK, GREY])
def test_lines_marks_and_texts_are_dark_enough_on_white(colour: str) -> None:
    assert contrast(colour, "#ffffff") >= 3


@pytest.mark.parametrize("eyes", MACHADO)
def test_all_eyes_tell_the_colours_apart(eyes: str) -> None:
    """In OKLab 0.02 is just noticeable between large areas."""
    pairs = combinations([*COLOURS, INK, GREY], 2)
    assert min(np.linalg.norm(perceived(one, eyes) - perceived(other, eyes)) for one, other in pairs) > 0.05


def test_shipped_implementations_have_a_look_each() -> None:
    assert len({*SHIPPED.values()}) == len(SHIPPED)


def test_a_look_stays_whoever_takes_part_and_whoever_wins() -> None:
    names = ["ours", "compiled_dot", "numkong", "theirs"]  # each with a colour of its own
    first = own_looks(*(ok(name, SMALL, 0.1 * rank + 0.1) for rank, name in enumerate(names)), ok("builtin", SMALL, 1))
    assert first["compiled_dot"] == SHIPPED["compiled_dot"]
    assert first["ours"] not in SHIPPED.values()
    for left_out in names:
        rest = [name for name in reversed(names) if name != left_out]
        other = own_looks(*(ok(name, LARGE, rank + 0.1) for rank, name in enumerate(rest)), ok("builtin", LARGE, 1))
        assert {name: first[name] for name in other} == other


def test_a_look_stays_in_every_task_of_a_report() -> None:
    maps = replace(SMALL, task="feature_maps", shape=(4, 8, 4, 4))
    crowd = [ok(f"paired_{n}", SMALL, 0.1 + n / 100) for n in range(MOST)]
    seen = ranked(ok("builtin", SMALL, 1), ok("mine", SMALL, 0.5), *crowd, ok("builtin", maps, 1), ok("mine", maps, 2))
    dressed = looks.dressed(seen.standings, seen.answer)
    assert (dressed.groupby("implementation")[["colour", "marker"]].nunique() == 1).all(axis=None)


def test_names_that_choose_one_look_get_neighbouring_ones() -> None:
    slots = len(looks._POOL)
    by_slot: dict[int, list[str]] = {}
    for name in (f"mine_{n}" for n in range(slots + 1)):
        by_slot.setdefault(zlib.crc32(name.encode()) % slots, []).append(name)
    one, other = sorted(next(names for names in by_slot.values() if len(names) > 1)[:2])
    alone = {name: own_looks(ok("builtin", SMALL, 1), ok(name, SMALL, 0.5))[name] for name in (one, other)}
    assert alone[one] == alone[other]
    for fast, slow in ((one, other), (other, one)):
        both = own_looks(ok("builtin", SMALL, 1), ok(fast, SMALL, 0.5), ok(slow, SMALL, 0.9))
        assert both[one] == alone[one]
        assert both[other] != alone[one]


def test_few_have_a_colour_each() -> None:
    names = ("builtin", "normalize", "norm_divide", "mine")
    found = own_looks(*(ok(name, SMALL, 1 + rank / 10) for rank, name in enumerate(names)))
    assert len({look.colour for look in found.values()}) == len(names)
    assert found["normalize"].marker == SHIPPED["normalize"].marker


def test_a_crowd_has_few_colours_and_the_answer_is_among_them() -> None:
    crowd = [ok(f"n{n}", SMALL, 0.2 + n / 100) for n in range(40)]
    found = own_looks(ok("builtin", SMALL, 1), ok("sloppy", SMALL, 0.1, 99), *crowd)
    coloured = [name for name, look in found.items() if look.colour != GREY]
    assert len(coloured) == MOST
    assert {"builtin", "n0"} <= {*coloured}
    assert len({found[name] for name in coloured}) == MOST


def test_the_answer_is_ringed_and_named_at_its_point() -> None:
    records = [ok(name, case, ratio, 2.0) for case in CASES for name, ratio in (("builtin", 1), ("mine", 0.25))]
    drawn = pictures(ranked(*records, *(ok("sloppy", case, 0.1, 99) for case in CASES)))
    (tradeoff,), (latency,), (ratio,) = (drawn[kind].axes for kind in ("tradeoff", "latency", "ratio"))
    assert ring(tradeoff) == [pytest.approx((0.25, 2 * UNIT_ROUNDOFF))]
    assert "mine" in written(tradeoff)
    assert ring(latency)[-1] == pytest.approx((LARGE.input_bytes, LARGE.input_bytes / 2e9 / 4))
    assert written(latency) == ["mine"]
    assert [x for x, _ in ring(ratio)] == pytest.approx([0.25] * 3)
    assert [tick.get_text() for tick in ratio.get_yticklabels() if tick.get_fontweight() == "bold"] == ["mine"]


def test_an_outlier_is_an_arrow_with_its_number() -> None:
    names = {"builtin": 1, "mine": 0.5, "slow": 2, "hopeless": 300}
    drawn = pictures(ranked(*(ok(name, case, ratio) for case in CASES for name, ratio in names.items())))
    for kind in ("ratio", "tradeoff"):
        (axes,) = drawn[kind].axes
        assert axes.get_xlim()[1] < 30
        assert any(text.endswith("→ 300×") for text in written(axes))
    (axes,) = drawn["latency"].axes
    assert axes.get_ylim()[1] < 30 * LARGE.input_bytes / 2e9
    assert "hopeless → 20.1 s" in written(axes)


def test_a_case_without_a_baseline_is_named() -> None:
    drawn = pictures(ranked(ok("builtin", SMALL, 1), ok("mine", SMALL, 0.5), ok("mine", LARGE, 0.5)))
    for kind in ("ratio", "tradeoff"):
        caption = drawn[kind].get_supxlabel().replace("\n", " ")
        assert caption == "paired, float32, cpu: not drawn for want of a baseline: 65536x256."


def test_a_baseline_in_a_case_of_its_own_has_no_picture_of_ratios() -> None:
    """The most complete implementation shares no case with it, so no standing is compared."""
    shared = [ok("mine", case, 0.5) for case in (MIDDLE, LARGE)]
    assert "ratio" not in pictures(ranked(ok("builtin", SMALL, 1), *shared))


def test_a_case_with_another_reference_is_named() -> None:
    seen = ranked(*(ok(name, case, 1) for case in CASES for name in ("builtin", "mine")))
    other = (seen.table["label"] == "65536x256") & (seen.table["implementation"] == "mine")
    changed = seen.table.assign(baseline=seen.table["baseline"] & (seen.table["label"] != "65536x256") | other)
    caption = pictures(seen._replace(table=changed))["ratio"].get_supxlabel().replace("\n", " ")
    said = "builtin has no time for 65536x256; the times there are against mine, the fastest."
    assert caption == f"paired, float32, cpu: {said}"


def test_the_baseline_is_named() -> None:
    records = [ok("mine", SMALL, 0.5), ok("builtin", SMALL, 1)]
    drawn = pictures(ranked(*(replace(record, baseline=record.implementation == "mine") for record in records)))
    for kind in ("ratio", "tradeoff"):
        assert drawn[kind].axes[0].get_xlabel().startswith("time / mine's time")
    assert "mine (baseline)" in [label.get_text() for label in drawn["ratio"].axes[0].get_yticklabels()]


@pytest.mark.parametrize(
    ("error_u", "title"),
    [
        (0.5, "mine is 2× faster at the least error"),
        (2.0, "mine is 2× faster at no more error than builtin"),
        (6.0, "mine is 2× faster at 3× the error of builtin"),
    ],
)
def test_the_title_weighs_speed_against_error(error_u: float, title: str) -> None:
    records = [ok("builtin", SMALL, 1, 2.0), ok("mine", SMALL, 0.5, error_u), ok("slow", SMALL, 3, 1.0)]
    assert titles(pictures(ranked(*records))["tradeoff"]) == [f"float32: {title}"]


def test_the_title_says_where_the_answer_begins_to_win() -> None:
    ratios = {SMALL: 1.5, MIDDLE: 0.5, LARGE: 0.1}
    records = [record for case, ratio in ratios.items() for record in (ok("builtin", case, 1), ok("mine", case, ratio))]
    assert titles(pictures(ranked(*records))["latency"]) == ["float32: mine is faster than builtin from 1,024 rows on"]


@pytest.mark.parametrize(
    ("errors", "title"),
    [
        ((1.0, 99.0, 99.0), "nothing is within the error budget in 2 of 3 cases"),
        ((99.0, 99.0, 99.0), "nothing is within the error budget in 3 of 3 cases"),
    ],
)
def test_titles_count_the_cases_without_an_answer(errors: tuple[float, ...], title: str) -> None:
    records = [ok(name, case, 1, error) for case, error in zip(CASES, errors, strict=True) for name in ("builtin", "a")]
    assert titles(pictures(ranked(*records))["ratio"]) == [f"float32: {title}"]


def test_a_title_says_that_no_one_implementation_does_for_all_cases() -> None:
    errors = {"builtin": (1.0, 99.0, 1.0), "a": (99.0, 1.0, 1.0)}
    records = [ok(name, case, 1, u) for name, us in errors.items() for case, u in zip(CASES, us, strict=True)]
    said = "float32: no implementation is within the error budget in all 3 cases"
    assert titles(pictures(ranked(*records))["ratio"]) == [said]


@pytest.mark.parametrize("ratio", [1.0, 1.04, 1.3, 1.9, 0.7, 4.0, 300.0])
def test_an_axis_of_times_has_several_numbers(ratio: float) -> None:
    (axes,) = pictures(ranked(ok("builtin", SMALL, 1), ok("mine", SMALL, ratio)))["ratio"].axes
    low, high = axes.get_xlim()
    ticks = [tick for tick in axes.get_xticks() if low <= tick <= high]
    labels = axes.xaxis.get_major_formatter().format_ticks(ticks)
    assert 2 <= len(labels) == len({*labels})
    assert "1×" in labels


def test_one_shape_has_one_size_of_mark_in_every_format() -> None:
    maps = [replace(SMALL, task="feature_maps", shape=(8, 4, side, side)) for side in (8, 16)]
    cases = [replace(case, memory_format=layout) for case in maps for layout in ("contiguous", "channels_last")]
    figure = pictures(ranked(*(ok(name, case, 1) for case in cases for name in ("builtin", "a"))))["ratio"]
    (legend,) = figure.legends
    marks = zip(legend.get_texts(), legend.get_lines(), strict=True)
    sizes = {text.get_text(): mark.get_markersize() for text, mark in marks}
    assert sizes["8x4x8x8"] == sizes["8x4x8x8 channels_last"] < sizes["8x4x16x16"]


def test_titles_are_plain_where_nothing_is_seen() -> None:
    seen = ranked(*(ok(name, case, 1) for case in CASES for name in ("builtin", "mine")))
    drawn = pictures(seen)
    plain = "float32: no implementation within the error budget is seen to be faster than builtin over all cases"
    for kind in ("ratio", "latency", "tradeoff"):
        assert titles(drawn[kind]) == [plain]


@pytest.mark.parametrize("kind", ["ratio", "latency", "tradeoff"])
def test_titles_say_that_an_answer_is_provisional(kind: str) -> None:
    seen = ranked(*(ok(name, case, ratio) for case in CASES for name, ratio in (("builtin", 1), ("mine", 0.5))))
    disturbed = seen.table.assign(provisional=seen.table["implementation"] == "mine")
    assert titles(pictures(seen._replace(table=disturbed))[kind])[0].startswith(
        "float32: provisional: mine is 2× faster"
    )
    quiet = seen.table.assign(provisional=False)
    assert titles(pictures(seen._replace(table=quiet))[kind])[0].startswith("float32: mine is 2× faster")


def shown(axes: Axes) -> Iterator[Text]:
    """The texts of a facet, without the marks of a heat map's cells."""
    yield from (axes.title, axes._left_title, axes.xaxis.label, axes.yaxis.label)  # type: ignore[attr-defined]
    yield from (text for text in axes.texts if len(text.get_text()) > 1)
    for axis in (axes.xaxis, axes.yaxis):
        ticks = axis._update_ticks()  # type: ignore[attr-defined]
        yield from (label for tick in ticks for label in (tick.label1, tick.label2) if label.get_visible())


def legible(figure: Figure) -> None:
    """No text covers another one or is cut off."""
    settle(figure)
    figure.draw_without_rendering()
    texts = [text for axes in figure.axes for text in shown(axes)]
    texts += [*figure.texts, *(text for legend in figure.legends for text in legend.get_texts())]
    boxes = {text: text.get_window_extent().padded(-1) for text in texts if text.get_text().strip()}
    width, height = figure.bbox.size
    for text, box in boxes.items():
        inside = box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height
        assert inside, f"{text.get_text()!r} is cut off"
    for (one, box), (other, its) in combinations(boxes.items(), 2):
        assert not box.overlaps(its), f"{one.get_text()!r} covers {other.get_text()!r}"


@pytest.mark.parametrize("run", sorted(PUBLISHED.glob("*/*.jsonl")), ids=lambda run: run.parent.name)
def test_the_pictures_of_published_runs_are_legible(run: Path) -> None:
    found = load_findings(str(run))
    accuracy = judged(found.accuracy, BUDGET)
    tasks = [plot for _, plot in of_tasks(measured(load(str(run)), accuracy, BUDGET))]
    plots = [*of_findings(accuracy, seen(found.resolution), trained(found.always_one)), *tasks]
    assert plots
    with styled():
        for plot in plots:
            if figure := PLOTS[plot.kind](*plot.tables):
                legible(figure)


def test_long_names_close_marks_and_many_groups_stay_legible() -> None:
    names = {f"an_implementation_with_a_long_name_{n}": 0.5 + n / 50 for n in range(25)} | {"builtin": 1, "far": 999}
    cases = [replace(case, dtype=dtype) for case in CASES for dtype in ("float32", "float64", "bfloat16")]
    records = [ok(name, case, ratio, 1e-9, peak=2**20) for case in cases for name, ratio in names.items()]
    with styled():
        for figure in pictures(ranked(*records)).values():
            legible(figure)
