"""Are healthy sets healthy and foreign ones faulty? Do baselines match their papers? Is every answer counted?"""

import json
import math
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnosis.remedies import CAUSES
from diagnosis.subject import DiagnosisError, Subject
from diagnosis.validity import __main__ as experiment
from diagnosis.validity import answers, cases, kept
from diagnosis.validity.answers import PlantedResult
from diagnosis.validity.baselines import BASELINES, isoscore, mean_cosine
from diagnosis.validity.cases import PlantedCase, all_cases, subject
from diagnosis.validity.page import goals
from diagnosis.validity.picture import confusion
from diagnosis.validity.planted import PLANTS
from diagnosis.validity.planted.foreign import FOREIGN
from diagnosis.validity.planted.healthy import HEALTHY
from diagnosis.validity.planted.plant import Plant, Size
from diagnosis.validity.planted.together import TOGETHER
from diagnosis.validity.rates import judges, share, table
from diagnosis.verdict import Cause, Counterfactual, Diagnosis

SMALL = Size(64, 32)


pytestmark = pytest.mark.usefixtures("one_thread")


def made(plant: Plant, dtype: torch.dtype, seed: int = 0) -> Subject:
    return plant.make(SMALL, dtype, torch.Generator().manual_seed(seed))


def rows_of(subject: Subject) -> torch.Tensor:
    return subject.x.movedim(subject.dim, -1).flatten(0, -2).double()


@pytest.mark.parametrize("plant", HEALTHY, ids=lambda plant: plant.name)
def test_a_healthy_set_has_distinct_directions(plant: Plant) -> None:
    for dtype in plant.dtypes:
        healthy = made(plant, dtype)
        rows = rows_of(healthy)
        assert healthy.x.dtype == dtype
        assert rows.isfinite().all()
        assert rows.norm(dim=1).min() > 0
        assert mean_cosine(rows) < 0.93
        assert len(rows.unique(dim=0)) > 0.9 * len(rows)


@pytest.mark.parametrize("plant", FOREIGN, ids=lambda plant: plant.name)
def test_a_foreign_cause_makes_everything_look_alike(plant: Plant) -> None:
    for dtype in plant.dtypes:
        sick = made(plant, dtype)
        compare = sick.similarity or F.cosine_similarity
        others, unlike = (sick.x.roll(1, 0), slice(None)) if sick.y is None else (sick.y, sick.labels == 0)
        answer = compare(sick.x, others)[unlike].float()
        assert answer.mean() > 0.9 or len(answer.unique()) == 1


@pytest.mark.parametrize("plant", TOGETHER, ids=lambda plant: plant.name)
def test_two_causes_at_once_are_known_causes(plant: Plant) -> None:
    assert set(plant.name.split(" and ")) <= set(CAUSES)
    both = made(plant, plant.dtypes[-1])
    assert both.x.dtype == plant.dtypes[-1]
    assert both.y is None or both.labels is None or len(both.labels) == len(both.x)


def test_every_cause_is_planted_and_nothing_else() -> None:
    assert {plant.name for plant in PLANTS} == set(CAUSES)


def test_there_are_500_healthy_sets_and_20_seeds_3_sizes_and_up_to_3_dtypes_a_cause() -> None:
    asked = pd.DataFrame(all_cases(20))
    assert not asked.duplicated().any()
    assert (asked["group"] == "healthy").sum() >= 500
    planted = asked[asked["group"] == "planted"]
    assert (planted.groupby("name")["seed"].nunique() == 20).all()
    assert (planted.groupby("name")[["rows", "columns"]].nunique() == 3).all(axis=None)
    assert set(planted["dtype"]) == {"float32", "float16", "bfloat16"}


def test_a_case_is_the_same_each_time() -> None:
    torch.manual_seed(1)
    for group in cases.GROUPS:
        for plant in cases.GROUPS[group][:2]:
            case = PlantedCase(group, plant.name, 0, 64, 32, "float32", 3)
            first = subject(case).x
            torch.rand(3)
            assert torch.equal(first, subject(case).x)
            assert not torch.equal(first, subject(case._replace(seed=4)).x)


def normal(rows: int, columns: int) -> torch.Tensor:
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_the_mean_cosine_is_that_of_all_pairs() -> None:
    rows = normal(20, 5) + 1
    unit = F.normalize(rows)
    assert mean_cosine(rows) == pytest.approx(float((unit @ unit.T)[~torch.eye(20, dtype=torch.bool)].mean()))
    assert math.isnan(mean_cosine(rows * (torch.arange(20) > 0)[:, None]))


@given(st.integers(2, 40), st.integers(0, 100))
@settings(max_examples=20, deadline=None)
def test_isoscore_is_1_for_a_sphere_0_for_a_line_and_blind_to_an_offset(columns: int, seed: int) -> None:
    sphere = torch.cat([torch.eye(columns), -torch.eye(columns)]).double()
    line = torch.linspace(-1, 1, 50)[:, None].double() * normal(1, columns)
    assert isoscore(sphere + seed) == pytest.approx(1, abs=1e-9)
    assert isoscore(line) == pytest.approx(0, abs=1e-6)


def test_isoscore_has_the_share_of_used_dimensions() -> None:
    """The paper's property: k of D dimensions of equal variance, and none in the others, score (k - 1) / (D - 1)."""
    used = torch.cat([torch.eye(8), -torch.eye(8)]).double()[:, :8]
    assert isoscore(F.pad(used, (0, 24))) == pytest.approx(7 / 31)
    assert math.isnan(isoscore(torch.ones(4, 3)))


def test_a_baseline_looks_at_what_is_compared() -> None:
    x, compared = normal(30, 8), BASELINES["mean cosine of what is compared"]
    assert compared(Subject(x=x, y=-x)) == pytest.approx(-1)
    assert compared(Subject(x=x, y=-x, similarity=lambda x, y: x.new_full((len(x),), 0.25))) == pytest.approx(0.25)
    assert compared(Subject(x=x)) == pytest.approx(mean_cosine(x))


def answer(group: str, name: str, verdict: str, *named: str, flips: bool = True, figure: float = 0.5) -> PlantedResult:
    case = PlantedCase(group, name, 0, 64, 32, "float32", 0)
    baselines = dict.fromkeys(BASELINES, figure)
    return PlantedResult(
        case=case,
        verdict=verdict,
        named=named,
        flips=flips and bool(named),
        baselines=baselines,
        seconds=0.1,
        work_s=0.2,
    )


ANSWERS = [
    answer("planted", "overflow", "cause", "overflow", "dead_units", figure=math.nan),
    answer("planted", "overflow", "cause", "dead_units", "overflow", flips=False),
    answer("planted", "dead_units", "healthy", figure=0.99),
    answer("planted", "dead_units", "unknown", figure=0.99),
    answer("together", "overflow and dead_units", "cause", "dead_units", "wrong_dim", "overflow"),
    answer("together", "overflow and dead_units", "cause", "overflow"),
    answer("healthy", "clusters", "healthy", figure=0.6),
    answer("healthy", "clusters", "unknown", figure=0.1),
    answer("foreign", "clamped", "unknown"),
    answer("foreign", "clamped", "cause", "dead_units"),
    answer("foreign", "clamped", "healthy"),
]


def test_each_goal_counts_what_it_says() -> None:
    first, second, flips, both, alarms, unknown = (goal.measured[:2] for goal in goals(table(ANSWERS)))
    assert (first, second, flips) == ((1, 4), (2, 4), (1, 2))
    assert (both, alarms, unknown) == ((1, 2), (1, 2), (1, 3))


def test_a_goal_is_met_from_its_limit_on() -> None:
    for goal in goals(table(ANSWERS)):
        share_of_one = goal.measured._replace(share=goal.limit)
        assert goal._replace(measured=share_of_one).met
        beyond = share_of_one._replace(share=goal.limit + (0.001 if goal.sign == "≤" else -0.001))
        assert not goal._replace(measured=beyond).met


def test_an_interval_is_clopper_and_pearson() -> None:
    found = share(pd.Series([True] * 500))
    assert (found.share, found.high) == (1, 1)
    assert found.low == pytest.approx(0.025 ** (1 / 500))


def test_baselines_are_judged_by_their_best_threshold() -> None:
    ours, *others = judges(table(ANSWERS), tuple(BASELINES))
    assert (ours.sensitivity, ours.alarms, ours.auc) == (7 / 9, 0.5, pytest.approx((7 / 9 + 0.5) / 2))
    for baseline in others:
        assert baseline.alarms == 0
        assert baseline.threshold == 0.99
        assert baseline.sensitivity == 3 / 9, "two answers at 0.99 and one NaN"
        assert baseline.auc == pytest.approx((3 * 2 + 6 * 1) / 18)


def test_the_confusion_matrix_has_every_cause_and_a_row_of_one_each() -> None:
    shares = confusion(table(ANSWERS))
    assert shares.loc["overflow"].to_dict() == {"overflow": 0.5, "dead_units": 0.5, "healthy": 0, "unknown": 0}
    assert shares.loc["unknown", "unknown"] == pytest.approx(1 / 3)
    assert shares.sum(axis=1).tolist() == pytest.approx([1] * 4)


def diagnosed(asked: Subject) -> Diagnosis:
    """A stand-in diagnosis: common_offset if centring helps."""
    if asked.y is not None:
        raise DiagnosisError("pairs")
    before = mean_cosine(rows_of(asked))
    if not before > 0.94:
        return Diagnosis(verdict="healthy")
    probe = Counterfactual(change="centre", symptom="mean cosine", before=before, after=0.0, flips=True)
    cause = Cause(name="common_offset", confidence=1, evidence={}, counterfactual=probe, remedy="")
    return Diagnosis(verdict="cause", causes=(cause,))


def offset(size: Size, dtype: torch.dtype, generator: torch.Generator) -> Subject:
    return Subject(x=(torch.randn(size.rows, size.columns, generator=generator) + 20).to(dtype))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> list[PlantedCase]:
    """Four plants of one size and a stand-in for the engine, in one process; returns the cases it gets."""
    asked: list[PlantedCase] = []
    pair = Plant("pair", lambda size, dtype, g: Subject(x=torch.ones(4, 2), y=torch.ones(4, 2)), (torch.float32,))
    groups = {
        "planted": (Plant("common_offset", offset), Plant("common_offset", offset, (torch.float32,))),
        "together": (Plant("common_offset and overflow", offset),),
        "healthy": HEALTHY[:1],
        "foreign": (pair,),
    }
    monkeypatch.setattr(cases, "GROUPS", groups)
    monkeypatch.setattr(cases, "SIZES", (SMALL,))
    monkeypatch.setattr(answers, "examine", diagnosed)
    monkeypatch.setattr(experiment, "_pool", lambda: ThreadPoolExecutor(1))
    monkeypatch.setattr(experiment, "ask", lambda case: asked.append(case) or answers.ask(case))
    return asked


def run(folder: Path, *options: str) -> str:
    experiment.main([*options, f"--docs={folder}", f"--json={folder / 'all.jsonl'}"])
    return (folder / "always-one.md").read_text(encoding="utf-8")


def test_the_page_holds_what_was_measured(small: list[PlantedCase], tmp_path: Path) -> None:
    page = run(tmp_path, "--seeds=1")
    assert len(small) == 3 + 1 + 3 + 3 + 1
    cells = [re.sub(r" +", " ", line) for line in page.splitlines()]
    assert "| the planted cause is named first | ≥ 95 % | 100 % (39.8 to 100) | 4 of 4 | yes |" in cells
    assert "| two causes at once are both named | ≥ 80 % | 0 % (0 to 70.8) | 0 of 3 | **no** |" in cells
    assert "| `common_offset` | 4 | 100 % (39.8 to 100) | 100 % (39.8 to 100) | 100 % (39.8 to 100) | |" in cells
    assert "| common_offset and overflow | 3 | 0 % (0 to 70.8) | common_offset 3 |" in cells
    assert "| pair | 1 | 0 % (0 to 97.5) | refused 1 |" in cells
    assert {"## Healthy sets", "## Confusion", "None."} <= set(cells)
    assert (tmp_path / "always-one.png").read_bytes().startswith(b"\x89PNG")


def test_an_experiment_that_was_cut_short_goes_on_and_remarks_stay(small: list[PlantedCase], tmp_path: Path) -> None:
    run(tmp_path, "--seeds=1")
    page, file = tmp_path / "always-one.md", tmp_path / "all.jsonl"
    page.write_text(page.read_text(encoding="utf-8") + "\n## Remarks\n\nAs expected.\n", encoding="utf-8")
    file.write_text(file.read_text(encoding="utf-8") + '{"made_by": "torch', encoding="utf-8")  # cut off by a kill
    assert run(tmp_path, "--seeds=2").endswith("\n## Remarks\n\nAs expected.\n")
    assert len(small) == len(set(small)) == 11 + 4, "only planted causes have a second seed"
    assert [PlantedCase(*json.loads(line)["case"]) for line in file.read_text(encoding="utf-8").splitlines()] == small


def test_a_smaller_experiment_does_not_replace_a_larger_one(small: list[PlantedCase], tmp_path: Path) -> None:
    page = run(tmp_path, "--seeds=2")
    with pytest.raises(SystemExit, match=r"holds an experiment of 2 seeds, which one of 1 would replace; .*--seeds 2"):
        run(tmp_path, "--seeds=1")
    assert (tmp_path / "always-one.md").read_text(encoding="utf-8") == page


def test_answers_of_other_code_are_refused(
    small: list[PlantedCase], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path, "--seeds=1")
    monkeypatch.setattr(kept, "_digest", lambda: "0123")
    with pytest.raises(
        SystemExit, match=r"holds answers of torch .* and code \w+, not .* code 0123; name another file"
    ):
        run(tmp_path, "--seeds=1")


def test_a_diagnosis_that_breaks_names_its_case(small: list[PlantedCase], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(asked: Subject) -> Diagnosis:
        raise ZeroDivisionError

    monkeypatch.setattr(answers, "examine", broken)
    with pytest.raises(ZeroDivisionError) as caught:
        answers.ask(next(all_cases(1)))
    assert "PlantedCase(group='planted', name='common_offset'" in caught.value.__notes__[0]


@pytest.mark.parametrize("seeds", ["0", "-1", "x"])
def test_the_number_of_seeds_must_be_positive(seeds: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        experiment.main([f"--seeds={seeds}"])
    assert f"argument --seeds: {seeds} is no number of seeds; 20 is" in capsys.readouterr().err
