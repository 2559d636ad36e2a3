"""Does the error suite report each contestant's errors, and blame none that is right?"""

import dataclasses
import math
import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mpmath import mp  # type: ignore[import-untyped]  # comes with torch

import implementations
from implementations import Implementation
from results import load_accuracy, load_contracts, load_end, load_known_bugs, load_resolution
from suites.errors.accuracy import accuracy_of
from suites.families import FAMILIES, questions, relations
from suites.grid import GridError, load_grid
from suites.plugin.findings import wrong_lines
from suites.records.finding import Accuracy, Deviation, Key, key
from suites.records.jsonl import from_line, to_line
from suites.records.record import Status
from suites.truth import oracle
from suites.truth.bound import additions, bound
from suites.truth.deviation import Evaluation, deviation
from tests.checkout import Checkout

pytest_plugins = ["pytester"]

BUILTIN = implementations.get("builtin")
Fn = Callable[..., object]


def contestant(fn: Fn, **changes: object) -> Implementation:
    return dataclasses.replace(BUILTIN, **({"name": "theirs", "fn": fn, "baseline": False} | changes))


def exact(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> torch.Tensor:
    return implementations.get("accurate").fn(x, y, dim)


def asked(fn: Fn, family: str = "prescribed", dtype: str = "float32", **changes: object) -> Accuracy:
    return accuracy_of(contestant(fn, **changes), family, dtype, "cpu")


def test_the_parts_of_a_key_are_those_of_its_finding() -> None:
    found = dataclasses.replace(asked(exact), device="a-device", dtype="float32-2", family="a-family")
    assert key(found) == Key("accuracy", "a-device", "float32-2", "a-family", "theirs")
    assert key(found).subject == "a-device-float32-2-a-family"


def test_a_contestant_that_patches_what_judges_gradients_is_wrong_and_the_patch_is_undone() -> None:
    before = relations._distance

    def patches(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> torch.Tensor:
        relations._distance = lambda x, y, found: torch.zeros(len(x), dtype=torch.float64)
        return x.sum(dim) * y.sum(dim)

    try:
        found = asked(patches, "gradients")
        assert (found.status, found.reason) == (Status.WRONG, "replaced suites.families.relations._distance")
        assert relations._distance is before
    finally:
        relations._distance = before


# Verdicts


def test_a_right_one_is_ok_and_uses_a_part_of_its_bound() -> None:
    found = asked(exact)
    assert (found.status, found.reason) == (Status.OK, "")
    assert found.deviation
    assert found.deviation.pairs == 256
    assert found.deviation.output_dtype == "float32"
    assert 0 < found.deviation.error_rms < found.deviation.error_max <= 2.0**-25
    assert 0 < found.deviation.bound_share < 0.1


@pytest.mark.parametrize(
    ("fn", "family", "said"),
    [
        (lambda x, y, dim: exact(x, y).double(), "prescribed", "returned float64, expected float32"),
        (lambda x, y, dim: exact(x, y)[:, None], "prescribed", r"returned the shape \(256, 1\), expected \(256,\)"),
        (lambda x, y, dim: exact(x, y).numpy(), "prescribed", "returned a ndarray, not a torch.Tensor"),
        (lambda x, y, dim: exact(x, y).flip(0), "prescribed", "off by .*, above .*, the most that its stated arith"),
        (lambda x, y, dim: exact(x, y) + 1e-4, "self", "off by 0.0001"),
        (lambda x, y, dim: exact(x, y) / (x[:, 0] > 0), "self", "answers are NaN or infinite"),
        (lambda x, y, dim: exact(x, y).nan_to_num(0.0), "non_finite", "pairs without a cosine have one, such as 0"),
        (lambda x, y, dim: exact(x, y) + (x == 0).all(1), "zeros", "pairs without a cosine have one, such as 1"),
        (lambda x, y, dim: exact(x.bfloat16(), y.bfloat16()), "tf32_canary", "off by 6.1e-05, above 3.05e-05"),
        (lambda x, y, dim: exact(x.mul_(2), y), "self", "changed its inputs"),
    ],
)
def test_a_wrong_one_is_called_wrong_with_the_reason(fn: Fn, family: str, said: str) -> None:
    found = asked(fn, family)
    assert found.status is Status.WRONG
    assert re.search(said, found.reason), found.reason


def test_an_exception_becomes_a_record() -> None:
    def raises(x: torch.Tensor, y: torch.Tensor, dim: int) -> torch.Tensor:
        raise ValueError("no such rows")

    found = asked(raises)
    assert (found.status, found.reason, found.deviation) == (Status.ERROR, "ValueError: no such rows", None)


def test_unsupported_inputs_are_not_tried() -> None:
    assert asked(exact, dtypes=("float64",)).reason == "takes float64 only"
    assert asked(exact, "eps_extremes").reason == "it takes no eps"
    assert asked(BUILTIN.fn, "eps_extremes").status in (Status.OK, Status.WRONG)
    pairwise = implementations.get("matmul")
    assert "compares all pairs of rows" in accuracy_of(pairwise, "broadcast", "float32", "cpu").reason
    angle = implementations.get("angle")
    assert "gives angles" in accuracy_of(angle, "gradients", "float32", "cpu").reason


def test_a_family_that_cannot_exist_in_a_dtype_says_so() -> None:
    found = asked(exact, "mixed_scale", "float16")
    assert found.status is Status.UNSUPPORTED
    assert "'mixed_scale' cannot exist in float16" in found.reason


def test_all_pairs_are_judged_by_their_diagonal_and_angles_as_angles() -> None:
    for name in ("matmul", "angle"):
        found = accuracy_of(implementations.get(name), "prescribed", "float32", "cpu")
        assert (found.status, found.deviation and found.deviation.pairs) == (Status.OK, 256)


def test_all_pairs_in_another_form_are_wrong() -> None:
    assert asked(exact, task="pairwise").reason == "returned the shape (32,)"
    assert asked(lambda x, y: (x @ y.T).tolist(), task="pairwise").reason == "returned a list"


@pytest.mark.parametrize(
    ("name", "family"), [("angle", "prescribed"), ("builtin", "metamorphic"), ("builtin", "gradients")]
)
def test_figures_of_cosines_are_missing_for_other_answers(name: str, family: str) -> None:
    found = accuracy_of(implementations.get(name), family, "float32", "cpu")
    assert found.deviation
    assert (found.deviation.ulp_max, found.deviation.above_one, found.deviation.exactly_one) == (None, None, None)
    assert found.deviation.error_max > 0
    assert from_line(to_line(found)) == found


def test_subnormal_numbers_are_flushed_for_the_contestant_only() -> None:
    seen = []

    def looks(x: torch.Tensor, y: torch.Tensor, dim: int) -> torch.Tensor:
        seen.append(float(torch.tensor(2.0**-140) * 1))
        raise ValueError

    asked(looks, "subnormals_flushed")
    asked(looks, "subnormals")
    assert seen == [0.0, 2.0**-140], "flushing must end, even after an exception"


@pytest.mark.parametrize("family", ["layouts", "subnormals_flushed"])
def test_families_that_compile_anew_can_be_left_out(family: str) -> None:
    spared = accuracy_of(BUILTIN, family, "float32", "cpu", compile_anew=False)
    assert (spared.status, "compile anew" in spared.reason) == (Status.UNSUPPORTED, True)
    assert accuracy_of(BUILTIN, "self", "float32", "cpu", compile_anew=False).deviation


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
@pytest.mark.parametrize("family", FAMILIES)
def test_accurate_is_right_on_every_family_that_it_takes(family: str, dtype: str) -> None:
    found = accuracy_of(implementations.get("accurate"), family, dtype, "cpu")
    assert found.status is Status.OK or (found.status is Status.UNSUPPORTED and found.reason), found.reason


# The numbers


def numbers(values: list[float], truth: list[float], dtype: str = "float32", allowed: float = 1.0) -> Deviation:
    return deviation([Evaluation(np.array(values), np.array(truth), dtype, allowed)])


def test_the_figures_match_their_names() -> None:
    u = 2.0**-24
    found = numbers([1.0, 1 + 4 * u, 0.25 + 3 * u, -0.75], [1.0, 1.0, 0.25, -0.75 + 2 * u], allowed=8 * u)
    assert (found.pairs, found.above_one, found.exactly_one, found.distinct) == (4, 1, 1, 4)
    assert (found.error_max / u, found.ulp_max, found.bound_share) == (4, 4, 0.5)
    assert found.error_rms / u == pytest.approx(math.sqrt(29) / 2)
    assert found.error_p999 / u == pytest.approx(4, abs=0.01)
    assert found.kendall == pytest.approx(0.913, abs=1e-3)


def test_there_is_no_ulp_near_0_and_no_order_of_equal_truths() -> None:
    found = numbers([1e-7, -0.5], [0.0, -0.5])
    assert found.ulp_max is None
    assert numbers([1.0, 1 + 2e-7], [1.0, 1 - 1e-16]).kendall is None


def test_nan_never_matches_nan() -> None:
    found = numbers([math.nan, math.nan, math.inf, 1.0], [math.nan, 1.0, 1.0, 1.0])
    assert (found.pairs, found.nans, found.infs, found.exactly_one, found.error_max) == (3, 2, 1, 1, 0)
    assert found.lost == 2, "lost answers are those whose truth is a number"


def test_the_unit_is_that_of_the_answers() -> None:
    assert numbers([1 - 2.0**-8], [1.0], "bfloat16").ulp_max == 1


def test_the_stated_bound_follows_the_arithmetic() -> None:
    def of(dtype: str = "float32", output: str = "", **stated: object) -> float:
        return bound(contestant(exact, **stated), 512, dtype, output or dtype) * 2.0**24

    assert of(roundings=2, dot="cascade", norm="cascade") == 2.5 + 4 + 32 + 32
    assert of(roundings=2, work="float64") == pytest.approx(0.5, rel=1e-5)
    assert of("bfloat16", roundings=5) == pytest.approx(5.5 * 2**16, rel=0.02)
    assert of("bfloat16", "float32", roundings=5, work="float32") == of(roundings=5)
    assert of("bfloat16", roundings=300) == 2**23, "the bound must not exceed half of the range"


@pytest.mark.parametrize("way", ["cascade", "lanes"])
def test_no_chain_is_longer_than_one_by_one(way: str) -> None:
    lengths = [1 << k for k in range(4, 25)]
    chains = [additions(way, length, "float32") for length in lengths]
    assert all(chain <= length + 4 for chain, length in zip(chains, lengths, strict=True))
    assert chains == sorted(chains)


# The truth


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
@pytest.mark.parametrize("family", ["prescribed", "ill_conditioned", "near", "scaled"])
def test_the_error_is_known_to_three_digits(family: str, dtype: str) -> None:
    if dtype == "float64" and np.finfo(np.longdouble).nmant < 63:
        pytest.skip("long double is no wider than double on this machine")
    question = questions(family, dtype)[0]
    x, y = question.x[::23], question.y[::23]  # a sample that includes the hardest
    answers = F.cosine_similarity(x, y, dim=-1).double().numpy()
    truth = oracle.true_answers("paired", x, y, -1)
    with mp.workprec(200):
        for row, (answer, known) in enumerate(zip(answers, truth, strict=True)):
            a, b = ([mp.mpf(v) for v in t[row].double().tolist()] for t in (x, y))
            right = mp.fdot(a, b) / mp.sqrt(mp.fdot(a, a) * mp.fdot(b, b))
            error, seen = mp.convert(answer) - right, mp.convert(answer) - mp.convert(known)
            least = 2.0**-53 / 250 if dtype == "float64" else 1e-15
            assert abs(seen - error) <= max(abs(error) / 1000, least)


# In a run


GRID = """
seconds = 0.001
families = ["zeros", "self", "non_finite"]
[[cases]]
task = "paired"
shapes = [[8, 64]]
dtypes = ["float16"]
"""


@pytest.fixture
def checkout(checkout: Checkout) -> Checkout:
    (checkout.root / "tiny.toml").write_text(GRID)
    return checkout


def test_a_run_holds_what_was_found_and_goes_on_where_it_ended(checkout: Checkout) -> None:
    first = checkout.bench("--benchmark-save=e", "-k", "test_paired or test_accuracy and self or test_contract")
    first.stdout.fnmatch_lines(["run e: 2 records and 4 findings saved; *"])
    whole = checkout.bench("--benchmark-save=e2", implementations="builtin,accurate")
    outcomes = whole.parseoutcomes()
    assert not outcomes.get("failed")
    assert outcomes["passed"] >= 2 + 6 + 2 + 2
    path = str(checkout.file("e2"))
    accuracy = load_accuracy(path)
    assert list(accuracy["family"].unique()) == ["self", "zeros", "non_finite"], "findings keep the table's order"
    nans = accuracy.set_index(["implementation", "family"])["nans"]
    assert (nans["builtin", "zeros"] > 0, nans["accurate", "zeros"]) == (True, 0)
    assert (accuracy["error_max_own"] * 2.0**13 == accuracy["error_max_u"])[accuracy["output_dtype"] == "float16"].all()
    contracts = load_contracts(path).set_index(["implementation", "question"])["answer"]
    assert (contracts["builtin", "zero row"], contracts["accurate", "zero row"]) == ("NaN", "0")
    assert set(load_resolution(path)["implementation"]) == {"builtin", "accurate"}
    assert load_known_bugs(path).empty, "chosen implementations leave them out"
    assert load_end(path)


def test_what_is_wrong_on_inputs_made_to_hurt_does_not_fail_the_run(checkout: Checkout) -> None:
    (checkout.root / "tiny.toml").write_text(GRID.replace("float16", "float32").replace("zeros", "exponents"))
    result = checkout.bench("-k", "test_accuracy", implementations="builtin")
    result.assert_outcomes(passed=2, xfailed=1, deselected=result.parseoutcomes()["deselected"])
    assert result.ret == 0
    result.stdout.fnmatch_lines(["xfailed: wrong on hard inputs, *", "  builtin: exponents", "*1 xfailed*"])


def test_the_families_behind_the_count_of_xfailed_are_named_the_most_first() -> None:
    def finding(name: str, family: str, status: Status = Status.WRONG) -> Accuracy:
        place = {"task": "paired", "dtype": "float32", "device": "cpu"}
        return Accuracy(implementation=name, baseline=False, family=family, status=status, **place)

    assert wrong_lines([finding("right", "self", Status.OK), finding("not_asked", "self", Status.UNSUPPORTED)]) == []
    few = [finding("one", "zeros"), finding("two", "near"), finding("two", "zeros"), finding("two", "near")]
    assert wrong_lines(few)[1:] == ["  two: near, zeros", "  one: zeros"]
    many = [finding(f"number_{number}", family) for number in range(9) for family in FAMILIES]
    lines = wrong_lines(many)
    assert len(lines) == 8
    assert lines[1] == "  number_0: prescribed, self, scaled, negated, near, planar and 26 more"
    assert lines[-1] == "  and 3 more implementations; `python -m reports` names all"


def test_a_grid_without_families_has_no_error_suite(checkout: Checkout) -> None:
    (checkout.root / "tiny.toml").write_text(GRID.replace("families", "# families"))
    result = checkout.run("suites", "--grid=tiny.toml", "--collect-only", "-q", "--implementations=builtin")
    assert "test_errors" not in result.stdout.str()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('families = ["selv"]', "unknown family 'selv'; did you mean 'self'"),
        ("families = 3", 'families is 3; it has to be "all" or a list'),
        ('compile_anew = "no"', "compile_anew is 'no'; it has to be true or false"),
    ],
)
def test_a_grid_says_what_is_wrong_with_its_error_suite(pytester: pytest.Pytester, line: str, said: str) -> None:
    path = pytester.path / "bad.toml"
    path.write_text(GRID.replace('families = ["zeros", "self", "non_finite"]', line))
    with pytest.raises(GridError, match=said.replace("[", r"\[")):
        load_grid(str(path))
