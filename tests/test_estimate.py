"""Is the time of a run planned before it starts?"""

from suites.plan import Plan
from suites.plugin.costs import Costs, compiles
from suites.plugin.estimate import planned_s
from suites.records.case import Case
from suites.records.finding import Key

CASE = Case(task="paired", shape=(64, 384), dtype="float32", device="cpu")


def test_a_plan_takes_its_budget_for_each_contestant_and_the_control_and_seconds_for_a_compiled_one() -> None:
    plan = Plan.of(grid="smoke", device="cpu", seconds="10")
    two, three, compiled = (
        planned_s(plan, {CASE: names}, [])
        for names in (("builtin", "normalize"), ("builtin", "normalize", "vecdot"), ("builtin", "compiled_dot"))
    )
    assert 30 < two < 31
    assert 10 < three - two < 11
    assert 2 < compiled - two < 6


def test_findings_count_too() -> None:
    plan = Plan.of(grid="smoke", device="cpu")
    asked = [Key("accuracy", "cpu", "float32", "zeros", "builtin"), Key("contract", "cpu", "float32", "", "builtin")]
    assert 0 < planned_s(plan, {}, asked[:1]) < planned_s(plan, {}, asked) < 1
    assert planned_s(plan, {}, []) == 0


def test_what_compiles_is_seen_in_its_file() -> None:
    plan = Plan.of(grid="smoke", device="cpu")
    assert {entry.name for entry in plan.implementations if compiles(entry.fn)} == set(Costs.of(plan).compiled)
    assert {"compiled_dot", "compiled_normalize_dynamic"} <= set(Costs.of(plan).compiled)
    assert "builtin" not in Costs.of(plan).compiled


def test_large_cases_take_longer_than_their_budget() -> None:
    costs = Costs(seconds=0.01)
    large_case = Case(task="paired", shape=(65536, 4096), dtype="float32", device="cpu")
    small, large = (sum(stage.seconds for stage in costs.case(case, "ab")) for case in (CASE, large_case))
    assert small < 1
    assert large > 20
