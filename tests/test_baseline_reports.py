"""A report against another baseline than the built-in, and of runs without a built-in: no nan, and no case dropped."""

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from reports import answer, render
from reports.__main__ import main
from results import Record, Status, UnknownBaseline, load
from suites.records.case import Case
from suites.records.record import End, Operator
from tests.findings import USUAL, contract, deviated
from tests.runs import CASE, head, measured, save

WIDE = replace(CASE, shape=(64, 4096))
HALF = replace(CASE, dtype="bfloat16")
PAIRS = Case(task="pairwise", shape=(8, 8, 768), dtype="float32", device="cpu")
END = End(wall_s=1.0, phases_s={"samples": 1.0})
CASES = (CASE, WIDE, HALF)


def timed(name: str, ms: float, case: Case = CASE, *, repeated: bool = False, peak: int = 4096) -> Record:
    """A record whose pairs of rounds differ by up to 2 %."""
    samples = [ms * 1e-3 * factor for factor in (0.99, 0.99, 1.01, 1.01) * 10]
    control = [ms * 1e-3] * 40 if repeated else []
    baseline = name in ("builtin", "broadcast")
    return measured(name, samples, baseline=baseline, case=case, control_s=control, peak_bytes=peak)


def lost(name: str, case: Case) -> Record:
    return Record.failed(name, name in ("builtin", "broadcast"), case, Status.OUT_OF_MEMORY, "needs 3 GiB")


def page(root: Path, records: Iterable[object], baseline: str = "") -> str:
    save(root, *records, END, run=head("a"))
    return render("a", baseline=baseline, root=root, out=root / "out").read_text()


def require_nothing_missing(text: str) -> None:
    assert not re.search(r"\b(nan|inf|None)\b", text.partition("## Conditions")[0])


def test_one_implementation_against_another_is_a_sentence_a_case(tmp_path: Path) -> None:
    records = [timed("compiled_dot", 1, repeated=True), timed("mine", 1.032)]
    save(tmp_path, *records, END, run=head("a"))
    found = answer("a", baseline="compiled_dot", root=tmp_path)
    assert found.versus == ["paired, float32, cpu, 64x768: mine against compiled_dot: 3.2 % slower"]
    assert found.notes[0] == "Times are compared with compiled_dot, as asked."
    line = ["paired 64x768 float32", "compiled_dot", "1 ms", "(is the baseline)"]
    assert found.table.iloc[0].tolist()[:4] == line
    assert (
        found.noise_floor == "Noise floor: 1 % (median case), 1 % (worst case). Smaller differences are not reported."
    )


def test_a_sentence_says_what_was_not_seen_and_nothing_of_what_has_no_time(tmp_path: Path) -> None:
    save(tmp_path, timed("builtin", 1, repeated=True), timed("same", 1.001), lost("greedy", CASE), END, run=head("a"))
    at = "paired, float32, cpu, 64x768"
    assert answer("a", root=tmp_path).versus == [
        f"{at}: same against builtin: no difference seen (within 0.1 %)",
    ]


def test_many_implementations_are_left_to_the_tables(tmp_path: Path) -> None:
    save(tmp_path, *(timed(name, 1) for name in ("builtin", "a", "b", "c", "d")), END, run=head("a"))
    assert answer("a", root=tmp_path).versus == []


def test_more_than_six_comparisons_are_left_to_the_tables(tmp_path: Path) -> None:
    cases = [replace(CASE, shape=(rows, 768)) for rows in (1, 2, 3, 4)]
    lines = [timed(name, ms, case) for case in cases for name, ms in (("builtin", 1), ("a", 2), ("b", 3))]
    save(tmp_path, *lines[:9], END, run=head("a"))
    assert len(answer("a", baseline="a", root=tmp_path).versus) == 6
    assert answer("a", root=tmp_path).versus == [], "which one to ship is the question, not whether a is faster"
    (tmp_path / "a.jsonl").unlink()
    save(tmp_path, *lines, END, run=head("a"))
    assert answer("a", baseline="a", root=tmp_path).versus == []
    (tmp_path / "a.jsonl").unlink()
    many = [replace(CASE, shape=(rows, 768)) for rows in range(1, 13)]
    save(
        tmp_path,
        *(timed(name, ms, case) for case in many for name, ms in (("builtin", 1), ("a", 2))),
        END,
        run=head("a"),
    )
    assert len(answer("a", root=tmp_path).versus) == 12, "one against another is the question itself"


def test_ratios_tables_pictures_and_headlines_are_against_the_asked_baseline(tmp_path: Path) -> None:
    names = {"builtin": 4, "compiled_dot": 1, "mine": 2}
    records = [timed(name, ms, case, repeated=name == "builtin") for case in CASES for name, ms in names.items()]
    others = [timed("broadcast", 3, PAIRS, repeated=True), timed("matmul", 1, PAIRS)]
    errors = [deviated(name, "self") for name in ("builtin", "mine", "compiled_dot")]
    answers = [contract(name, USUAL) for name in ("builtin", "mine")]
    answers += [contract("compiled_dot", USUAL | {"zero row": "NaN"})]
    text = page(tmp_path, [*records, *others, *errors, *answers], baseline="compiled_dot")
    assert "Times are compared with `compiled_dot`, as asked; pairwise keeps `broadcast`." in text
    assert "paired, float32, cpu, 64x768: `builtin` against `compiled_dot`: 4× slower" in text
    assert "stay with `compiled_dot`" in text
    assert "| `mine` | 2 ms, 2× slower |" in text
    assert "Drop-ins for `compiled_dot`: none" in text
    assert "ship `matmul`: 1 ms, 3× faster than the 3 ms of `broadcast`" in text
    assert "python -m reports a --baseline compiled_dot" in text
    require_nothing_missing(text)


def test_a_run_without_a_built_in_is_compared_with_its_fastest(tmp_path: Path) -> None:
    records = [timed(name, ms, case) for case in CASES for name, ms in (("compiled_dot", 1), ("norm_divide", 3))]
    operators = [
        Operator(
            implementation=name, baseline=False, case_id="paired-cpu-float32-64x768", operator="aten::mul", calls=1,
            self_s=1e-4, allocated_bytes=64,
        )
        for name in ("norm_divide", "compiled_dot")
    ]  # fmt: skip
    text = page(tmp_path, [*records, *operators, deviated("norm_divide", "self"), contract("norm_divide", USUAL)])
    assert "- No baseline has a time: times are compared with the fastest, `compiled_dot`." in text
    assert "3× slower**\n\n| cases | shape |" in text
    assert "paired, float32, cpu, 64x768: `norm_divide` against `compiled_dot`: 3× slower" in text
    assert "ship `compiled_dot`: the fastest here, where no baseline was timed" in text
    assert "| `compiled_dot` | 1 ms | – | the fastest; no baseline was timed |" in text
    assert {"64x768", "64x4096"} <= {*re.findall(r"64x\d+", text)}
    for picture in ("ratio", "latency", "tradeoff", "memory"):
        assert f"paired-{picture}.png" in text
    assert text.index("| `compiled_dot` | `aten::mul`") < text.index("| `norm_divide` | `aten::mul`")
    require_nothing_missing(text)


def test_without_a_baseline_nobody_is_called_the_fastest_among_equals(tmp_path: Path) -> None:
    text = page(tmp_path, [timed(name, 1, case) for case in CASES for name in ("compiled_dot", "norm_divide")])
    (shipped,) = set(re.findall(r"ship `(\w+)`", text))
    (other,) = {"compiled_dot", "norm_divide"} - {shipped}
    assert f"ship `{shipped}`: no difference seen to `{other}` here, where no baseline was timed" in text
    assert f"| `{shipped}` | 1 ms | – | no difference seen to `{other}`; no baseline was timed |" in text
    assert "the fastest here" not in text
    require_nothing_missing(text)


def test_an_implementation_alone_is_its_own_reference(tmp_path: Path) -> None:
    text = page(tmp_path, [timed("mine", 1)])
    assert "ship `mine`: the fastest here, where no baseline was timed" in text
    require_nothing_missing(text)


@pytest.mark.parametrize("baseline", ["", "compiled_dot"])
def test_cases_without_a_time_of_the_baseline_are_a_group_of_their_own(baseline: str, tmp_path: Path) -> None:
    base = baseline or "builtin"
    records = [timed(name, ms, case) for case in (CASE, WIDE) for name, ms in (("mine", 2), ("other", 3))]
    text = page(tmp_path, [timed(base, 1), lost(base, WIDE), *records], baseline=baseline)
    assert f"- `{base}` has no time in 1 of 2 cases of paired, float32, cpu (out of memory): times there are " in text
    assert f"**paired, float32, cpu**: stay with `{base}`" in text
    assert "**paired, float32, cpu, against mine**: ship `mine`: the fastest here" in text
    require_nothing_missing(text)


def test_a_group_in_which_all_failed_is_still_named(tmp_path: Path) -> None:
    text = page(tmp_path, [timed("builtin", 1), lost("builtin", HALF), lost("mine", HALF), timed("mine", 2)])
    assert "**paired, bfloat16, cpu**: nothing ran; see the failures below." in text
    require_nothing_missing(text)


def test_two_runs_are_compared_against_the_baseline_that_both_have(tmp_path: Path) -> None:
    for name, ms in (("old", 1.5), ("a", 3.0)):
        save(tmp_path, timed("builtin", 4), timed("dot", 1), timed("mine", ms), END, run=head(name))
    text = render("a", against="old", baseline="dot", root=tmp_path, out=tmp_path / "out").read_text()
    assert "1.5× slower → 3× slower" in text
    assert "2 are not compared" not in text
    (tmp_path / "old.jsonl").unlink()
    save(tmp_path, timed("builtin", 4), timed("mine", 1.5), END, run=head("old"))
    text = render("a", against="old", baseline="dot", root=tmp_path, out=tmp_path / "out").read_text()
    assert "The ratios of 2 are not compared: their baseline was `builtin` then, `dot` now." in text


def test_an_unknown_baseline_is_one_line_and_the_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(tmp_path, timed("builtin", 1), timed("compiled_dot", 1), END, run=head("a"))
    with pytest.raises(SystemExit) as stop:
        main(["a", "--baseline", "compiled_dit"], root=tmp_path, out=tmp_path / "out")
    assert stop.value.code == 2
    message = capsys.readouterr().err
    assert "did you mean 'compiled_dot'? choose one that was timed: builtin, compiled_dot" in message
    assert len(message.splitlines()) == 1
    with pytest.raises(UnknownBaseline):
        answer("a", baseline="compiled_dit", root=tmp_path)


def test_the_records_of_a_report_hold_its_references(tmp_path: Path) -> None:
    page(tmp_path, [timed("builtin", 4), timed("dot", 1)], baseline="dot")
    written = pd.read_csv(tmp_path / "out" / "a" / "records.csv", keep_default_na=False)
    assert written[["reference", "reference_why"]].to_numpy().tolist() == [["dot", "asked"]] * 2
    assert load("a", root=tmp_path)["reference"].unique().tolist() == ["builtin"]
