"""Who takes part against which baseline, and what a question about a few implementations does not measure."""

import re
from collections.abc import Callable
from typing import cast

import pytest

from implementations import registry
from suites.contestants import PlanError
from suites.examiner import Examination
from suites.grid import GridError
from suites.plan import Plan
from suites.records.budget import BudgetError
from suites.records.finding import Finding
from suites.survey import Survey


def planned(**options: str) -> Plan:
    return Plan.of(**({"grid": "smoke", "device": "cpu"} | options))  # type: ignore[arg-type]


def baselines(plan: Plan) -> set[str]:
    return {entry.name for entry in plan.implementations if entry.baseline}


def test_each_contract_has_its_built_in_as_baseline() -> None:
    assert {"builtin", "broadcast", "acos_builtin"} <= baselines(planned())


def test_another_baseline_takes_the_place_of_the_built_in_of_its_contract() -> None:
    plan = planned(baseline="norm_divide")
    assert {"norm_divide", "broadcast", "acos_builtin"} <= baselines(plan)
    assert "builtin" not in baselines(plan)
    assert plan.contestant("norm_divide").baseline
    assert not plan.contestant("builtin").baseline
    assert registry.get("builtin").baseline, "the registry stays as it is"


def test_the_baseline_is_added_and_only_cases_of_the_chosen_are_measured() -> None:
    plan = planned(implementations="normalize", baseline="norm_divide")
    assert [entry.name for entry in plan.implementations] == ["norm_divide", "normalize"]
    assert {case.task for case in plan.cases} == {"paired", "feature_maps"}
    assert plan.left_out["pairwise"] == plan.left_out["angle"] == "none of the implementations solves it"


@pytest.mark.parametrize("options", [{"implementations": "builtin"}, {"baseline": "norm_divide"}])
def test_known_bugs_are_no_part_of_a_question_about_implementations(options: dict[str, str]) -> None:
    plan = planned(**options)
    assert plan.left_out["known_bugs"] == "they are torch's, not part of the question"
    never = cast(Callable[[Examination], Finding], None)
    survey = Survey(plan, done=[], make=never, looking=lambda _: None, found=lambda _: None)
    assert survey.asked("known_bugs") == []
    assert survey.asked("accuracy")
    assert "known_bugs" not in planned().left_out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"baseline": "norm_divde"}, "--baseline: unknown implementation 'norm_divde'; did you mean 'norm_divide'?"),
        (
            {"implementations": "normalize", "baseline": "matmul"},
            "--baseline: 'matmul' has the contract 'pairwise', and the contestants of the grid 'smoke' have paired; "
            "choose one of ",
        ),
    ],
)
def test_a_baseline_that_no_case_can_have_is_refused(options: dict[str, str], message: str) -> None:
    with pytest.raises(PlanError, match=re.escape(message)):
        planned(**options)


def test_an_absent_baseline_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    registry.load()
    monkeypatch.setitem(registry._absent, "made_up", "the package 'made_up' is not installed")
    with pytest.raises(PlanError, match="--baseline: implementation 'made_up' is absent: the package 'made_up' is not"):
        planned(baseline="made_up")


def test_a_budget_is_read_before_anything_is_measured() -> None:
    assert planned(error_budget="float32=16u").error_budget == {"float32": 2.0**-20}
    with pytest.raises(BudgetError, match="did you mean 16u"):
        planned(error_budget="16")
    with pytest.raises(GridError):
        planned(grid="smok", error_budget="1e-3")
