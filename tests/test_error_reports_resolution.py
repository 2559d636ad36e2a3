"""Resolution near 1 of each implementation, in words and in pictures."""

import math
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from reports.plots.resolution import resolution as resolution_plot
from reports.sections import resolution
from results import load_resolution
from suites.records.finding import Resolution
from tests.findings import (
    deviated,
    measured_in,
    saved,
    seeing,
    usual_time,
)


def test_equal_resolutions_share_a_row_with_the_dtypes_limit(tmp_path: Path) -> None:
    found = load_resolution(
        "errors",
        saved(
            tmp_path,
            seeing("builtin", 6.31, 29, dtype="bfloat16"),
            seeing("twin", 6.34, 29, dtype="bfloat16"),
            seeing("blind", None, 1, dtype="bfloat16"),
            seeing("builtin", 0.04, 16384),
        ),
    )
    assert resolution.table(found).to_numpy().tolist() == [
        ["bfloat16", ("builtin", "twin"), "6.3°", "29 of 16,384", "3.6°, 26 numbers"],
        ["bfloat16", ("blind",), "–", "1 of 16,384", "3.6°, 26 numbers"],
        ["float32", ("builtin",), "0.04°", "16,384 of 16,384", "0.014°, 1,677,722 numbers"],
    ]


def test_theory_is_what_the_reference_derives() -> None:
    best = {dtype: resolution.theory(dtype) for dtype in ("float16", "bfloat16")}
    assert {dtype: (round(math.degrees(b.smallest_angle), 2), b.distinct) for dtype, b in best.items() if b} == {
        "float16": (1.27, 205),
        "bfloat16": (3.58, 26),
    }
    assert resolution.theory("float8") is None


def test_a_threshold_in_bfloat16_gets_the_resolution(tmp_path: Path) -> None:
    root = saved(
        tmp_path,
        seeing("builtin", 6.0, 29, dtype="bfloat16"),
        seeing("broadcast", 6.0, 29, dtype="bfloat16", task="pairwise"),
        seeing("exact", 0.014, 16300, dtype="bfloat16"),
        seeing("angle", 1e-6, 16300, dtype="bfloat16", task="angle"),
        seeing("builtin", 2.3, 29, dtype="float16"),
        seeing("coarse", 2.8, 29, dtype="float16"),
        seeing("builtin", 0.04, 16384),
        deviated("builtin", "self", above=16, exact=57, dtype="bfloat16"),
        deviated("builtin", "self", above=16, exact=50, dtype="float16"),
        deviated("exact", "self", output="float32", dtype="bfloat16"),
        usual_time("builtin", 1.0, "bfloat16"),
        usual_time("exact", 3.0, "bfloat16"),
    )
    found, (found_judged, standings) = load_resolution("errors", root), measured_in(root)
    assert resolution.thresholds(found, found_judged, standings) == [
        "**A threshold at 0.999 with rows in float16** is an angle of 2.56°. These implementations can't distinguish "
        "it from 0: `coarse`. For equal rows, the answers of `builtin` are exactly 1 for 50 %, above 1 for 16 %, below "
        "1 for 34 %.",
        "**A threshold at 0.999 with rows in bfloat16** is an angle of 2.56°. Just below 1, bfloat16 numbers are "
        "0.0039 apart, so an answer in bfloat16 passes only if it is 1 or more. In theory it is 1 for all pairs less "
        "than 3.6° apart. As measured, the smallest angle distinguished from 0 is 6° for `broadcast`, `builtin`; "
        "0.014° for `exact`, the finest other. For equal rows, the answers of `builtin` are exactly 1 for 57 %, "
        "above 1 for 16 %, below 1 for 27 %. Those below 1 fail the threshold. These answer in float32, at a cost "
        "relative to the baseline: `exact` (3× slower).",
    ]
    assert resolution.thresholds(found[found["dtype"] == "float32"], found_judged, standings) == []


def test_two_devices_have_separate_rows(tmp_path: Path) -> None:
    root = saved(
        tmp_path,
        *(
            seeing(name, degrees, 29, dtype="bfloat16", device=device)
            for name, device, degrees in (
                ("builtin", "cpu", 6.0),
                ("exact", "cpu", 0.014),
                ("builtin", "cuda", 5.0),
                ("wide", "cuda", 0.04),
            )
        ),
        replace(deviated("builtin", "self", above=16, exact=57, dtype="bfloat16"), device="cuda"),
        deviated("exact", "self", output="float32", dtype="bfloat16"),
    )
    cpu, cuda = resolution.thresholds(load_resolution("errors", root), *measured_in(root))
    assert "0.999 with rows in bfloat16 on cpu**" in cpu
    assert "0.999 with rows in bfloat16 on cuda**" in cuda
    assert (
        "from 0 is 6° for `builtin`; 0.014° for `exact`, the finest other. "
        "These answer in float32, at a cost relative to the baseline: `exact`"
    ) in cpu
    assert cuda.endswith(
        "from 0 is 5° for `builtin`; 0.04° for `wide`, the finest other. For equal "
        "rows, the answers of `builtin` are exactly 1 for 57 %, above 1 for 16 %, below 1 for 27 %. Those below 1 fail "
        "the threshold."
    )


def test_devices_whose_answers_are_coarse_in_float16_are_named(tmp_path: Path) -> None:
    found = [seeing("coarse", 2.8, 29, dtype="float16", device=device) for device in ("cpu", "cuda")]
    root = saved(tmp_path, *found)
    said = resolution.thresholds(load_resolution("errors", root), *measured_in(root))
    assert [re.findall(r"\*\*(.*?)\*\*", line) for line in said] == [
        ["A threshold at 0.999 with rows in float16 on cpu"],
        ["A threshold at 0.999 with rows in float16 on cuda"],
    ]


def plotted(root: Path, *found: Resolution) -> Figure:
    figure = resolution_plot(load_resolution("errors", saved(root, *found)))
    figure.draw_without_rendering()
    return figure


def upright(axes: Axes) -> list[float]:
    lines = [list(line.get_xdata()) for line in axes.get_lines()]
    return sorted(float(x[0]) for x in lines if len(x) == 2 and x[0] == x[1])


def ticks(labels: list[Text]) -> list[str]:
    return [label.get_text() for label in labels]


def test_the_picture_does_not_stretch_for_what_is_finest(tmp_path: Path) -> None:
    figure = plotted(tmp_path, seeing("angle", 1e-10, 9, task="angle"), seeing("builtin", 9, 9))
    angles, _ = figure.axes
    arrows = [list(line.get_xdata()) for line in angles.get_lines() if line.get_marker() == "<"]
    assert arrows == [[1e-3]]
    assert angles.get_xlim()[0] > 1e-4
    assert ticks(angles.get_xticklabels()) == ["0.001°", "0.01°", "0.1°", "1°", "2°", "5°", "10°"]
    assert figure.legends[0].get_texts()[-1].get_text() == "finer than 0.001°"


def test_the_picture_has_a_line_for_what_each_dtype_allows(tmp_path: Path) -> None:
    figure = plotted(
        tmp_path,
        seeing("builtin", 6.0, 29, dtype="bfloat16"),
        seeing("exact", 0.1, 16384, dtype="bfloat16"),
        seeing("builtin", 0.04, 16384),
        seeing("blind", None, 1),
    )
    angles, answers = figure.axes
    assert ticks(angles.get_yticklabels()) == ["exact", "builtin", "blind"]
    assert upright(angles) == pytest.approx([0.01399, 2.5626, 3.581], rel=1e-3)
    assert upright(answers) == [26, 1677722]
    low, high = answers.get_xlim()
    assert low < 1
    assert 16384 < high < 1677722  # the finest lies beyond the axis
    assert angles.get_title().endswith("below 2.6° for 1 of 3")
    (legend,) = figure.legends
    assert ticks(legend.get_texts()) == [
        "bfloat16; limit 3.6°, 26 numbers",
        "float32; limit 0.014°, 1,677,722 numbers",
        "2.6°: cosine 0.999",
    ]


def test_the_marks_of_dtypes_lie_apart_and_in_both_panels_at_one_height(tmp_path: Path) -> None:
    dtypes = ("float32", "float16", "bfloat16")
    figure = plotted(tmp_path, *(seeing(name, 0.1, 9, dtype=dtype) for dtype in dtypes for name in ("a", "b")))
    panels = [
        [list(line.get_ydata()) for line in axes.get_lines() if line.get_marker() in "os^" and len(line.get_ydata())]
        for axes in figure.axes
    ]
    assert panels[0] == panels[1]
    heights = sorted(height for dots in panels[0] for height in dots)
    assert len(heights) == 6
    assert all(low + 0.2 < high for low, high in pairwise(heights))


def test_the_picture_says_what_it_leaves_out_and_on_which_device(tmp_path: Path) -> None:
    devices = ("cpu", "cuda")
    figure = plotted(tmp_path, *(seeing(f"i{n}", 0.1, 9, device=device) for n in range(21) for device in devices))
    assert "(the first 40 of 42)" in figure.get_suptitle()
    assert {label.split()[-1] for label in ticks(figure.axes[0].get_yticklabels())} == {*devices}
