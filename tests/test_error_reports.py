"""How wrong each is, as a person reads it: every sentence, table and picture of the error suite."""

import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import matplotlib.colors
import pandas as pd
import pytest
from markdown_it import MarkdownIt
from matplotlib.figure import Figure

from reports import BUDGET_U, bugs, cures, drop_in, fineness, how_wrong, price, render, sections
from reports.plots.heat_map import BLANK, heat_map
from reports.plots.resolution import resolution as resolution_plot
from reports.sections import accuracy, contracts, drop_ins, resolution
from results import Status, load, load_accuracy, load_contracts, load_known_bugs, load_resolution
from suites.case import FAMILIES
from suites.findings import Accuracy, Contract, Deviation, Finding, KnownBug, Resolution
from suites.lines import Line
from suites.measure import contract as measured_contract
from suites.record import Record
from tests.runs import CASE, head, measured, save

GOLDEN = Path(__file__).parent / "golden" / "errors.md"
"""After a wanted change: UPDATE_GOLDEN=1 pytest tests/test_error_reports.py -k golden, and read the diff."""

U = 2.0**-24
OWN = {"float32": U, "bfloat16": 2.0**-8}
BASELINES = ("builtin", "broadcast")
RIGHT = {
    "self": "Exactly 1: the rows are equal. (pytorch/pytorch#78064)",
    "long_rows": "Exactly 1: one running sum drifts. (pytorch/pytorch#68326)",
    "zeros": "The rows around a zero row are right.",
}
NASTY = "a|b`c` <img src=x> ![i](http://e.vil/p.png) [l](http://e.vil)\n# heading\n- e/v#1) \N{RIGHT-TO-LEFT OVERRIDE}"
HEAD = replace(head("errors"), families=RIGHT)
LOST = "{} answers are NaN or infinite where the truth is finite"


def deviated(
    name: str, family: str, error_u: float = 1.0, *, dtype: str = "float32", output: str = "", task: str = "paired",
    status: Status = Status.OK, reason: str = "", bound_u: float = 4.0, above: int = 0, exact: int = 100,
    kendall: float | None = None, distinct: int = 100, nans: int = 0, lost: int = 0,
) -> Accuracy:  # fmt: skip
    """100 pairs of which the worst is off by `error_u`, where `bound_u` is allowed."""
    found = Deviation(
        pairs=100,
        output_dtype=output or dtype,
        error_max=error_u * U,
        error_rms=error_u * U / 4,
        error_p999=error_u * U,
        ulp_max=None,
        lost=lost,
        nans=nans,
        infs=0,
        above_one=above,
        exactly_one=exact,
        distinct=distinct,
        kendall=kendall,
        bound=bound_u * U,
        bound_share=error_u / bound_u,
    )
    return replace(undeviated(name, family, status, reason, dtype=dtype, task=task), deviation=found)


def undeviated(
    name: str, family: str, status: Status, reason: str, *, dtype: str = "float32", task: str = "paired"
) -> Accuracy:
    return Accuracy(
        implementation=name, baseline=name in BASELINES, task=task, family=family, dtype=dtype, device="cpu",
        status=status, reason=reason,
    )  # fmt: skip


def contract(
    name: str, answers: Mapping[str, str], rule: str = "none", eps: float = 0.0, *, dtype: str = "float32",
    task: str = "paired", status: Status = Status.OK, reason: str = "",
) -> Contract:  # fmt: skip
    return Contract(
        implementation=name, baseline=name in BASELINES, task=task, dtype=dtype, device="cpu", status=status,
        reason=reason, eps_rule=rule, eps=eps, answers=answers,
    )  # fmt: skip


def seeing(
    name: str, degrees: float | None, distinct: int, *, dtype: str = "float32", task: str = "paired"
) -> Resolution:
    return Resolution(
        implementation=name, baseline=name in BASELINES, task=task, dtype=dtype, device="cpu", status=Status.OK,
        smallest_angle=None if degrees is None else math.radians(degrees), distinct=distinct, pairs=16384,
    )  # fmt: skip


def bug(name: str, happens: bool | None, issue: str = "pytorch/pytorch#78064") -> KnownBug:
    return KnownBug(
        name=name,
        issue=issue,
        package="torch 2.13.0",
        what=f"{name} goes wrong",
        happens=happens,
        seen="0.5",
        right="1",
    )


def off(by: float, bound: float) -> str:
    return f"off by {by:.3g}, above {bound:.3g}, the most that its stated arithmetic explains"


USUAL = {"zero row": "0", "huge norms": "to 1e19", "above 1": "22 %, by up to 4 u", "NaN": "NaN", "int8": "not asked"}


def golden_findings() -> Iterator[Finding]:
    for dtype in ("float32", "bfloat16"):
        scale = OWN[dtype] / U
        for name, task in (("builtin", "paired"), ("fast", "paired"), ("exact", "paired"), ("bearing", "angle")):
            yield deviated(name, "prescribed", 0.5 * scale, bound_u=scale, dtype=dtype, task=task)
            own = name == "exact"
            yield deviated(
                name, "self", 0 if own else scale, bound_u=4 * scale, above=0 if own else 22, exact=100 if own else 41,
                dtype=dtype, task=task,
            )  # fmt: skip
        yield deviated("builtin", "ties", scale, bound_u=4 * scale, kendall=0.9987, distinct=98, dtype=dtype)
        yield undeviated("bearing", "gradients", Status.UNSUPPORTED, "it gives angles", dtype=dtype, task="angle")
        yield undeviated("elsewhere", "self", Status.UNSUPPORTED, "no cpu", dtype=dtype)
        answers = USUAL if dtype == "bfloat16" else USUAL | {"int8": "float32, right"}
        yield contract("builtin", answers, "per norm, maximum", 1e-8, dtype=dtype)
        yield contract("fast", answers | {"zero row": "NaN", "above 1": "31 %, by up to 6 u"}, dtype=dtype)
        yield contract("exact", answers | {"above 1": "never", "huge norms": "all"}, dtype=dtype)
        yield seeing("builtin", 0.04 if dtype == "float32" else 6.0, 29, dtype=dtype)
        yield seeing("fast", 0.04 if dtype == "float32" else 8.6, 29, dtype=dtype)
        yield seeing("exact", 0.014, 16300, dtype=dtype)
    yield deviated("builtin", "long_rows", 9000, status=Status.WRONG, reason=off(5.4e-4, 2.4e-7))
    yield deviated("fast", "long_rows", 500, status=Status.WRONG, reason=off(3e-5, 2.4e-7))
    yield deviated("fast", "zeros", 1, status=Status.WRONG, reason=LOST.format("3 of 64"), lost=3)
    yield undeviated("fast", "broadcast", Status.ERROR, "RuntimeError: the shapes [2, 3] and [1, 1]")
    yield deviated("builtin", "gradients", 2, bound_u=32)
    yield from (bug("new", False), bug("old", True, "scipy/scipy#5208"), bug("foreign", None))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("runs")
    usual = [
        measured(name, [time] * 20, baseline=name == "builtin", control_s=[1e-3] * 20 * (name == "builtin"), case=case)
        for name, time in (("builtin", 1e-3), ("fast", 2.5e-4))
        for case in (CASE, replace(CASE, dtype="bfloat16"))
    ]
    save(root, *usual, *golden_findings(), run=HEAD)
    return render("errors", root=root, out=root / "out")


def saved(root: Path, *found: Line) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    save(root, *found, run=HEAD)
    return root


def rendered(root: Path, *found: Line) -> str:
    return render("errors", root=saved(root, *found), out=root / "out").read_text()


def judged(root: Path, *found: Accuracy) -> pd.DataFrame:
    return accuracy.judged(load_accuracy("errors", saved(root, *found)), BUDGET_U)


def usual_time(name: str, ratio: float, dtype: str = "float32", peak: int | None = None) -> Record:
    """A record of the usual case whose time is `ratio` of the baseline's."""
    base = name == "builtin"
    case = replace(CASE, dtype=dtype)
    control_s = [1e-3] * 20 if base else ()
    return measured(name, [ratio * 1e-3] * 20, baseline=base, control_s=control_s, case=case, peak_bytes=peak)


def measured_in(root: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What a run holds, judged, and its standings."""
    found = accuracy.judged(load_accuracy("errors", root), BUDGET_U)
    table = sections.prepare(load("errors", root=root))
    return found, sections.standings(table, BUDGET_U, accuracy.unfit(found))


def answered(root: Path, *found: Contract) -> pd.DataFrame:
    return contracts.answered(load_contracts("errors", saved(root, *found)))


def ship(*pairs: tuple[str, str, str]) -> pd.DataFrame:
    """The columns of an answer that are looked at: implementation, reference, dtype."""
    return pd.DataFrame(pairs, columns=["implementation", "reference", "dtype"]).assign(device="cpu")


def test_the_golden_page(page: Path) -> None:
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_bytes(page.read_bytes())
    assert page.read_bytes() == GOLDEN.read_bytes()


def test_the_same_findings_give_the_same_bytes(page: Path, tmp_path: Path) -> None:
    again = render("errors", root=page.parents[2], out=tmp_path).parent
    names = {path.name for path in page.parent.iterdir()}
    tables = {f"{name}.csv" for name in ("accuracy", "contracts", "resolution", "known_bugs")}
    assert names > tables | {"accuracy-cpu-float32.png", "accuracy-cpu-bfloat16.png", "resolution.png"}
    assert names == {path.name for path in again.iterdir()}
    for name in names:
        assert (page.parent / name).read_bytes() == (again / name).read_bytes(), name


def test_the_csv_files_hold_every_finding(page: Path) -> None:
    found = list(golden_findings())
    for name, kind in (("accuracy", Accuracy), ("resolution", Resolution), ("known_bugs", KnownBug)):
        assert len(pd.read_csv(page.with_name(f"{name}.csv"))) == sum(isinstance(each, kind) for each in found)
    asked = pd.read_csv(page.with_name("contracts.csv"))
    assert len(asked) == sum(len(each.answers) for each in found if isinstance(each, Contract))


TIMES = {"builtin": 1.0, "fast": 0.25, "exact": 4.0}
NOTHING_TIMED = pd.DataFrame(
    {name: [] for name in (*sections.GROUP, "implementation", "baseline", "time", "memory")}, dtype=object
)
HEADINGS = {
    "accuracy": ("## How wrong, on inputs that hurt", deviated("builtin", "self")),
    "contracts": ("## The contracts", contract("builtin", USUAL)),
    "resolution": ("## What each can see", seeing("builtin", 0.04, 29)),
    "known_bugs": ("## Known bugs of this build", bug("old", True)),
}


@pytest.mark.parametrize("kind", HEADINGS)
def test_what_was_not_asked_is_not_spoken_of(kind: str, tmp_path: Path) -> None:
    heading, finding = HEADINGS[kind]
    text = rendered(tmp_path, finding)
    assert [other for other, _ in HEADINGS.values() if other in text] == [heading]
    assert {path.stem for path in (tmp_path / "out" / "errors").glob("*.csv")} == {"records", kind}
    assert "0 records, 1 finding." in text
    assert "No speed was measured. How wrong each is, under which contract, stands below." in text
    assert "The run holds no records" not in text
    assert "Not a drop-in" not in text


def test_the_answer_says_what_its_contract_has_that_bites(tmp_path: Path) -> None:
    usual, fast = USUAL, USUAL | {"zero row": "NaN", "above 1": "31 %, by up to 6 u", "NaN": "1"}
    found = answered(
        tmp_path,
        contract("builtin", usual | {"int8": "float32, right"}, "per norm, maximum", 1e-8),
        contract("fast", fast | {"int8": "float32, -7.5"}),
        contract("builtin", usual | {"zero row": "NaN"}, "per norm, maximum", 1e-8, dtype="bfloat16"),
        contract("fast", fast, dtype="bfloat16"),
    )
    assert drop_in.warnings(ship(("fast", "builtin", "float32"), ("fast", "builtin", "bfloat16")), found) == [
        "**Not a drop-in**: `fast` for `builtin`: a zero row gives NaN for `float32` (`builtin`: 0); no eps "
        "(`builtin`: each norm ≥ 1e-8); a NaN gives 1 (`builtin`: NaN); int8 gives float32, -7.5 "
        "(`builtin`: float32, right)."
    ]
    assert drop_in.warnings(ship(("builtin", "builtin", "float32"), ("unasked", "builtin", "float32")), found) == []


def test_the_bullet_of_what_bites_stays_short(tmp_path: Path) -> None:
    usual = {"zero row": "0", "two zero rows": "0", "tiny norms": "from 1e-8", "gradient at a zero row": "1e8"}
    other = {"zero row": "NaN", "two zero rows": "1", "tiny norms": "from 1e-5", "gradient at a zero row": "NaN"}
    found = answered(
        tmp_path, contract("builtin", usual | {"result": "float16"}), contract("fast", other | {"result": "float32"})
    )
    (said,) = drop_in.warnings(ship(("fast", "builtin", "float32")), found)
    assert said.endswith(
        "tiny norms: right from 1e-5 (`builtin`: from 1e-8); the gradient at a zero row is NaN (`builtin`: 1e8); "
        "and 1 more."
    )
    better = answered(
        tmp_path / "b", contract("builtin", usual), contract("fast", usual | {"gradient at a zero row": "0"})
    )
    assert drop_in.warnings(ship(("fast", "builtin", "float32")), better) == []


def test_what_is_better_than_the_baseline_does_not_bite(tmp_path: Path) -> None:
    better = {"zero row": "0", "huge norms": "all", "above 1": "never", "NaN": "NaN", "int8": "float32, right"}
    found = answered(tmp_path, contract("builtin", USUAL | {"NaN": "1", "int8": "TypeError"}), contract("fast", better))
    assert drop_in.warnings(ship(("fast", "builtin", "float32")), found) == []
    (said,) = drop_in.warnings(ship(("builtin", "fast", "float32")), found)
    assert "huge norms: right to 1e19 (`fast`: all); rows with themselves above 1: 22 %, by up to 4 u" in said


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("none", "no eps"),
        ("", "–"),
        ("per norm, maximum", "each norm ≥ 1e-8"),
        ("of the product, maximum", "product of the norms ≥ 1e-8"),
        ("per norm, added to squares", "each norm √(‖x‖² + (1e-8)²)"),
        ("not divided below", "not divided below a norm of 1e-8"),
        ("per {moon}, maximum", "per {moon}, maximum 1e-8"),
    ],
)
def test_the_eps_rule_is_the_first_question(rule: str, words: str, tmp_path: Path) -> None:
    found = answered(tmp_path, contract("builtin", USUAL, rule, 1e-8))
    assert list(found["question"]) == [contracts.EPS, *USUAL]
    assert found["answer"].iloc[0] == words


def test_those_that_answer_alike_share_a_column_and_other_answers_are_bold(tmp_path: Path) -> None:
    found = answered(
        tmp_path,
        contract("builtin", USUAL),
        contract("twin", USUAL | {"above 1": "15.5 %, by up to 2 u"}),
        contract("odd", USUAL | {"zero row": "NaN", "above 1": "never"}),
        contract("near", USUAL | {"zero row": "NaN"}),
        contract("broadcast", {"zero row": "0"}, task="pairwise"),
    )
    paired, pairwise = drop_in.answers(found)
    (table,) = paired.tables
    assert (paired.name, pairwise.name) == ("paired, float32", "pairwise, float32")
    assert list(table.columns) == ["question", ("builtin", "twin"), ("near",), ("odd",)]
    rows = {row[0]: list(row[1:]) for row in table.itertuples(index=False)}
    assert rows["zero row"] == ["0", "**NaN**", "**NaN**"]
    assert rows["above 1"] == ["15.5 to 22 %", "22 %, by up to 4 u", "**never**"]
    assert "int8" not in rows  # asked in another dtype
    assert drop_in.alike(found) == (
        "Drop-ins, which give the same answer to each question: for `builtin` `twin`; for `broadcast` nobody. "
        "In bold: another answer than the baseline's, which comes first."
    )


def test_what_was_not_asked_is_no_difference_and_without_a_baseline_nothing_is(tmp_path: Path) -> None:
    skipped = contract("compiled", USUAL | {"zero row": contracts.SKIPPED})
    found = answered(tmp_path, contract("builtin", USUAL), skipped)
    (answers,) = drop_in.answers(found)
    rows = {row[0]: list(row[1:]) for row in answers.tables[0].itertuples(index=False)}
    assert rows["zero row"] == ["0", contracts.SKIPPED]
    assert "for `builtin` `compiled`" in drop_in.alike(found)
    alone = found[~found["baseline"]]
    assert drop_in.alike(alone) == ""
    assert "**" not in drop_in.answers(alone)[0].tables[0].to_string()


def test_a_wide_table_is_split_and_each_part_begins_with_the_baseline(tmp_path: Path) -> None:
    others = [contract(f"other{n}", USUAL | {"zero row": str(n)}) for n in range(1, 9)]
    (answers,) = drop_in.answers(answered(tmp_path, contract("builtin", USUAL), *others))
    first, second = answers.tables
    assert len(first.columns) == contracts.COLUMNS
    assert [table.columns[1] for table in (first, second)] == [("builtin",)] * 2
    assert len({*first.columns, *second.columns}) == 1 + 1 + 8


def test_contracts_that_could_not_be_told_say_why(tmp_path: Path) -> None:
    text = rendered(
        tmp_path,
        contract("builtin", USUAL),
        contract("lost", {}, status=Status.WRONG, reason="off by up to 0.3 on ordinary rows"),
        contract("angle", {}, status=Status.UNSUPPORTED, reason="its answers are angles"),
    )
    assert "Not told:\n\n- `lost` in `float32`: off by up to 0.3 on ordinary rows\n" in text
    assert "its answers are angles" not in text


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
        "**Right on every family that they were asked**, in each dtype: `exact` (all 3).",
        "**Never above 1, and exactly 1 for each row with itself**: `exact`.",
        "**Wrong somewhere**: 2 of 3 implementations, most of all `slow`, on 2 of 2 families. The families on which "
        "most are wrong: `long_rows` (2), `zeros` (1).",
        "**Recommended above**, and wrong here: `fast` on 1 of 2 families, `exact` on none of 3.",
    ]


def test_the_headlines_say_so_where_nobody_is_right(tmp_path: Path) -> None:
    wrong = {"status": Status.WRONG, "reason": "off"}
    found = judged(tmp_path, deviated("a", "self", exact=99), deviated("a", "zeros", 9, **wrong))
    assert how_wrong.headlines(found, [])[:2] == [
        "**Nobody is right on every family** that they were asked.",
        "**Nobody is both** never above 1 and exactly 1 for each row with itself.",
    ]


@pytest.mark.parametrize(
    ("other", "true"),
    [
        (deviated("a", "gradients", above=5), True),  # a gradient may be above 1
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
        ["angle", "1 / 0 / 0", "1 u", "–", "–", "–", "–", "–"],
        ["a", "4 / 1 / 1", "3 u", "22 %", "40 %", "0.9987", "98 of 100", "7 u"],
    ]


def test_bounds_stand_beside_the_worst_that_was_seen_within(tmp_path: Path) -> None:
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
    first, second = how_wrong.faults(found, RIGHT)
    assert (first.family, first.right, first.ways) == ("prescribed", "", ["`e`, `f`: returned a list"])
    assert (second.family, second.right) == ("self", RIGHT["self"])
    assert second.ways == [
        f"`large`, `small`: at worst {off(2.5e-2, 2.4e-7)}",
        "`c`: TypeError: float16 expected",
        "`d`: TypeError: float64 expected",
    ]


def test_an_issue_in_what_is_right_is_a_link(page: Path) -> None:
    html = MarkdownIt("commonmark").enable("table").render(page.read_text())
    assert (
        'the rows are equal. (<a href="https://github.com/pytorch/pytorch/issues/78064">' not in html
    )  # all are right
    assert html.count('<a href="https://github.com/scipy/scipy/issues/5208">scipy/scipy#5208</a>') == 1


def test_those_that_see_equally_fine_share_a_row_beside_what_the_dtype_allows(tmp_path: Path) -> None:
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
    assert fineness.table(found).to_numpy().tolist() == [
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


def test_who_plans_a_threshold_in_bfloat16_is_told_what_it_tells_apart(tmp_path: Path) -> None:
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
    assert fineness.thresholds(found, found_judged, standings) == [
        "**With rows in float16**, these do not tell the 2.56° of a threshold at 0.999 from 0: `coarse`. "
        "Of equal rows, `builtin` read 50 % as exactly 1, 16 % as more and 34 % as less.",
        "**A threshold at 0.999** is an angle of 2.56°. Just below 1, numbers in bfloat16 are 0.0039 apart: an answer "
        "in it passes only if it reads 1, as those of all pairs less than 3.6° apart do by theory. Measured, with rows "
        "in bfloat16: `broadcast`, `builtin` from 6° on; `exact`, the finest other, from 0.014° on. "
        "Of equal rows, `builtin` read 57 % as exactly 1, 16 % as more and 27 % as less: the last fail it. "
        "The remedy is an answer in float32: `exact` (3× the time).",
    ]
    assert fineness.thresholds(found[found["dtype"] == "float32"], found_judged, standings) == []


def test_bugs_that_still_happen_come_first_and_are_counted(tmp_path: Path) -> None:
    found = load_known_bugs("errors", saved(tmp_path, bug("a", False), bug("b", None), bug("c", True), bug("d", True)))
    table = bugs.table(found)
    assert list(zip(table["what"].str[0], table["still happens"], strict=True)) == [
        ("c", "yes"),
        ("d", "yes"),
        ("a", "no"),
        ("b", "not to be seen"),
    ]
    assert bugs.count(found) == (
        "**2 of 3 probes still see their bug**, of 1 report, with torch 2.13.0; not to be seen: 1."
    )


def test_names_from_outside_are_no_markup(tmp_path: Path) -> None:
    root, nasty = saved(tmp_path), NASTY
    save_nasty = [
        deviated(nasty, "self", 9, status=Status.WRONG, reason=nasty, dtype=nasty, output="float32"),
        deviated("builtin", "self", dtype=nasty, output="float32"),
        contract("builtin", {nasty: nasty, "zero row": nasty}, nasty, dtype=nasty, task=nasty),
        contract(nasty, {nasty: "x", "zero row": "0"}, dtype=nasty, task=nasty),
        contract("lost", {}, status=Status.ERROR, reason=nasty, dtype=nasty),
        seeing(nasty, 0.1, 5, dtype=nasty),
        replace(bug(nasty, True), issue=nasty, package=nasty, seen=nasty, right=nasty),
    ]
    save(root, *save_nasty, run=replace(head("nasty"), families={"self": nasty}))
    text = render("nasty", root=root, out=tmp_path / "out").read_text()
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    inline = [child for token in tokens for child in token.children or ()]
    links = {str(token.attrGet("href")) for token in inline if token.type == "link_open"}
    tables = {f"{kind}.csv" for kind in HEADINGS}
    assert links == tables | {"https://github.com/e/v/issues/1"}
    pictures = {str(token.attrGet("src")) for token in inline if token.type == "image"}
    assert all(re.fullmatch(r"(accuracy-cpu-[A-Za-z0-9-]+|resolution)\.png", name) for name in pictures)
    assert {path.parent.name for path in (tmp_path / "out").rglob("*.png")} == {"nasty"}
    html = [token.content for token in [*tokens, *inline] if token.type.startswith("html")]
    assert set(re.findall(r"<\W?(\w+)", "".join(html))) == {"details", "summary", "code"}
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in text


def drawn(figure: Figure) -> dict[tuple[str, str], str]:
    """The marks of a heat map by implementation and family; nothing where there is none."""
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
    assert axes.get_title() == (
        "right on every family that was asked: 1 of 3; ×: wrong; N: NaN or infinite; !: no answer; grey: not asked"
    )
    cells = axes.collections[0].get_array()
    assert cells is not None
    assert cells.mask.sum() == 2  # not asked, and without an answer
    assert matplotlib.colors.to_hex(axes.get_facecolor()) == BLANK


def test_the_heat_map_says_what_it_leaves_out(tmp_path: Path) -> None:
    found = judged(tmp_path, *(deviated(f"i{n}", "self") for n in range(41)))
    figure = heat_map(found, accuracy.tally(found))
    assert figure.get_suptitle() == "float32: how wrong, on inputs that hurt (the first 40 of 41 implementations)"
    assert len(figure.axes[0].get_yticklabels()) == 40


def test_the_heat_map_marks_what_is_right_but_beyond_the_budget(tmp_path: Path) -> None:
    found = judged(
        tmp_path,
        deviated("a", "long_rows", BUDGET_U["float32"] + 1, bound_u=1e6),
        deviated("a", "self", BUDGET_U["float32"], bound_u=1e6),
        deviated("b", "long_rows", 99, status=Status.WRONG, reason="off"),
    )
    figure = heat_map(found, accuracy.tally(found))
    assert drawn(figure) == {("a", "long_rows"): "•", ("b", "long_rows"): "×"}
    assert "•: within its bound, but beyond the error budget" in figure.axes[0].get_title().replace("\n", " ")
    told = "**Within the stated bound, but beyond the error budget**: `long_rows` (1)."
    assert told in how_wrong.headlines(found, [])


def test_the_plot_of_angles_does_not_stretch_for_what_is_finest(tmp_path: Path) -> None:
    found = load_resolution("errors", saved(tmp_path, seeing("angle", 1e-10, 9, task="angle"), seeing("builtin", 9, 9)))
    figure = resolution_plot(found)
    axes = figure.axes[0]
    arrows = [list(line.get_xdata()) for line in axes.get_lines() if line.get_marker() == "<"]
    assert arrows == [[1e-3]]
    assert axes.get_xlim()[0] > 1e-4
    assert [label.get_text() for label in axes.get_xticklabels()] == [
        "0.001°",
        "0.01°",
        "0.1°",
        "1°",
        "2°",
        "5°",
        "10°",
    ]
    assert figure.legends[0].get_texts()[-1].get_text() == "finer than 0.001°"


def test_the_plot_of_angles_has_a_line_for_what_each_dtype_allows(tmp_path: Path) -> None:
    found = load_resolution(
        "errors",
        saved(
            tmp_path,
            seeing("builtin", 6.0, 29, dtype="bfloat16"),
            seeing("exact", 0.1, 29, dtype="bfloat16"),
            seeing("builtin", 0.04, 29),
            seeing("blind", None, 1),
        ),
    )
    figure = resolution_plot(found)
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["exact", "builtin"]
    lines = [line.get_xdata() for line in axes.get_lines()]
    upright = sorted(float(x[0]) for x in lines if len(x) == 2 and x[0] == x[1])
    assert upright == pytest.approx([0.01399, 2.5626, 3.581], rel=1e-3)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "bfloat16, at best 3.6°",
        "float32, at best 0.014°",
        "cosine 0.999",
    ]


def test_who_is_wrong_on_ordinary_inputs_is_not_recommended_there(tmp_path: Path) -> None:
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


def test_beside_the_fastest_stands_who_is_right_on_every_family(tmp_path: Path) -> None:
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
    answer = sections.answer(sections.prepare(load("errors", root=root)), standings)
    said = "**Right on every family**, paired: `exact`, at 4× to 8× the time of `builtin`, at most 250 % of the memory."
    assert price.safest(found, answer, standings, []) == [said]
    assert price.safest(found.iloc[:0], answer, standings, []) == []
    assert price.safest(found[found["family"] == "self"], answer, standings, []) == []
    assert price.safest(found[found["implementation"] == "fast"], answer, standings, []) == [
        "**Right on every family**, paired: nobody that was timed."
    ]


def test_a_symptom_leads_to_its_cause_its_measure_and_who_does_not_have_it(tmp_path: Path) -> None:
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
    above, below, nan = table["the baseline, here"]
    assert above == "`builtin` – float32: 27 % of `self`, off by up to 4 u; bfloat16: 27 % of `self`, off by up to 4 u."
    assert below.startswith("`builtin` – float32: 32 % of `self`, off by up to 4 u; ")
    assert "off by up to 4 u. `long_rows`: Exactly 1: one running sum drifts." in below
    assert nan == "`builtin` – float32: a zero row."
    remedies = table["without it, and at what cost"]
    assert list(remedies) == ["paired: `exact` (4× the time), `untimed` (float32 only; not timed)"] * 3


def test_what_reads_too_coarse_or_too_small_leads_to_who_does_not(tmp_path: Path) -> None:
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
    assert small[2] == "`builtin` – bfloat16: a zero row gives 0, huge norms: right to 1e19."
    assert coarse[2] == (
        "`builtin` – bfloat16: 29 answers to 100 `ties`; equal rows: 60 % as exactly 1, 10 % as more and 30 % as less."
    )
    assert small[3] == coarse[3] == "paired: `fine` (not timed)"


def test_what_reports_know_of_questions_and_families_is_what_is_measured() -> None:
    assert {*drop_ins.BITES} - {contracts.EPS} <= {*measured_contract.QUESTIONS}
    assert {*accuracy.ORDINARY, *accuracy.NO_COSINE} <= {*FAMILIES}
