"""Are the numbers of docs/normalize-or-norm.md those of its published run?"""

from pathlib import Path

import pandas as pd
import pytest
import torch

import results
from reports import units

ROOT = Path(__file__).parent.parent
PAGE = " ".join((ROOT / "docs" / "normalize-or-norm.md").read_text(encoding="utf-8").split())
(RUN,) = (ROOT / "reports" / "published").glob("*/normalize-or-norm.jsonl")
INPUTS = {
    "1x768": "one row of 768",
    "4096x768": "4,096 rows of 768",
    "1x4194304": "one row of 4,194,304",
    "2x256x56x56": "maps [2, 256, 56, 56]",
    "32x64x28x28": "maps [32, 64, 28, 28]",
    "2x256x56x56-channels_last": "maps [2, 256, 56, 56], channels_last",
    "32x64x28x28-channels_last": "maps [32, 64, 28, 28], channels_last",
}
QUESTIONS = {
    ("zero row", "float32"): "a zero row",
    ("zero row", "float16"): "a zero row, float16",
    ("gradient at a zero row", "float32"): "its gradient",
    ("tiny norms", "float32"): "tiny norms: right",
    ("huge norms", "float32"): "huge norms: right",
    ("[2, 3] with [1, 1]", "float32"): "`[2, 3]` with `[1, 1]`: 1 expected",
}


@pytest.fixture(scope="module")
def divided() -> pd.DataFrame:
    """The records of the division, with ratios to those of `normalize`, which become columns with the suffix _n."""
    table = results.load(str(RUN), baseline="normalize")
    by_name = {name: rows.set_index("case") for name, rows in table.groupby("implementation")}
    return by_name["norm_divide"].join(by_name["normalize"].add_suffix("_n"))


def row_of(rows: pd.DataFrame, of: str) -> str:
    task = "feature_maps" if of.startswith(("2x", "32x")) else "paired"
    single, *halves = (rows.loc[f"{task}-cpu-{dtype}-{of}"] for dtype in ("float32", "float16", "bfloat16"))
    cells = [units.seconds(single["latency_s_n"]), units.seconds(single["latency_s"]), *map(seen, (single, *halves))]
    return f"| {INPUTS[of]} | {' | '.join(cells)} |"


def seen(record: pd.Series) -> str:
    return units.speed(record["ratio"]) if record["verdict"] in ("faster", "slower") else "–"


@pytest.mark.parametrize("of", INPUTS)
def test_the_times_are_those_of_the_run(divided: pd.DataFrame, of: str) -> None:
    assert row_of(divided, of) in PAGE


@pytest.mark.parametrize(("question", "dtype"), QUESTIONS)
def test_the_contracts_are_those_of_the_run(question: str, dtype: str) -> None:
    asked = results.load_contracts(str(RUN)).query("question == @question and dtype == @dtype and task == 'paired'")
    answers = asked.set_index("implementation")["answer"]
    assert f"| {QUESTIONS[question, dtype]} | {answers['normalize']} | {answers['norm_divide']} |" in PAGE


def test_the_answer_is_that_of_the_run(divided: pd.DataFrame) -> None:
    faster = divided[divided["verdict"] == "faster"]
    small = faster.index.str.endswith("1x768")
    assert f"{units.times(1 / faster.loc['paired-cpu-float32-1x768', 'ratio'])[:-1]} times as fast for one row" in PAGE
    assert f"at most {units.percent(1 / faster.loc[~small, 'ratio'].min() - 1)} faster for large inputs" in PAGE
    assert "slower" not in set(divided["verdict"])


def test_the_eps_for_float16_gives_0_for_a_zero_row() -> None:
    assert "`F.normalize(x, eps=1e-7)`" in PAGE
    assert torch.nn.functional.normalize(torch.zeros(1, 4, dtype=torch.float16), eps=1e-7).tolist() == [[0.0] * 4]


def test_memory_and_error_are_the_same_in_all_cases(divided: pd.DataFrame) -> None:
    assert len(divided) == 22
    assert f"In all {len(divided)} cases their peaks are within 0.1 % and their largest errors are equal" in PAGE
    assert (divided["peak_bytes"] / divided["peak_bytes_n"] - 1).abs().max() < 1e-3
    assert (divided["error_abs"] == divided["error_abs_n"]).all()


def test_the_errors_of_the_long_row_are_those_of_the_run(divided: pd.DataFrame) -> None:
    single, half = (divided.loc[f"paired-cpu-{dtype}-1x4194304", "error_abs"] for dtype in ("float32", "float16"))
    assert f"off by {single:.2g} in float32 and by {half:.2g} in float16" in PAGE


def test_the_built_in_is_slower_in_channels_last() -> None:
    table = results.load(str(RUN)).query("implementation == 'normalize' and memory_format == 'channels_last'")
    assert set(table["verdict"]) == {"faster"}
    assert f"{units.speeds(table['ratio'].max(), table['ratio'].min())} than `F.cosine_similarity`" in PAGE


def test_with_gradients_the_run_was_too_noisy(divided: pd.DataFrame) -> None:
    both = divided.loc["paired-cpu-float32-4096x768-forward+backward"]
    assert both["verdict"] == "no difference seen"
    assert f"noise floor {units.share(both['noise_floor'])}" in PAGE
