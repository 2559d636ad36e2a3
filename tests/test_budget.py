"""Is an error budget the number that was typed, in runs and in reports, and is nonsense refused with the right form?"""

import re
from dataclasses import replace
from pathlib import Path

import pytest

import reports
from reports import BUDGET, BUDGET_U, answer, parse_budget, render
from reports.__main__ import main
from reports.pull_request import pull_request
from suites.records.budget import BudgetError, parse, rounded, spelt
from suites.records.case import ROUNDOFFS, Case
from suites.records.record import End, Record
from tests.runs import CASE, head, measured, save

U = 2.0**-24
EVERY = tuple(ROUNDOFFS)


@pytest.mark.parametrize(
    ("spec", "budget"),
    [
        ("1e-3", dict.fromkeys(EVERY, 1e-3)),
        ("16u", dict.fromkeys(EVERY, 16 * U)),
        ("float32=16u", {"float32": 16 * U}),
        ("float32=1e-3", {"float32": 1e-3}),
        ("1e-3,bfloat16=0.02", dict.fromkeys(EVERY, 1e-3) | {"bfloat16": 0.02}),
        ("bfloat16=0.02, 1e-3", dict.fromkeys(EVERY, 1e-3) | {"bfloat16": 0.02}),
        (" float16 = 2e4 u ", {"float16": 2e4 * U}),
        ("16U", dict.fromkeys(EVERY, 16 * U)),
        (".5", dict.fromkeys(EVERY, 0.5)),
    ],
)
def test_an_amount_is_absolute_unless_it_ends_in_u(spec: str, budget: dict[str, float]) -> None:
    assert parse(spec) == budget
    assert parse(spelt(budget)) == budget


@pytest.mark.parametrize(
    ("spec", "exact", "short"),
    [
        ("16u", "16u", "9.54e-07"),
        ("float16=0.001953125,float32=16u", "float16=32768u,float32=16u", "float16=0.00195,float32=9.54e-07"),
        ("1e-3,bfloat16=0.02", *["float64=0.001,float32=0.001,float16=0.001,bfloat16=0.02"] * 2),
        ("0.12345678901", "0.12345678901", "0.123"),
    ],
)
def test_a_command_repeats_a_budget_exactly_and_people_read_three_digits(spec: str, exact: str, short: str) -> None:
    assert spelt(parse(spec)) == exact
    assert parse(exact) == parse(spec)
    assert rounded(parse(spec)) == short


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("0", "'0' is not above 0 and below 1"),
        ("-1e-3", "'-1e-3' is not above 0 and below 1"),
        ("float32=nan", "'nan' is not above 0 and below 1"),
        ("inf", "'inf' is not above 0 and below 1"),
        ("1e-400", "'1e-400' is not above 0"),
        ("float32=16", "'16' would accept any cosine; did you mean 16u, which is 9.5e-07?"),
        ("1e9", "'1e9' would accept any cosine; write an absolute error such as 1e-3"),
        ("99999999u", "'99999999u' would accept any cosine"),
        ("float23=1e-3", "unknown dtype 'float23'; did you mean 'float32'? known: float64, float32"),
        ("bf16=1e-3", "unknown dtype 'bf16'; did you mean 'bfloat16'?"),
        ("torch.float32=1e-3", "did you mean 'float32'?"),
        ("float32=1e-3,float32=1e-4", "sets float32 twice"),
        ("1e-3,1e-4", "sets every dtype twice"),
        ("1e-3,", "'1e-3,' has an empty part"),
        ("", "'' has an empty part"),
        ("float32", "'float32' is no amount; did you mean float32=1e-3?"),
        ("bfloat16:0.02", "'bfloat16:0.02' is no amount; did you mean bfloat16=0.02?"),
        ("float32=", "'' is no amount; write an absolute error"),
        ("16 ulp", "'16 ulp' is no amount; write an absolute error"),
        ("1%", "'1%' is no amount"),
    ],
)
def test_a_budget_that_makes_no_sense_is_refused_with_the_right_form(spec: str, message: str) -> None:
    with pytest.raises(BudgetError, match=re.escape(f"--error-budget: {message}" if message[0] == "'" else message)):
        parse(spec)


def off_by(name: str, error: float, ms: float) -> Record:
    control = [1e-3] * 20 if name == "builtin" else []
    record = measured(name, [ms * 1e-3] * 20, baseline=name == "builtin", control_s=control)
    assert record.error
    return replace(record, error=replace(record.error, error_abs=error))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A run with a budget of 1e-3, in which the faster an implementation, the larger its error."""
    errors = {"builtin": (1e-7, 1.0), "good": (1e-5, 0.5), "poor": (1e-2, 0.1)}
    lines = [off_by(name, *numbers) for name, numbers in errors.items()]
    save(tmp_path, *lines, END, run=replace(head("a"), error_budget={"float32": 1e-3}))
    return tmp_path


END = End(wall_s=1.0, phases_s={"samples": 1.0})


def fastest(found: reports.Answer) -> str:
    return str(found.table.iloc[0, 1]).partition(" ")[0]


def test_a_report_uses_the_budget_of_its_run_unless_it_is_given_one(root: Path) -> None:
    assert fastest(answer("a", root=root)) == "good"
    assert fastest(answer("a", root=root, budget={"float32": 0.02})) == "poor"
    assert fastest(answer("a", root=root, budget={"bfloat16": 0.02})) == "good", "other dtypes keep theirs"
    page = render("a", root=root, out=root / "out").read_text()
    assert "Error budgets: float32 0.001. " in page, "only dtypes of the run"
    assert "This report has" not in page.rpartition("To reproduce")[2]


def test_one_budget_for_all_is_said_once(root: Path) -> None:
    page = render("a", root=root, out=root / "out", budget=parse("1e-3")).read_text()
    assert "Error budgets: 0.001 in every dtype. " in page


def test_the_page_repeats_a_budget_of_its_own(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["a", "--error-budget", "float32=0.02"], root=root, out=root / "out")
    page = Path(capsys.readouterr().out.splitlines()[-1]).read_text()
    _, again = re.findall(r"```sh\n(.*)\n```", page)
    assert again == "python -m reports a --error-budget float32=0.02"
    assert "Error budgets: float32 0.02. " in page


def test_budgets_in_u_still_work_and_warn(root: Path) -> None:
    with pytest.warns(DeprecationWarning, match="budget_u is now budget"):
        assert fastest(answer("a", root=root, budget_u={**BUDGET_U, "float32": 4e5})) == "poor"
    with pytest.warns(DeprecationWarning, match=r"suites\.records\.budget\.parse"):
        assert parse_budget("float32=16u") == {**BUDGET_U}
    assert BUDGET_U == {"float64": 1e-3, "float32": 16.0, "float16": 2.0**15, "bfloat16": 2.0**18}
    assert BUDGET["float32"] == 16 * U
    with pytest.raises(TypeError, match="leave budget_u out"):
        render("a", root=root, budget={}, budget_u=BUDGET_U)


def test_a_budget_counts_for_the_dtype_of_the_inputs(tmp_path: Path) -> None:
    half = replace(CASE, dtype="float16")
    records = [replace(off_by(name, 1e-2, ms), case=half) for name, ms in (("builtin", 1.0), ("fast", 0.5))]
    save(tmp_path, *records, END)
    assert fastest(answer("a", root=tmp_path)) == "none"
    assert fastest(answer("a", root=tmp_path, budget={"float16": 0.02})) == "fast"


def test_where_a_sample_of_a_file_is_within_the_budget_and_more_rows_are_not_all_rows_decide(tmp_path: Path) -> None:
    def of(case: Case, **errors: float) -> list[Record]:
        ms = {"builtin": 1.0, "good": 0.5, "lucky": 0.1}
        return [replace(off_by(name, errors.get(name, 1e-7), ms[name]), case=case) for name in ms]

    for inputs, winner in (("file:emb", "good"), ("prescribed", "lucky")):
        sample, whole = (replace(CASE, shape=(rows, 768), inputs=inputs) for rows in (64, 50_000))
        records = [*of(sample), *of(whole, lucky=5e-3)]
        root = tmp_path / inputs.replace(":", "-")
        save(root, *records, END, run=replace(head("a"), error_budget={"float32": 1e-3}))
        found = answer("a", root=root)
        assert found.table["fastest"].tolist() == [winner, "good"], "on other inputs each case has its own budget"
        said = inputs == "file:emb"
        note = "lucky: within the error budget on a sample of the rows, but not on 50000x768 file:emb"
        assert (f"{note} (paired, float32, cpu), where the error is 0.005." in found.notes) == said
        page = render("a", root=root, out=root / "out").read_text()
        pasted = pull_request("a", root=root, published=root)
        for text in (page, pasted):
            assert ("`lucky`: within the error budget on a sample of the rows, but not on `50000x768" in text) == said
