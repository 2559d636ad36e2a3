"""The speed report: the right winner, the same bytes each time, and no markup from outside."""

import math
import os
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from markdown_it import MarkdownIt  # rich depends on it
from matplotlib.figure import Figure

from reports import BUDGET, answer, render, units
from reports.__main__ import main
from reports.markdown import code, escape, prose
from reports.plots.drawing import PLOTS
from reports.plots.looks import dressed
from reports.pull_request import pull_request
from reports.sections.speed import answer as answers
from reports.sections.speed import standings as ranks
from reports.sections.speed.table import FASTER, SAME, SLOWER, prepare
from reports.sections.speed.verdicts import CHANCE
from reports.sections.speed.winners import by_size, winners
from results import COLUMNS, UnknownRun, load
from suites.records.case import Case
from suites.records.jsonl import to_line
from suites.records.record import (
    UNIT_ROUNDOFF,
    End,
    Environment,
    Error,
    Flag,
    Latency,
    Line,
    Operator,
    Record,
    Run,
    Status,
)
from suites.statistics import VERDICT_CONFIDENCE

GOLDEN = Path(__file__).parent / "golden" / "report.md"
"""After a wanted change: UPDATE_GOLDEN=1 pytest tests/test_reports.py -k golden, and read the diff."""

ENVIRONMENT = Environment(
    system="Linux",
    cpu="A CPU (R) of 3 GHz",
    cpu_capability="AVX2",
    cores=8,
    memory_bytes=2**34,
    threads=4,
    gpu="",
    gpu_driver="",
    python="3.12.0",
    torch="2.13.0",
    torch_build="",
    cuda="",
    float32_matmul_precision="highest",
    reduced_precision="",
    allocator="",
    commit="1234567",
    dirty=False,
    packages={"numpy": "2.3.0"},
)
HEAD = Run(
    name="golden",
    started="2026-11-21T10:00:00+00:00",
    grid="tiny",
    command="pytest suites --grid tiny",
    environment=ENVIRONMENT,
    absent={"numkong": "the package 'numkong' is not installed; `pip install numkong` adds it"},
    precision=0.01,
    seconds=0.5,
    about={
        "one_pass": "Three sums in one pass. No eps: a zero row gives NaN.",
        "as_ever": "",
        "builtin": "Torch's own.",
    },
)
AXES = ("task", "dtype", "device", "memory_format", "direction", "inputs", "cache", "k")
CASES = [Case(task="paired", shape=(rows, 256), dtype="float32", device="cpu") for rows in (64, 1024, 65536)]
SMALL, MIDDLE, LARGE = CASES
NASTY = "a|b`c` <img src=x> ![i](http://e.vil/p.png) [l](http://e.vil)\n# heading\n- $x_1$ \N{RIGHT-TO-LEFT OVERRIDE}"


def samples(usual_s: float, spread: float, rounds: int = 20) -> tuple[float, ...]:
    """Seconds per call, which alternate between pairs of rounds by `spread`."""
    return tuple(usual_s * (1 + spread * (round_ // 2 % 2 - 0.5)) for round_ in range(rounds))


def ok(
    name: str,
    case: Case,
    ratio: float,
    error_u: float = 1.0,
    peak: int | None = None,
    spread: float = 0.0,
    *,
    noise: float = 0.0,
    first_call_s: float = 0.0,
    rounds: int = 20,
    flags: tuple[Flag, ...] = (),
) -> Record:
    """A record whose time is `ratio` of the baseline's; the baseline's control is up to half of `noise` off."""
    usual_s = case.input_bytes / 2e9 * ratio
    return Record(
        implementation=name,
        baseline=name == "builtin",
        case=case,
        status=Status.OK,
        latency=Latency(
            samples_s=samples(usual_s, spread, rounds),
            control_s=samples(usual_s, noise, rounds) if name == "builtin" else (),
            calls=1,
            stride=1,
            stop="budget" if case is LARGE else "precision",
            page_faults=0.0,
            first_call_s=first_call_s or usual_s,
        ),
        error=Error(error_abs=error_u * UNIT_ROUNDOFF, error_rms=error_u * UNIT_ROUNDOFF / 4),
        peak_bytes=peak,
        flags=flags,
    )


def failed(name: str, case: Case, status: Status, reason: str) -> Record:
    return Record.failed(name, False, case, status, reason)


def golden() -> Iterable[Line]:
    drift = Flag(name="drift", evidence="the second half takes 1.2 times the first half's time")
    for case, noise in zip(CASES, (0.028, 0.008, 0.004), strict=True):
        yield ok("builtin", case, 1.0, peak=2 * case.input_bytes, noise=noise)
        yield ok("one_pass", case, 0.1 if case.shape[0] > 64 else 1.3, 2.5, case.shape[0] * 4, first_call_s=2.0)
        yield ok("for_small_ones", case, 0.4, 1.5, case.input_bytes, flags=(drift,))
        yield ok("as_ever", case, 1.0, peak=2 * case.input_bytes, spread=0.3)
        yield ok("a_hair_slower", case, 1.01, peak=2 * case.input_bytes)
        yield ok("sloppy", case, 0.05, 70.0, case.shape[0] * 4)
        if case.shape[0] == 65536:
            yield failed("greedy", case, Status.OUT_OF_MEMORY, "needs 3 GiB, 1 GiB is free")
            yield failed("mistaken", case, Status.WRONG, "largest error 0.5, its contract allows 1e-6")
        else:
            yield ok("greedy", case, 0.01, peak=9 * case.input_bytes)
            yield ok("mistaken", case, 0.02)
    double = replace(SMALL, dtype="float64")
    yield ok("builtin", double, 1.0, 1e-9, double.input_bytes, noise=0.28)
    yield ok("as_ever", double, 0.98, 1e-9, double.input_bytes, spread=0.3)
    for name, self_s in (("builtin", 2e-3), ("one_pass", 2e-4)):
        yield Operator(
            implementation=name,
            baseline=name == "builtin",
            case_id=CASES[0].id,
            operator="aten::mul",
            calls=2,
            self_s=self_s,
            allocated_bytes=2**20,
        )
    yield End(wall_s=12.0, phases_s={"samples": 9.0, "first calls": 3.0})


def save(root: Path, lines: Iterable[Line], head: Run = HEAD) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    path = root / f"{head.name}.jsonl"
    path.write_text("".join(f"{to_line(line)}\n" for line in [head, *lines]))
    return path


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("runs")
    save(root, golden())
    return render("golden", root=root, out=root / "out")


def table(*records: Record) -> pd.DataFrame:
    """The prepared table of records without spread, built here to test the sections alone."""
    base = {record.case: record.latency for record in records if record.baseline}

    def row(record: Record) -> dict[str, object]:
        case, latency = record.case, record.latency
        time_s = latency.samples_s[0] if latency else float("nan")
        usual = base.get(case)
        ratio = time_s / usual.samples_s[0] if usual else float("nan")
        axes = {axis: getattr(case, axis) for axis in AXES}
        numbers = dict.fromkeys(("latency_s", "latency_low", "latency_high"), time_s)
        numbers |= dict.fromkeys(("ratio", "ratio_low", "ratio_high"), ratio)
        return (
            axes
            | numbers
            | {
                "implementation": record.implementation,
                "baseline": record.baseline,
                "shape": "x".join(map(str, case.shape)),
                "case": f"{case.task}-{case.id}",
                "status": str(record.status),
                "reason": record.reason,
                "reference": next((each.implementation for each in records if each.case == case and each.baseline), ""),
                "reference_why": "",
                "verdict": FASTER if ratio < 1 else SLOWER if ratio > 1 else "",
                "noise_floor": 0.0,
                "rounds": len(latency.samples_s) if latency else float("nan"),
                "first_call_s": latency.first_call_s if latency else float("nan"),
                "flags": ", ".join(flag.name for flag in record.flags),
                "peak_bytes": record.peak_bytes,
                "error_u": record.error.error_abs / UNIT_ROUNDOFF if record.error else float("nan"),
            }
        )

    frame = pd.DataFrame([row(record) for record in records], columns=COLUMNS)
    return prepare(frame.astype({"baseline": bool, "peak_bytes": "Int64"}))


def rendered(root: Path) -> str:
    return render("golden", root=root, out=root / "out").read_text()


def winner(*records: Record) -> pd.Series:
    loaded = table(*records)
    ((_, row),) = answers.answer(loaded, ranks.standings(loaded, BUDGET)).iterrows()
    return row


def test_the_golden_report(page: Path) -> None:
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_bytes(page.read_bytes())
    assert page.read_bytes() == GOLDEN.read_bytes()


def test_the_same_run_gives_the_same_bytes(page: Path, tmp_path: Path) -> None:
    again = render("golden", root=page.parents[2], out=tmp_path).parent
    names = sorted(path.name for path in page.parent.iterdir())
    assert names == sorted(path.name for path in again.iterdir())
    assert len([name for name in names if name.endswith(".png")]) == 4
    for name in names:
        assert (page.parent / name).read_bytes() == (again / name).read_bytes(), name


def test_latest_points_to_the_newest_report(page: Path) -> None:
    latest = page.parents[1] / "latest"
    assert latest.readlink() == Path("golden")
    assert (latest / "report.md").samefile(page)


def test_the_fastest_within_the_budget_is_the_answer() -> None:
    row = winner(
        *(ok("builtin", case, 1.0, peak=400) for case in CASES),
        *(ok("fast", case, ratio, 15.9, 100) for case, ratio in zip(CASES, (0.1, 0.2, 0.4), strict=True)),
        *(ok("faster_but_sloppy", case, 0.01, 16.1 if case is LARGE else 1.0) for case in CASES),
    )
    assert (row["implementation"], row["reference"]) == ("fast", "builtin")
    assert (row["faster"], row["compared"]) == (3, 3)
    assert (row["faster_ratio"], row["best"], row["worst"]) == pytest.approx((0.2, 0.1, 0.4))
    assert (row["memory"], row["error_u"]) == pytest.approx((0.25, 15.9))


@pytest.mark.parametrize("status", [Status.WRONG, Status.OUT_OF_MEMORY, Status.UNSUPPORTED, Status.CRASHED])
def test_an_implementation_with_a_failure_is_not_the_answer(status: Status) -> None:
    row = winner(
        ok("builtin", SMALL, 1.0),
        ok("builtin", LARGE, 1.0),
        ok("fast", SMALL, 0.1),
        failed("fast", LARGE, status, "why"),
    )
    assert (row["implementation"], row["ran"], row["cases"]) == ("builtin", 2, 2)


def test_without_a_complete_implementation_the_most_complete_are_compared() -> None:
    row = winner(
        ok("builtin", SMALL, 1.0),
        ok("builtin", MIDDLE, 1.0),
        failed("broken", LARGE, Status.ERROR, "why"),
        ok("other", MIDDLE, 0.5),
        ok("other", LARGE, 0.001),
        ok("one_case", LARGE, 0.0001),
    )
    assert (row["implementation"], row["ran"], row["cases"]) == ("other", 2, 3)
    assert (row["faster_ratio"], row["compared"]) == (pytest.approx(0.5), 1)


def test_without_a_baseline_the_latency_decides() -> None:
    row = winner(ok("slow", LARGE, 2.0), ok("fast", LARGE, 1.0), failed("fast", SMALL, Status.TIMED_OUT, "600 s"))
    assert row["implementation"] == "fast"
    assert row["compared"] == 0
    assert pd.isna(row["reference"])


def test_nobody_within_the_budget_is_no_answer() -> None:
    loaded = table(ok("builtin", LARGE, 1.0, 20.0))
    standings = ranks.standings(loaded, BUDGET)
    answer = answers.answer(loaded, standings)
    assert answer["implementation"].isna().all()
    assert list(answers.close_seconds(loaded, standings, answer)["why"]) == ["outside the error budget"]


def test_what_else_is_fast_is_named_with_the_reason() -> None:
    loaded = table(
        *(ok("builtin", case, 1.0) for case in CASES),
        *(ok("chosen", case, 0.5) for case in CASES),
        *(ok("equal", case, 0.5) for case in CASES),
        *(ok("sloppy", case, 0.25, 100.0) for case in CASES),
        ok("greedy", SMALL, 0.1),
        failed("greedy", LARGE, Status.OUT_OF_MEMORY, "why"),
    )
    standings = ranks.standings(loaded, BUDGET)
    close = answers.close_seconds(loaded, standings, answers.answer(loaded, standings)).set_index("implementation")
    assert dict(close["why"]) == {
        "greedy": "did not run every case",
        "sloppy": "outside the error budget",
        "equal": SAME,
    }
    assert dict(close["faster_chosen"]) == {"greedy": 1, "sloppy": 3, "equal": 0}
    assert dict(close["faster_ratio_chosen"].dropna()) == pytest.approx({"greedy": 0.2, "sloppy": 0.5})


def test_where_size_decides_each_case_has_its_winner() -> None:
    loaded = table(
        *(ok("builtin", case, 1.0) for case in CASES),
        *(ok("for_large", case, ratio) for case, ratio in zip(CASES, (0.9, 0.1, 0.1), strict=True)),
        *(ok("for_small", case, ratio) for case, ratio in zip(CASES, (0.5, 0.6, 0.095), strict=True)),
        ok("wrong_elsewhere", SMALL, 0.01),
        failed("wrong_elsewhere", LARGE, Status.WRONG, "why"),
    )
    standings = ranks.standings(loaded, BUDGET)
    answer = answers.answer(loaded, standings)
    found = by_size(winners(loaded, standings, answer), answer)
    labels = dict(zip(found["implementation"], found["labels"], strict=True))
    assert labels == {"for_small": ("64x256",), "for_large": ("1024x256", "65536x256")}  # 5 % is not clearly faster


def test_no_difference_says_how_large_one_may_be() -> None:
    assert [units.within(0.98, 1.01), units.within(0.9, 1.3)] == ["within 2 %", "within a factor of 1.3"]


def test_speeds_are_factors_or_percents() -> None:
    said = ["5.3 % faster", "11× faster", "1.5× slower", "as fast"]
    assert [units.speed(ratio) for ratio in (0.95, 0.09, 1.5, 1)] == said


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        ((0.34, 0.30, 0.38), "2.9× faster (2.6 to 3.3)"),
        ((1.032, 1.029, 1.035), "3.2 % slower (2.9 to 3.5)"),
        ((11.0, 10.6, 12.7), "11× slower (11 to 13)"),
        ((0.95, 0.9, 1.02), "5.3 % faster (2 % slower to 1.1× faster)"),
        ((0.9, 0.85, 0.97), "1.11× faster (1.03 to 1.18)"),
        ((1.25, 1.2, 1.3), "1.25× slower (1.2 to 1.3)"),
        ((57.2, 42.0, 138.0), "57× slower (42 to 138)"),
        ((0.5, 0.5, 0.5), "2× faster"),
    ],
)
def test_a_ratio_and_its_interval_have_one_direction(ratio: tuple[float, float, float], said: str) -> None:
    assert units.speed_within(*ratio) == said


@pytest.mark.parametrize(
    ("slowest", "fastest", "said"),
    [
        (2.3, 0.2, "2.3× slower to 5× faster"),
        (0.5, 0.08, "2× to 12× faster"),
        (19.0, 1.4, "1.4× to 19× slower"),
        (1.05, 1.02, "2 % to 5 % slower"),
        (0.5, 0.5, "2× faster"),
    ],
)
def test_a_range_of_speeds_names_its_direction_once(slowest: float, fastest: float, said: str) -> None:
    assert units.speeds(slowest, fastest) == said


def answer_rows(text: str) -> list[list[str]]:
    """The cells of the answer, row by row."""
    lines = text.partition("## The answer")[2].partition("## Before")[0].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line.startswith("|")]
    return rows[2:]


def test_few_shapes_have_a_row_each_with_times(tmp_path: Path) -> None:
    save(
        tmp_path,
        [
            *(ok("builtin", case, 1.0) for case in CASES),
            *(ok("mixed", case, ratio) for case, ratio in zip(CASES, (2.0, 0.1, 0.4), strict=True)),
        ],
    )
    text = rendered(tmp_path)
    assert answer_rows(text) == [
        [
            "paired, float32, cpu",
            "64x256",
            "`builtin`",
            "65.5 µs",
            "`builtin`, 65.5 µs",
            "is the baseline",
            "6e-8",
            "–",
        ],
        ["", "1024x256", "`mixed`", "105 µs", "`builtin`, 1.05 ms", "10× faster", "6e-8", "–"],
        ["", "65536x256", "`mixed`", "26.8 ms", "`builtin`, 67.1 ms", "2.5× faster", "6e-8", "–"],
    ]
    said = (
        "ship `mixed` for `1024x256`, `65536x256`: 2.5× to 10× faster than `builtin`; stay with `builtin` for `64x256`;"
    )
    assert said in text


def test_who_wins_every_shape_is_named_once(tmp_path: Path) -> None:
    cases = [(name, case, ratio) for case in CASES for name, ratio in (("builtin", 1.0), ("fast", 0.5))]
    save(tmp_path, [ok(*case) for case in cases])
    assert "ship `fast` for all 3 shapes: 2× faster than `builtin`;" in rendered(tmp_path)


def test_many_shapes_have_one_row_and_the_means_of_each_verdict_apart(tmp_path: Path) -> None:
    """A mean over cases of different verdicts would be true of none of them."""
    cases = [replace(SMALL, shape=(rows, 256)) for rows in (64, 128, 256, 512, 1024, 2048, 4096)]
    ratios = (2.0, *[0.1] * 3, *[0.4] * 3)
    save(
        tmp_path,
        [
            *(ok("builtin", case, 1.0) for case in cases),
            *(ok("mixed", case, ratio) for case, ratio in zip(cases, ratios, strict=True)),
        ],
    )
    text = rendered(tmp_path)
    said = "5× faster in 6 of 7 cases, 2× slower in 1"
    assert answer_rows(text) == [
        [
            *("paired, float32, cpu", "7 shapes, 64x256 to 4096x256", "`mixed`", "131 µs to 1.68 ms"),
            *("`builtin`, 65.5 µs to 4.19 ms", said, "6e-8", "another one wins some shapes"),
        ]
    ]
    assert f"ship `mixed`: against `builtin`, {said} (by case: 2× slower to 10× faster)" in text
    assert "Instead, ship `builtin` for `64x256`." in text


def test_a_case_without_a_baseline_or_a_winner_is_named(tmp_path: Path) -> None:
    lines = [
        failed("builtin", SMALL, Status.OUT_OF_MEMORY, "needs 3 GiB"),
        ok("fast", SMALL, 0.5),
        ok("builtin", MIDDLE, 1.0, error_u=99.0),
        ok("fast", LARGE, 0.5),
    ]
    save(tmp_path, [replace(line, baseline=line.implementation == "builtin") for line in lines])
    text = rendered(tmp_path)
    assert "`builtin` has no time in 2 of 3 cases of paired, float32, cpu (out of memory): times there are" in text
    alone, fastest = "paired, float32, cpu, against fast", "the fastest; no baseline was timed"
    assert answer_rows(text) == [
        [alone, "64x256", "`fast`", "32.8 µs", "–", fastest, "6e-8", "–"],
        ["", "65536x256", "`fast`", "33.6 ms", "–", fastest, "6e-8", "–"],
        [
            *("paired, float32, cpu", "1024x256", "none", "–", "`builtin`, 1.05 ms"),
            *("–", "–", "nothing is within the error budget"),
        ],
    ]
    said = "ship `fast` for both shapes: the fastest here, where no baseline was timed; largest error 6e-8."
    assert f"**{alone}**: {said}" in text


def provisional(monkeypatch: pytest.MonkeyPatch, *cases: Case) -> None:
    """Let `results.load` mark the verdicts of these cases as provisional."""
    disturbed = {f"{case.task}-{case.id}" for case in cases}

    def loaded(*arguments: object, **named: object) -> pd.DataFrame:
        table = load(*arguments, **named)
        here = table["case"].isin(disturbed) & (table["verdict"] != "")
        return table.assign(verdict=table["verdict"].mask(here, "provisional: " + table["verdict"]))

    for module in ("reports.render", "reports.decided"):
        monkeypatch.setattr(sys.modules[module], "load", loaded)


def test_a_disturbed_case_has_a_provisional_answer_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, [ok(name, case, ratio) for case in CASES for name, ratio in (("builtin", 1.0), ("fast", 0.5))])
    provisional(monkeypatch, MIDDLE)
    text = rendered(tmp_path)
    assert "> **Provisional**: other work disturbed 1 case, so another run may decide otherwise: `paired-cpu-" in text
    assert (
        "**paired, float32, cpu**: **provisional**, since other work disturbed 1 of 3 cases: so far `fast` for" in text
    )
    assert [row[5] for row in answer_rows(text)] == ["2× faster", "provisional: 2× faster", "2× faster"]
    assert answer_rows(text)[1][7] == "other work disturbed it"
    assert not re.search(r"\bship `|stay with `", text)
    found = answer("golden", root=tmp_path)
    said = [re.sub(r"^\(.*?, ", "", words) for words in found.table["against"]]
    assert said == ["2× faster)", "provisional: 2× faster)", "2× faster)"]
    assert "Provisional: other work disturbed 1 case. Let the machine be idle, and measure again." in found.notes
    pasted = pull_request("golden", root=tmp_path)
    assert pasted.startswith("> **Provisional**")
    assert "ship" not in pasted


def test_a_baseline_that_is_a_provisional_answer_is_the_baseline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path, [ok(name, SMALL, ratio) for name, ratio in (("builtin", 1.0), ("slow", 2.0))])
    provisional(monkeypatch, SMALL)
    assert answer_rows(rendered(tmp_path))[0][5] == "the baseline (provisional)"
    assert answer("golden", root=tmp_path).table["against"].tolist() == ["(the baseline (provisional))"]


OTHERS = ("busy_machine", "switched", "stolen_time")


@pytest.mark.parametrize(
    ("flags", "noise", "said"),
    [
        ((*OTHERS, "page_faults"), 0.0, "other programs used the processors; each call asks the system for memory"),
        ((*OTHERS, "disturbed"), 0.0, "other work disturbed it"),
        (
            (*OTHERS, "disturbed", "few_rounds", "page_faults"),
            0.4,
            "other work disturbed it; noise floor 25 %; few rounds",
        ),
    ],
)
def test_a_cause_is_named_once_and_at_most_three_doubts(
    flags: tuple[str, ...], noise: float, said: str, tmp_path: Path
) -> None:
    found = tuple(Flag(name=name, evidence="seen") for name in flags)
    save(tmp_path, [ok("builtin", SMALL, 1.0, noise=noise), ok("fast", SMALL, 0.1, flags=found)])
    assert answer_rows(rendered(tmp_path))[0][7] == said


def test_nothing_below_the_noise_floor_is_called_a_difference(tmp_path: Path) -> None:
    lines = [ok("builtin", SMALL, 1.0, noise=0.1), ok("other", SMALL, 0.96), ok("sloppy", SMALL, 0.97, error_u=99.0)]
    save(tmp_path, lines)
    text = rendered(tmp_path)
    assert "**Noise floor: 5.3 %** (median case), 5.3 % (worst case, `paired-cpu-float32-64x256`)" in text
    assert (
        "0 of 2 comparisons show a difference from the baseline, each at 99 % confidence. Expect at most 0.02" in text
    )
    assert "stay with `builtin`" in text
    assert "| `builtin`, 65.5 µs | is the baseline | 6e-8 |" in text
    assert "| `builtin` | is the baseline | `other` |" in text
    assert "| `other` | 62.9 µs, no difference seen |" in text
    assert "Faster, but not the answer" not in text
    assert not re.search(r"\d %? ?(faster|slower)", text)


def test_staying_is_no_answer_where_noise_hides_what_may_be_faster(tmp_path: Path) -> None:
    """At a noise floor of 300 %, neither half nor double the time has a verdict."""
    ratios = {"builtin": 1.0, "half": 0.5, "double": 2.0}
    save(tmp_path, [ok(name, case, ratio, noise=1.5) for name, ratio in ratios.items() for case in (SMALL, MIDDLE)])
    text = rendered(tmp_path)
    assert (
        "too noisy to tell whether `half` is faster: it seemed 2× faster, "
        "at a noise floor of 300 %. A quieter machine, or more `--seconds`, would decide it; "
        "until then stay with `builtin`"
    ) in text
    assert "| `builtin`, 65.5 µs | too noisy to tell |" in text
    assert "too noisy to tell whether half is faster than builtin" in text
    assert "no implementation within the error budget" not in text


@pytest.mark.parametrize(
    ("ratio", "spread", "noise", "rival"),
    [
        (0.98, 0.0, 0.01, False),  # the possible gain is too small to matter
        (0.98, 0.3, 0.01, True),  # the interval allows more
        (0.98, 0.0, 0.5, True),  # the noise floor allows more
        (1.3, 0.0, 0.8, True),
        (3.0, 0.0, 0.8, False),  # too slow to be faster under this noise
    ],
)
def test_noise_hides_only_what_may_be_noticeably_faster(
    ratio: float, spread: float, noise: float, rival: bool, tmp_path: Path
) -> None:
    save(tmp_path, [ok("builtin", SMALL, 1.0, noise=noise), ok("other", SMALL, ratio, spread=spread)])
    assert ("too noisy to tell" in rendered(tmp_path)) is rival


def test_the_speed_in_a_single_case_stands_with_its_interval(tmp_path: Path) -> None:
    save(tmp_path, [ok("builtin", SMALL, 1.0), ok("fast", SMALL, 0.1, spread=0.2)])
    text = rendered(tmp_path)
    assert "ship `fast`: 6.55 µs, 10× faster (9.1 to 11) than the 65.5 µs of `builtin`; largest error" in text
    assert "| `fast` | 9.1× to 11× faster |" in text


def test_one_has_a_singular(tmp_path: Path) -> None:
    usual_s = SMALL.input_bytes / 2e9
    save(tmp_path, [ok("builtin", SMALL, 1.0), ok("fast", SMALL, 0.5, first_call_s=1.4 * usual_s)])
    save(tmp_path, [failed("builtin", SMALL, Status.ERROR, "why")], replace(HEAD, name="failed"))
    text = rendered(tmp_path) + render("failed", root=tmp_path, out=tmp_path / "out").read_text()
    assert "1 record." in text
    assert "1 record not ok" in text
    assert "1 of 1 comparison shows a difference" in text
    assert "| at most 1 call |" in text
    assert not re.search(r"\b1 (record|case|comparison|call|implementation|pair)s\b", text)


def test_the_conditions_say_how_it_was_sampled_and_on_what(tmp_path: Path) -> None:
    records = [ok("builtin", case, 1.0) for case in CASES]
    said = "Timing stopped when every ratio was known to ± 1 % (2 of 3 cases), or"
    head = replace(HEAD, processes=5, seconds=0.25, inputs="file:emb: each row with the next")
    save(tmp_path, records, head)
    spent = "after 0.25 s for each implementation"
    assert f"Each case ran in 5 processes. {said} {spent}. A case took 20 rounds." in rendered(tmp_path)
    assert "Inputs: file:emb: each row with the next." in rendered(tmp_path)
    save(tmp_path, records, replace(HEAD, seconds=None))
    assert f"Each case ran in 1 process. {said} when its time was spent. A case took 20 rounds." in rendered(tmp_path)


def test_the_report_has_one_word_for_the_baseline(page: Path) -> None:
    assert "built-in" not in page.read_text()


def test_the_stated_false_alarm_rate_is_that_of_results() -> None:
    assert pytest.approx(1 - VERDICT_CONFIDENCE) == CHANCE


def test_a_baseline_of_few_rounds_does_not_rank_the_others() -> None:
    """Ratios to a slow baseline rest on its few rounds; the others share many rounds."""
    baseline = ok("builtin", SMALL, 1.0, rounds=12)
    loaded = table(baseline, ok("a", SMALL, 0.11, rounds=192), ok("b", SMALL, 0.10, rounds=192))
    loaded.loc[loaded["implementation"] == "a", ["ratio", "ratio_low", "ratio_high"]] = 0.09
    prepared = prepare(loaded)
    standings = ranks.standings(prepared, BUDGET)
    assert list(standings["implementation"]) == ["b", "a", "builtin"]


def test_a_first_call_that_compiles_is_paid_for_after_so_many_calls(tmp_path: Path) -> None:
    usual_s = SMALL.input_bytes / 2e9
    save(
        tmp_path,
        [
            *(ok("builtin", case, 1.0) for case in (SMALL, MIDDLE)),
            ok("compiled", SMALL, 1.25, first_call_s=2.0),
            ok("compiled", MIDDLE, 0.5, first_call_s=1000 * 16 * usual_s),
        ],
    )
    text = rendered(tmp_path)
    assert "| 2 s | at most 2,000 calls, never in 1 of 2 cases |" in text
    assert "| `compiled` | 2 s, never | 1.05 s, 2,000 calls |" in text
    assert "| `builtin` | 65" not in text.split("Time of the first call")[1].split("Peak memory")[0]


def test_a_first_call_that_saves_nothing_later_is_never_paid_for(tmp_path: Path) -> None:
    save(tmp_path, [ok("builtin", SMALL, 1.0, error_u=99.0), ok("compiled", SMALL, 1.25, first_call_s=2.0)])
    assert "| 2 s | never |" in rendered(tmp_path)


def test_flags_are_shown_with_their_evidence_and_at_their_numbers(tmp_path: Path) -> None:
    flag = Flag(name="two_modes", evidence="30% of the samples take 2 times the others' time")
    save(tmp_path, [ok("builtin", SMALL, 1.0), *(ok(name, SMALL, 0.5, flags=(flag,)) for name in ("a", "b"))])
    text = rendered(tmp_path)
    assert "Flagged records: its times fall into two groups (2)" in text
    evidence = "30% of the samples take 2 times the others' time"
    assert f"| its times fall into two groups | `two_modes` | 2 | {evidence} | `a`, `b` |" in text
    assert "| `a` | 32.8 µs, 2× faster † |" in text
    assert "| at once | – | its times fall into two groups |" in text
    assert answer_rows(text)[0][7] == "its times fall into two groups"


def test_on_a_gpu_the_host_and_the_graph_have_a_table(tmp_path: Path) -> None:
    on_cuda = ok("builtin", replace(SMALL, device="cuda"), 1.0)
    assert on_cuda.latency
    record = replace(on_cuda, latency=replace(on_cuda.latency, host_s=9.1e-6, graph_s=None))
    save(tmp_path, [record])
    text = rendered(tmp_path)
    assert "Host time per call" in text
    assert "| `builtin` | 9.1 µs, – |" in text.split("Host time per call")[1]


def test_a_group_in_which_nothing_ran_says_so(tmp_path: Path) -> None:
    save(tmp_path, [failed("builtin", SMALL, Status.ERROR, "why")])
    text = rendered(tmp_path)
    assert "**paired, float32, cpu**: nothing ran; see the failures below." in text
    assert "There is no noise floor" in text


def plotted(kind: str, *records: Record) -> Figure:
    loaded = table(*records)
    standings = ranks.standings(loaded, BUDGET)
    best = answers.answer(loaded, standings)
    figure = PLOTS[kind](loaded, dressed(standings, best), best)
    assert figure is not None
    return figure


def test_memory_formats_are_lines_of_their_own() -> None:
    shapes = ((8, 4, 8, 8), (8, 4, 16, 16))
    maps = [
        Case(task="feature_maps", shape=shape, dtype="float32", device="cpu", memory_format=memory_format)
        for shape in shapes
        for memory_format in ("contiguous", "channels_last")
    ]
    figure = plotted("latency", *(ok("builtin", case, 1.0) for case in maps))
    assert [line.get_linestyle() for line in figure.axes[0].get_lines() if line.get_linestyle() != "None"] == [
        "--",
        "-",
    ]
    assert figure.get_suptitle().endswith("dashed and hollow: channels_last")


@pytest.mark.parametrize(("most", "scale"), [(49, "linear"), (51, "log")])
def test_bars_of_very_different_peaks_have_a_logarithmic_axis(most: int, scale: str) -> None:
    peaks = {"builtin": most * 1024, "small": 1024, "nothing": 0, "unknown": None}
    figure = plotted("memory", *(ok(name, SMALL, 1.0, peak=peak) for name, peak in peaks.items()))
    figure.draw_without_rendering()
    assert figure.axes[0].get_xscale() == scale
    assert {text.get_text() for text in figure.axes[0].texts} == {f"{most} KiB", "1 KiB", "0 B", "not known"}
    assert all(text.get_window_extent().x0 > figure.axes[0].bbox.x0 for text in figure.axes[0].texts)


def test_two_sizes_are_the_ticks_of_the_latency_axis() -> None:
    figure = plotted("latency", *(ok("builtin", case, 1.0) for case in (SMALL, MIDDLE)))
    figure.draw_without_rendering()
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["128 KiB", "2 MiB"]


def test_numbers_have_three_digits_and_a_unit() -> None:
    assert [units.seconds(value) for value in (81.23e-6, 999.6e-6, 2.0, 3e-10)] == ["81.2 µs", "1 ms", "2 s", "0.3 ns"]
    assert [units.size(value) for value in (0, 1000, 1536, 2**30)] == ["0 B", "1,000 B", "1.5 KiB", "1 GiB"]
    errors = (1e-9, 0.42, 131072, float("nan"))
    assert [units.error(value) for value in errors] == ["1e-9 u", "0.42 u", "0.0078", "–"]
    assert [units.absolute(value) for value in errors] == ["6e-17", "2.5e-8", "0.0078", "–"]
    assert [units.share(part) for part in (0.004, 0.27, 9.5, 10, 4100)] == [
        "under 1 %",
        "27 %",
        "950 %",
        "10×",
        "4,100×",
    ]


@pytest.mark.parametrize(
    ("limit", "shown"),
    [
        (1e-3, "0.001"),
        (0.0123, "0.0123"),
        (16 * UNIT_ROUNDOFF, "16 u (9.5e-7)"),
        (BUDGET["float64"], "6e-11"),
        (BUDGET["float16"], "0.002"),
        (BUDGET["bfloat16"], "0.016"),
    ],
)
def test_a_budget_is_what_was_typed_and_a_default_has_two_digits(limit: float, shown: str) -> None:
    assert units.budget(limit) == shown


@pytest.mark.parametrize("shown", [escape, code, prose])
@pytest.mark.parametrize("text", [NASTY, "`", "``x`", "*a* _b_", "<b>", "www.e.vil", "http://e.vil", "&lt;", "\\|", ""])
def test_names_from_outside_are_text(shown: Callable[[str], str], text: str) -> None:
    html = MarkdownIt("commonmark").enable("table").render(f"| a | b |\n| --- | --- |\n| x{shown(text)}x | y |\n")
    assert html.count("<td>") == 2
    assert not re.search(r"<(?!/?(table|thead|tbody|tr|th|td|code)>)", html)
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in html


@pytest.mark.parametrize(
    ("docstring", "shown"),
    [
        ("Calls `F.x(a_b)` — see § 5? ‖x\u0302‖ ≤ 1", "Calls `F.x(a_b)` — see § 5? ‖x\u0302‖ ≤ 1"),
        ("of ``a`` kind", "of `a` kind"),
        ("`<img src=x>` and <img src=x>", "`<img src=x>` and &#60;img src=x&#62;"),
        ("a lone ` here", "a lone &#96; here"),
        ("`a|b`", "<code>a&#124;b</code>"),
        ("[x](javascript:1) *y*", "&#91;x&#93;(javascript:1) &#42;y&#42;"),
    ],
)
def test_a_docstring_keeps_its_code_and_nothing_else_of_its_markup(docstring: str, shown: str) -> None:
    assert prose(docstring) == shown


def test_a_docstring_reads_as_markdown(tmp_path: Path) -> None:
    about = {"fast": "Like `F.cosine_similarity`, once. <script>alert(1)</script>"}
    save(tmp_path, [ok("builtin", SMALL, 1.0), ok("fast", SMALL, 0.5)], replace(HEAD, about=about))
    shown = "| `fast` | Like `F.cosine_similarity`, once. &#60;script&#62;alert(1)&#60;/script&#62; |"
    assert shown in rendered(tmp_path)


def test_the_first_screen_answers_which_where_how_much_how_sure_and_what_to_beware_of(page: Path) -> None:
    screen = "\n".join(page.read_text(encoding="utf-8").splitlines()[:30])
    row = "| 65536x256 | `one_pass` | 6.71 ms | `builtin`, 67.1 ms | 10× faster | 1.5e-7 | first call 2 s |"
    for said in (row, "**Noise floor: 0.91 %**", "**The machine was noisy.**", "ship `one_pass` for `65536x256`"):
        assert said in screen


def test_every_factor_of_a_time_is_faster_or_slower(page: Path) -> None:
    text = page.read_text(encoding="utf-8").partition("## Operators")[0]
    assert re.findall(r"[\d.]+× ?(?!faster|slower|the error|to [\d.]+× (?:faster|slower))[\w(|†]+", text) == []


def test_a_run_full_of_nasty_names_has_no_markup_but_ours(tmp_path: Path) -> None:
    case = replace(SMALL, inputs="file:mine")  # a line with another name is skipped
    head = replace(HEAD, command=f"pytest {NASTY}\n```\n![i](http://e.vil)", absent={NASTY: NASTY})
    head = replace(head, environment=replace(ENVIRONMENT, cpu=NASTY, packages={NASTY: NASTY}))
    save(tmp_path, [ok(NASTY, case, 1.0), failed(NASTY + "2", case, Status.ERROR, NASTY)], head)
    text = render("golden", root=tmp_path, out=tmp_path / "out").read_text()
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    inline = [child for token in tokens for child in token.children or ()]
    links = {str(token.attrGet("href")) for token in inline if token.type == "link_open"}
    assert links == {"records.csv"}
    pictures = {str(token.attrGet("src")) for token in inline if token.type == "image"}
    assert pictures == {f"paired-{kind}.png" for kind in ("ratio", "tradeoff")}
    html = [token.content for token in [*tokens, *inline] if token.type.startswith("html")]
    assert set(re.findall(r"<\W?(\w+)", "".join(html))) == {"details", "summary", "code"}
    assert len([token for token in tokens if token.type == "heading_open"]) == text.count("\n#") + 1


def test_pictures_take_names_as_they_are_and_say_what_they_leave_out() -> None:
    axes = [("cpu", "forward"), ("cuda", "forward"), ("cpu", "forward+backward"), ("cuda", "forward+backward")]
    cases = [
        replace(SMALL, dtype=dtype, device=device, direction=direction)
        for dtype in ("float32", "bfloat16")
        for device, direction in axes
    ]
    memory = plotted("memory", *(ok(name, case, 1.0, peak=1) for case in cases for name in ("builtin", f"${NASTY}")))
    assert len(memory.axes) == 6
    assert memory.get_suptitle().endswith("(the first 6 of 8 groups)")
    memory.draw_without_rendering()


def test_tables_say_what_they_leave_out(tmp_path: Path) -> None:
    cases = [Case(task="paired", shape=(2**power, 8), dtype="float32", device="cpu") for power in range(20)]
    save(tmp_path, [failed("builtin", case, Status.ERROR, "why") for case in cases])
    text = render("golden", root=tmp_path, out=tmp_path / "out").read_text()
    assert "16 of 20 cases are shown; [records.csv](records.csv) has all." in text
    assert "20 records not ok" in text


def test_a_run_without_records_says_what_happened(tmp_path: Path) -> None:
    save(tmp_path, [])
    text = render("latest", root=tmp_path, out=tmp_path / "out").read_text()
    assert "The run holds no records" in text
    assert "The run is incomplete" in text
    assert "pytest suites --grid tiny" in text


def test_two_runs_side_by_side(tmp_path: Path) -> None:
    def lines(*changes: Record) -> list[Record]:
        return [ok("builtin", SMALL, 1.0), ok("same", SMALL, 0.5, spread=0.3), *changes]

    older = replace(HEAD, name="older", environment=replace(ENVIRONMENT, torch="2.9.0", packages={}))
    save(tmp_path, lines(ok("faster", SMALL, 0.5), ok("broken", SMALL, 0.5), ok("gone", SMALL, 1.0)), older)
    save(tmp_path, lines(ok("faster", SMALL, 0.25), failed("broken", SMALL, Status.ERROR, "why")))
    text = render("golden", against="older", root=tmp_path, out=tmp_path / "out").read_text()
    assert "> The environments differ in `torch`, `package numpy`." in text
    assert "| `torch` | 2.9.0 | 2.13.0 |" in text
    assert (
        "Pairs of implementation and case: 4 in both runs, 1 only in the old one, 0 only in the new one. Of those in "
        "both, 1 became faster, 0 slower, 1 changed status, and 2 show no difference."
    ) in text
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if "`paired-cpu-" in line]
    changes = {row[0].strip("`"): row[2:7] for row in rows if len(row) == 9}
    assert changes["faster"] == ["ok", "32.8 µs → 16.4 µs", "2× faster", "2× faster → 4× faster", "2× faster"]
    assert changes["same"] == ["ok", "32.8 µs", "no difference seen", "2× faster", "no difference seen"]
    assert changes["broken"] == ["ok → error", "32.8 µs → –", "–", "2× faster → –", "–"]


def test_two_runs_without_a_common_case_have_counts_only(tmp_path: Path) -> None:
    save(tmp_path, [ok("builtin", SMALL, 1.0)], replace(HEAD, name="old"))
    save(tmp_path, [ok("builtin", LARGE, 1.0)])
    text = render("golden", against="old", root=tmp_path, out=tmp_path / "out").read_text()
    assert "0 in both runs, 1 only in the old one, 1 only in the new one" in text


def test_a_run_cut_short_says_so_at_the_top(tmp_path: Path) -> None:
    save(tmp_path, [ok("builtin", SMALL, 1.0)])
    assert "The run is incomplete" in rendered(tmp_path).partition("## The answer")[0]


def test_memory_is_that_of_the_worst_case_and_missing_where_it_is_not_known(tmp_path: Path) -> None:
    peaks = {"light": (0.5, 2.0), "unknown": (0.1, None)}
    rows = [ok("builtin", case, 1.0, peak=case.input_bytes) for case in (SMALL, LARGE)]
    for name, shares in peaks.items():
        for case, share in zip((SMALL, LARGE), shares, strict=True):
            rows.append(ok(name, case, 0.5, peak=round(share * case.input_bytes) if share else None))
    save(tmp_path, rows)
    table = prepare(load("golden", root=tmp_path))
    found = ranks.standings(table, BUDGET).set_index("implementation")["memory"]
    assert found["light"] == 2.0
    assert math.isnan(found["unknown"])


def test_a_change_below_the_noise_floor_is_no_difference(tmp_path: Path) -> None:
    for name, ratio, noise in (("older", 0.5, 0.2), ("golden", 0.48, 0.0)):
        save(tmp_path, [ok("builtin", SMALL, 1.0, noise=noise), ok("other", SMALL, ratio)], replace(HEAD, name=name))
    text = render("golden", against="older", root=tmp_path, out=tmp_path / "out").read_text()
    assert "0 became faster, 0 slower, 0 changed status, and 2 show no difference" in text


def run_main(root: Path, *arguments: str) -> None:
    main(arguments, root=root, out=root / "out", published=root / "published")


def test_the_command_publishes_and_ends_with_the_path(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    day = "a-cpu-r-of-3-ghz-2026-11-21"
    for name, folder in (("golden", day), ("second", f"{day}-2"), ("golden", day)):
        save(tmp_path, [], replace(HEAD, name=name))
        run_main(tmp_path, name, "--publish")
        assert capsys.readouterr().out.splitlines()[-1] == str(tmp_path / "out" / name / "report.md")
        published = {path.name for path in (tmp_path / "published" / folder).iterdir()}
        assert published == {"report.md", "records.csv", f"{name}.jsonl"}
    run_main(tmp_path, str(tmp_path / "published" / day / "golden.jsonl"))
    assert capsys.readouterr().out.splitlines() == [str(tmp_path / "out" / "golden" / "report.md")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "make bench"),
        (("goldne",), "no run 'goldne'.*make bench"),
        (("golden", "--error-budget", "float8=1"), "unknown dtype 'float8'; did you mean 'float64'"),
        ((str(GOLDEN.with_suffix(".jsonl")),), "no run '.*golden.*"),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    arguments: tuple[str, ...], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        run_main(tmp_path, *arguments)
    assert stop.value.code == 2
    stderr = capsys.readouterr().err
    assert re.search(message, stderr)
    assert len(stderr.splitlines()) == 1


@pytest.mark.parametrize("asked", [{"baseline": "fsat"}, {"against": "oldre"}])
def test_bad_input_leaves_the_older_report_as_it_is(asked: dict[str, str], tmp_path: Path) -> None:
    save(tmp_path, [ok("builtin", SMALL, 1.0), ok("fast", SMALL, 0.5)])
    folder = render("golden", root=tmp_path, out=tmp_path / "out").parent
    files = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    with pytest.raises(ValueError, match=next(iter(asked.values()))):
        render("golden", root=tmp_path, out=tmp_path / "out", **asked)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == files


def test_an_unknown_run_to_compare_with_is_named(tmp_path: Path) -> None:
    save(tmp_path, [])
    with pytest.raises(UnknownRun, match="no run 'oldre'"):
        render("golden", against="oldre", root=tmp_path, out=tmp_path / "out")


def test_a_copy_of_a_run_under_another_name_has_a_report_of_its_own(tmp_path: Path) -> None:
    saved = save(tmp_path, [ok("builtin", SMALL, 1.0)])
    copy = saved.with_name("copy.jsonl")
    copy.write_bytes(saved.read_bytes())
    path = render("copy", root=saved.parent, out=tmp_path / "out")
    assert path.parent.name == "copy"
    for text in (path.read_text(), pull_request("copy", root=saved.parent, published=tmp_path / "published")):
        assert "run `copy`" in text
        assert "pytest suites --grid tiny --benchmark-save=copy" in text
        assert "golden" not in text


def test_a_run_that_is_elsewhere_is_reported_again_by_its_path(tmp_path: Path) -> None:
    saved = str(save(tmp_path, [ok("builtin", SMALL, 1.0)]))
    page = render(saved, budget={"float32": 0.5}, root=tmp_path / "runs", out=tmp_path / "out").read_text()
    assert f"python -m reports {saved} --error-budget float32=0.5" in page
