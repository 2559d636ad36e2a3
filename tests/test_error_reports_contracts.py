"""Contracts in the report: drop-in replacements, and differences that matter."""

from pathlib import Path

import pandas as pd
import pytest

from reports.sections.contracts import contracts, drop_ins
from results import Status
from tests.findings import USUAL, answered, contract, rendered


def ship(*pairs: tuple[str, str, str]) -> pd.DataFrame:
    """A row of the answer: implementation, reference, dtype."""
    return pd.DataFrame(pairs, columns=["implementation", "reference", "dtype"]).assign(device="cpu")


def test_the_answer_names_contract_differences_that_matter(tmp_path: Path) -> None:
    usual, fast = USUAL, USUAL | {"zero row": "NaN", "above 1": "31 %, by up to 6 u", "NaN": "1"}
    found = answered(
        tmp_path,
        contract("builtin", usual | {"int8": "float32, right"}, "per norm, maximum", 1e-8),
        contract("fast", fast | {"int8": "float32, -7.5"}),
        contract("builtin", usual | {"zero row": "NaN"}, "per norm, maximum", 1e-8, dtype="bfloat16"),
        contract("fast", fast, dtype="bfloat16"),
    )
    assert drop_ins.warnings(ship(("fast", "builtin", "float32"), ("fast", "builtin", "bfloat16")), found) == [
        "**Not a drop-in**: `fast` for `builtin`: a zero row gives NaN for `float32` (`builtin`: 0); no eps "
        "(`builtin`: each norm ≥ 1e-8); a NaN gives 1 (`builtin`: NaN); int8 gives float32, -7.5 "
        "(`builtin`: float32, right)."
    ]
    assert drop_ins.warnings(ship(("builtin", "builtin", "float32"), ("unasked", "builtin", "float32")), found) == []


def test_the_bullet_of_differences_that_matter_is_short(tmp_path: Path) -> None:
    usual = {"zero row": "0", "two zero rows": "0", "tiny norms": "from 1e-8", "gradient at a zero row": "1e8"}
    other = {"zero row": "NaN", "two zero rows": "1", "tiny norms": "from 1e-5", "gradient at a zero row": "NaN"}
    found = answered(
        tmp_path, contract("builtin", usual | {"result": "float16"}), contract("fast", other | {"result": "float32"})
    )
    (said,) = drop_ins.warnings(ship(("fast", "builtin", "float32")), found)
    assert said.endswith(
        "tiny norms are right from 1e-5 (`builtin`: from 1e-8); the gradient at a zero row is NaN (`builtin`: 1e8); "
        "and 1 more."
    )
    better = answered(
        tmp_path / "b", contract("builtin", usual), contract("fast", usual | {"gradient at a zero row": "0"})
    )
    assert drop_ins.warnings(ship(("fast", "builtin", "float32")), better) == []


def test_better_answers_than_the_baselines_do_not_matter(tmp_path: Path) -> None:
    better = {"zero row": "0", "huge norms": "all", "above 1": "never", "NaN": "NaN", "int8": "float32, right"}
    found = answered(tmp_path, contract("builtin", USUAL | {"NaN": "1", "int8": "TypeError"}), contract("fast", better))
    assert drop_ins.warnings(ship(("fast", "builtin", "float32")), found) == []
    (said,) = drop_ins.warnings(ship(("builtin", "fast", "float32")), found)
    assert "huge norms are right to 1e19 (`fast`: all); equal rows are above 1: 22 %, by up to 2.4e-7" in said


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
    paired, pairwise = contracts.answers(found)
    (table,) = paired.tables
    assert (paired.name, pairwise.name) == ("paired, float32", "pairwise, float32")
    assert list(table.columns) == ["question", ("builtin", "twin"), ("near",), ("odd",)]
    rows = {row[0]: list(row[1:]) for row in table.itertuples(index=False)}
    assert rows["zero row"] == ["0", "**NaN**", "**NaN**"]
    assert rows["above 1"] == ["15.5 to 22 %", "22 %, by up to 4 u", "**never**"]
    assert "int8" not in rows  # examined in another dtype
    assert drop_ins.alike(found) == (
        "A drop-in gives the same answer to every question. Drop-ins for `builtin`: `twin`; for `broadcast`: none. "
        "The baseline comes first; bold answers differ from its answers."
    )


def test_missing_answers_and_a_missing_baseline_make_no_difference(tmp_path: Path) -> None:
    skipped = contract("compiled", USUAL | {"zero row": contracts.SKIPPED})
    found = answered(tmp_path, contract("builtin", USUAL), skipped)
    (answers,) = contracts.answers(found)
    rows = {row[0]: list(row[1:]) for row in answers.tables[0].itertuples(index=False)}
    assert rows["zero row"] == ["0", contracts.SKIPPED]
    assert "for `builtin`: `compiled`" in drop_ins.alike(found)
    alone = found[~found["baseline"]]
    assert drop_ins.alike(alone) == ""
    assert "**" not in contracts.answers(alone)[0].tables[0].to_string()


def test_a_wide_table_is_split_and_each_part_begins_with_the_baseline(tmp_path: Path) -> None:
    others = [contract(f"other{n}", USUAL | {"zero row": str(n)}) for n in range(1, 9)]
    (answers,) = contracts.answers(answered(tmp_path, contract("builtin", USUAL), *others))
    first, second = answers.tables
    assert len(first.columns) == contracts.COLUMNS
    assert [table.columns[1] for table in (first, second)] == [("builtin",)] * 2
    assert len({*first.columns, *second.columns}) == 1 + 1 + 8


def test_contracts_without_answers_have_a_reason(tmp_path: Path) -> None:
    text = rendered(
        tmp_path,
        contract("builtin", USUAL),
        contract("lost", {}, status=Status.WRONG, reason="off by up to 0.3 on ordinary rows"),
        contract("angle", {}, status=Status.UNSUPPORTED, reason="its answers are angles"),
    )
    assert "Not measured, and why:\n\n- `lost` in `float32`: off by up to 0.3 on ordinary rows\n" in text
    assert "its answers are angles" not in text
