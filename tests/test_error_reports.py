"""The page about accuracy and contracts as a whole."""

import math
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from markdown_it import MarkdownIt

from reports import render
from reports.files import write_csv
from reports.sections import known_bugs as bugs
from reports.sections.accuracy import accuracy
from reports.sections.contracts import contracts, drop_ins
from results import Status, load_known_bugs
from suites.errors import contract as measured_contract
from suites.records.case import FAMILY_NAMES
from suites.records.finding import Accuracy, Contract, Finding, KnownBug, Resolution
from tests.findings import (
    HEAD,
    LOST,
    NASTY,
    USUAL,
    U,
    bug,
    contract,
    deviated,
    off,
    rendered,
    saved,
    seeing,
    undeviated,
)
from tests.runs import CASE, head, measured, save

GOLDEN = Path(__file__).parent / "golden" / "errors.md"
"""After a wanted change: UPDATE_GOLDEN=1 pytest tests/test_error_reports.py -k golden, and read the diff."""

OWN = {"float32": U, "bfloat16": 2.0**-8}


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


HEADINGS = {
    "accuracy": ("## Errors on hard inputs", deviated("builtin", "self")),
    "contracts": ("## The contracts", contract("builtin", USUAL)),
    "resolution": ("## Resolution", seeing("builtin", 0.04, 29)),
    "known_bugs": ("## Known bugs of this build", bug("old", True)),
}


@pytest.mark.parametrize("kind", HEADINGS)
def test_sections_without_findings_are_left_out(kind: str, tmp_path: Path) -> None:
    heading, finding = HEADINGS[kind]
    text = rendered(tmp_path, finding)
    assert [other for other, _ in HEADINGS.values() if other in text] == [heading]
    assert {path.stem for path in (tmp_path / "out" / "errors").glob("*.csv")} == {"records", kind}
    assert "0 records, 1 finding." in text
    assert "No speed was measured. Errors and contracts are below." in text
    assert "The run holds no records" not in text
    assert "Not a drop-in" not in text


def test_an_issue_in_what_is_right_is_a_link(page: Path) -> None:
    html = MarkdownIt("commonmark").enable("table").render(page.read_text())
    assert (
        'the rows are equal. (<a href="https://github.com/pytorch/pytorch/issues/78064">' not in html
    )  # all are right
    assert html.count('<a href="https://github.com/scipy/scipy/issues/5208">scipy/scipy#5208</a>') == 1


def test_bugs_that_still_happen_come_first_and_are_counted(tmp_path: Path) -> None:
    found = load_known_bugs("errors", saved(tmp_path, bug("a", False), bug("b", None), bug("c", True), bug("d", True)))
    table = bugs.table(found)
    assert list(zip(table["bug"].str[0], table["still happens"], strict=True)) == [
        ("c", "yes"),
        ("d", "yes"),
        ("a", "no"),
        ("b", "not observable"),
    ]
    assert bugs.count(found) == (
        "**2 of 3 probes still find their bug**, from 1 upstream report, with torch 2.13.0. Not observable here: 1."
    )


def test_an_unreported_bug_has_a_name_and_no_link(tmp_path: Path) -> None:
    ours = bug("kernels", True, "not reported yet")
    found = load_known_bugs("errors", saved(tmp_path, ours, bug("old", True)))
    assert "not reported yet" in set(bugs.table(found)["issue"])
    assert bugs.count(found) == "**2 of 2 probes still find their bug**, from 1 upstream report, with torch 2.13.0."


def test_names_from_outside_are_no_markup(tmp_path: Path) -> None:
    root, nasty = saved(tmp_path), NASTY
    save_nasty = [
        deviated(nasty, "self", 9, status=Status.WRONG, reason=nasty, output="float32"),
        deviated("builtin", "self", output="float32"),
        contract("builtin", {nasty: nasty, "zero row": nasty}, nasty, task="paired"),
        contract(nasty, {nasty: "x", "zero row": "0"}, task="paired"),
        contract("lost", {}, status=Status.ERROR, reason=nasty),
        seeing(nasty, 0.1, 5),
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


def test_what_reports_know_of_questions_and_families_is_what_is_measured() -> None:
    assert {*drop_ins.BITES} - {contracts.EPS} <= {*measured_contract.QUESTIONS}
    assert {*accuracy.ORDINARY} <= {*FAMILY_NAMES}


def test_tables_are_read_back_as_they_were_whatever_they_hold(tmp_path: Path) -> None:
    names, numbers, seen = ['a,"b"\nc', "", NASTY], [1e-300, math.nan, 0.1], [True, math.nan, False]
    table = pd.DataFrame({"name": names, "number": numbers, "seen": seen})
    write_csv(table, tmp_path / "a.csv")
    read = pd.read_csv(tmp_path / "a.csv", keep_default_na=False, na_values={"number": "", "seen": ""})
    pd.testing.assert_frame_equal(read, table, check_dtype=False)


def test_a_copy_of_a_run_of_findings_alone_has_a_report_of_its_own(tmp_path: Path) -> None:
    root = saved(tmp_path, deviated("builtin", "self"), contract("builtin", USUAL))
    run = root / "errors.jsonl"
    (root / "copy.jsonl").write_bytes(run.read_bytes())
    out = tmp_path / "out"
    original, copy = (render(name, root=root, out=out) for name in ("errors", "copy"))
    assert (original, copy) == (out / "errors" / "report.md", out / "copy" / "report.md")
    assert "run `copy`, 0 records, 2 findings." in copy.read_text()
    assert "run `errors`" in original.read_text()
    assert {path.name for path in copy.parent.iterdir()} == {path.name for path in original.parent.iterdir()}
