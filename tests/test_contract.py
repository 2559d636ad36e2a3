"""Is a contract derived from answers alone, including answers where a cosine is undefined?"""

import logging
import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from implementations import Implementation, registry
from suites.errors.black_box import BlackBox, answers
from suites.errors.contract import QUESTIONS, contract_of
from suites.errors.eps import Eps, eps_of
from suites.records.finding import Contract
from suites.records.record import Status
from tests import compilers
from tests.questions import asked, made_up

pytestmark = pytest.mark.usefixtures("one_thread")
Fn = Callable[..., object]
NARROW = {"dtypes": ("bfloat16",)}
SMALL = "norms 1e-12 to 1e-8"
SHIPPED = [
    entry
    for entry in map(registry.get, registry.names())
    if entry.task != "angle" and not entry.name.startswith("compiled")  # compiling takes seconds per shape
]


def told(fn: Fn, dtype: str = "float32", **fields: object) -> Contract:
    contract = contract_of(made_up(fn, **fields), dtype, "cpu")
    assert contract.status is Status.OK, contract.reason
    return contract


def norms(x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return x.norm(dim=-1), y.norm(dim=-1)


def divided(denominator: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> Fn:
    """x·y divided by a function of both norms."""
    return lambda x, y, dim=-1: (x * y).sum(dim) / denominator(*norms(x, y))


def each(norm: Callable[[torch.Tensor], torch.Tensor]) -> Fn:
    """x·y divided by the product of a function of each norm."""
    return divided(lambda a, b: norm(a) * norm(b))


def with_eps(rule: str, eps: float) -> Fn:
    return {
        "per norm, maximum": each(lambda a: a.clamp_min(eps)),
        "per norm, added": each(lambda a: a + eps),
        "per norm, added to squares": each(lambda a: (a * a + eps * eps).sqrt()),
        "of the product, maximum": divided(lambda a, b: (a * b).clamp_min(eps)),
        "of the product, added": divided(lambda a, b: a * b + eps),
        "of the product, added to squares": divided(lambda a, b: ((a * b) ** 2 + eps * eps).sqrt()),
        "0 below": lambda x, y, dim=-1: torch.where(norms(x, y)[0] < eps, 0, plain(x, y)),
        "not divided below": each(lambda a: torch.where(a < eps, 1, a)),
    }[rule]


plain = divided(lambda a, b: a * b)
RULES = ("maximum", "added", "added to squares")


@pytest.mark.parametrize("rule", [f"{of}, {how}" for of in ("per norm", "of the product") for how in RULES])
@given(exponent=st.floats(-60, -3))
@settings(max_examples=10, deadline=None, derandomize=True)
def test_every_eps_rule_is_found_with_its_norm(rule: str, exponent: float) -> None:
    found = eps_of(made_up(with_eps(rule, 10**exponent)), "cpu")
    assert found.rule == rule
    assert found.norm == pytest.approx(10**exponent, rel=0.01)


@pytest.mark.parametrize("rule", ["0 below", "not divided below"])
def test_a_rule_with_a_jump_is_found_to_a_power_of_ten(rule: str) -> None:
    assert eps_of(made_up(with_eps(rule, 0.99e-8)), "cpu") == Eps(rule, 1e-8)


def in_float32(fn: Fn) -> Fn:
    return lambda x, y, dim=-1: fn(x.float(), y.float()).to(x.dtype)  # type: ignore[attr-defined]


def refuses_float64(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> object:
    if x.dtype == torch.float64:
        raise TypeError("no float64")
    return with_eps("per norm, added", 1e-6)(x, y)


def raises(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> object:
    raise ValueError("no")


@pytest.mark.parametrize(
    ("fn", "takes", "expected"),
    [
        (plain, {}, Eps("none", 0)),
        (in_float32(plain), {}, Eps("none", 0)),  # squares below 1e-45 are 0: underflow, not an eps
        (in_float32(each(lambda a: torch.where(a == 0, 1, a))), {}, Eps("none", 0)),
        (lambda x, y, dim: plain(x, y).nan_to_num(0), {}, Eps("none", 0)),  # type: ignore[attr-defined]
        (in_float32(with_eps("per norm, maximum", 1e-8)), {}, Eps("per norm, maximum", 1e-8)),
        (with_eps("per norm, maximum", 1e-12), NARROW, Eps("per norm, maximum", 1e-12)),
        (in_float32(with_eps("per norm, added", 1e-6)), NARROW, Eps("per norm, added", 1e-6)),
        (refuses_float64, {}, Eps("per norm, added", 1e-6)),
        (each(lambda a: (a * a).clamp_min(1e-12).sqrt()), {}, Eps("per norm, maximum", 1e-6)),
        (lambda x, y, dim: with_eps("per norm, maximum", 1e-8)(x, y).clamp(-1, 1), {}, Eps("per norm, maximum", 1e-8)),  # type: ignore[attr-defined]
        (with_eps("per norm, maximum", 10), {}, Eps("", 0)),
        (raises, {}, Eps("", 0)),
    ],
)
def test_the_eps_rule_is_found_in_any_surrounding_code(fn: Fn, takes: dict[str, object], expected: Eps) -> None:
    assert eps_of(made_up(fn, **takes), "cpu") == expected


def all_pairs_in_vain(x: torch.Tensor, y: torch.Tensor) -> object:
    return plain(x, y)


def refusing(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> object:
    if not (x.is_floating_point() and (x * x).sum(-1).all()):
        raise ArithmeticError("a row of zeros")
    return plain(x, y)


def in_place(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> object:
    y /= y.norm(dim=-1, keepdim=True)
    return plain(x, y)


def clamped(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> object:
    return torch.fmax(torch.fmin(plain(x, y), torch.ones(())), -torch.ones(()))  # type: ignore[arg-type]


def detached(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> object:
    return plain(x.detach(), y.detach()).nan_to_num(1)  # type: ignore[attr-defined]


def attached(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> object:
    with torch.enable_grad():
        return plain(x, y) * torch.ones((), dtype=x.dtype, requires_grad=True)  # type: ignore[operator]


def gradient_in_three_digits(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> object:
    return each(lambda a: a + 1 / 1234)(x, y)


def keeps_the_dimension(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> object:
    result = plain(x, y)
    return result if len(x) > 4 else [result]


@pytest.mark.parametrize(
    ("fn", "expected"),
    [
        (plain, {"zero row": "NaN", "two zero rows": "NaN", "gradient at a zero row": "NaN", "NaN": "NaN"}),
        (plain, {"infinity": "NaN", SMALL: "kept", "huge norms": "to 1e19", "tiny norms": "from 1e-19"}),
        (plain, {"[2, 3] with [1, 1]": "1.7321", "[N, 1, D] with [1, M, D]": "right", "one element": "±1"}),
        (plain, {"no elements": "NaN", "no rows": "empty", "inputs": "untouched", "result": "float32"}),
        (plain, {"int64": "RuntimeError", "int8": "RuntimeError", "float16 with float32": "float32, right"}),
        (with_eps("per norm, maximum", 1e-8), {"zero row": "0", "two zero rows": "0"}),
        (with_eps("per norm, maximum", 1e-8), {"tiny norms": "from 1e-8", "gradient at a zero row": "1e8"}),
        (with_eps("per norm, maximum", 1e-8), {SMALL: "shrunk below 1e-8, to 0.0001 at 1e-12"}),
        (with_eps("per norm, maximum", 1e-12), {SMALL: "kept"}),
        (with_eps("of the product, maximum", 3e-12), {SMALL: "shrunk below 1e-11, to 0.333 at 1e-12"}),
        (with_eps("0 below", 0.5e-10), {SMALL: "shrunk below 1e-10, to 0 at 1e-12"}),
        (lambda x, y, dim: plain(x, y) / (norms(x, y)[0] > 0.5e-9), {SMALL: "off below 1e-9, to inf at 1e-12"}),  # type: ignore[operator]
        (with_eps("of the product, maximum", 1e-8), {"tiny norms": "from 1e-4"}),
        (with_eps("per norm, added", 1e-6), {SMALL: "all shrunk, to 1e-6 at 1e-12", "zero row": "0"}),
        (gradient_in_three_digits, {"gradient at a zero row": "1.23e3"}),
        (refusing, {"zero row": "ArithmeticError", "two zero rows": "ArithmeticError", "int8": "ArithmeticError"}),
        (refusing, {"gradient at a zero row": "ArithmeticError", "no elements": "ArithmeticError"}),
        (detached, {"zero row": "1", "two zero rows": "1", "gradient at a zero row": "no gradient", "NaN": "1"}),
        (attached, {"zero row": "NaN", "one element": "±1"}),
        (clamped, {"NaN": "1", "above 1": "never"}),
        (in_place, {"inputs": "changes y", "gradient at a zero row": "NaN"}),
        (keeps_the_dimension, {"no elements": "returned a list", "[2, 3] with [1, 1]": "returned a list"}),
        (lambda x, y, dim: plain(x.double(), y.double()).float(), {"tiny norms": "all", "huge norms": "all"}),  # type: ignore[attr-defined]
        (lambda x, y, dim: plain(x.float(), y.float()), {"int8": "float32, right", "int64": "float32, right"}),
        (plain, {"arithmetic": "float32"}),
        (lambda x, y, dim: plain(x.bfloat16().float(), y.bfloat16().float()), {"arithmetic": "bf16"}),
    ],
)
def test_answers_describe_the_behaviour(fn: Fn, expected: dict[str, str]) -> None:
    answers = told(fn).answers
    assert {name: answers[name] for name in expected} == expected


def test_int8_that_overflows_is_wrong() -> None:
    wraps = told(lambda x, y, dim: (x * y).sum(dim) / ((x * x).sum(dim) * (y * y).sum(dim)).sqrt())
    assert wraps.answers["int8"] == "float32, NaN"


def test_what_is_above_one_is_counted_in_units_of_2_to_the_minus_24() -> None:
    exact: Fn = lambda x, y, dim: plain(x.double(), y.double()).float().clamp(-1, 1)  # type: ignore[attr-defined]  # noqa: E731
    low = 2**-23  # the float32 next to 1
    assert told(lambda x, y, dim: exact(x, y, dim) * (1 + 2 * low)).answers["above 1"] == "100 %, by up to 4 u"  # type: ignore[operator]
    share, excess = re.fullmatch(r"(\d+) %, by up to (\d+) u", told(plain).answers["above 1"]).groups()  # type: ignore[union-attr]
    assert 10 < int(share) < 50
    assert 1 < int(excess) < 32


def test_a_narrow_dtype_says_which_norms_it_does_not_have() -> None:
    half = told(plain, "float16").answers
    assert half[SMALL] == "not in float16"
    assert half["result"] == "float16"
    assert half["tiny norms"] in ("from 1e-2", "from 1e-3")  # squares below 6e-8 are 0
    assert told(lambda x, y, dim: plain(x.float(), y.float()), "float16").answers["result"] == "float32"


def test_all_pairs_have_the_same_questions() -> None:
    pairs = told(lambda x, y: plain(x[:, None], y[None]), task="pairwise")
    alone = told(plain)
    assert (pairs.eps_rule, pairs.eps) == (alone.eps_rule, alone.eps)
    differ = {name for name in QUESTIONS if pairs.answers[name] != alone.answers[name]}
    assert differ <= {"[2, 3] with [1, 1]", "[N, 1, D] with [1, M, D]", "above 1"}
    assert pairs.answers["[2, 3] with [1, 1]"] == "does not apply"


@pytest.mark.parametrize(
    ("fn", "fields", "status", "reason"),
    [
        (raises, {}, Status.ERROR, "ValueError: no"),
        (plain, {"task": "angle"}, Status.UNSUPPORTED, "its answers are angles"),
        (plain, NARROW, Status.UNSUPPORTED, "takes bfloat16 only"),
        (lambda x, y, dim: plain(x, y).double(), {}, Status.WRONG, "returned float64, expected float32"),  # type: ignore[attr-defined]
        (lambda x, y, dim: plain(x, y)[:, None], {}, Status.WRONG, "returned the shape"),  # type: ignore[index]
        (lambda x, y, dim: plain(x, -y), {}, Status.WRONG, r"off by up to 1\.8\d* on ordinary rows"),
        (lambda x, y, dim: plain(x, y) / 0, {}, Status.WRONG, "256 of 256 results are NaN or infinite"),  # type: ignore[operator]
        (all_pairs_in_vain, {"task": "pairwise"}, Status.WRONG, r"returned the shape \(32,\)"),
    ],
)
def test_wrong_answers_to_ordinary_rows_end_the_questions(
    fn: Fn, fields: dict[str, object], status: Status, reason: str
) -> None:
    contract = contract_of(made_up(fn, **fields), "float32", "cpu")
    assert (contract.status, contract.answers, contract.eps_rule) == (status, {}, "")
    assert re.search(reason, contract.reason)


def test_every_implementation_has_the_same_questions_in_order() -> None:
    calls: list[tuple[int, ...]] = []

    def counted(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> object:
        calls.append((*x.shape, *y.shape))
        return plain(x, y)

    once = contract_of(made_up(counted), "float32", "cpu", structural=False)
    assert set(calls) == {(256, 512, 256, 512)}  # one shape: compiled forms take seconds for each
    full = contract_of(made_up(counted), "float32", "cpu")
    assert tuple(once.answers) == tuple(full.answers) == QUESTIONS
    assert [n for n in QUESTIONS if once.answers[n] == "not asked"] == list(QUESTIONS[-8:])
    assert all(once.answers[name] == full.answers[name] for name in QUESTIONS[:-8])
    assert all(0 < len(answer) < 40 for answer in full.answers.values())


@pytest.mark.parametrize("entry", SHIPPED, ids=lambda entry: entry.name)
def test_a_shipped_implementation_does_what_its_docstring_says(entry: Implementation) -> None:
    stated = " ".join((entry.fn.__doc__ or "").split())
    wide, half = (contract_of(entry, d, "cpu", structural=False) for d in (entry.dtypes[-1], "float16"))
    if eps := re.search(r"Each norm is clamped at (\S+?)[:,]", stated):
        assert (wide.eps_rule, wide.eps) == ("per norm, maximum", float(eps[1]))
    if re.search(r"[Nn]o eps", stated):
        assert (wide.eps_rule, wide.eps) == ("none", 0)
    if zero := re.search(r"[Aa] zero row gives (NaN|\d)", stated):
        assert wide.answers["zero row"] == zero[1]
    if two := re.search(r"two of them give (\d)", stated):
        assert wide.answers["two zero rows"] == two[1]
    if half.status is Status.OK and zero:
        assert half.answers["zero row"] == ("NaN" if re.search(r"NaN in float16", stated) else zero[1])
    assert zero, f"the docstring of {entry.name} does not give the answer for a zero row"


UPCAST = [entry for entry in map(registry.get, registry.names()) if entry.name.endswith("upcast")]


@pytest.mark.parametrize("entry", UPCAST, ids=lambda entry: entry.name)
def test_an_upcast_implementation_says_what_it_gives_where_squares_overflow(
    entry: Implementation, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "compiled" in entry.fn.__globals__:
        monkeypatch.setitem(entry.fn.__globals__, "compiled", compilers.eager)
    stated = " ".join((entry.fn.__doc__ or "").split())
    overflow = re.search(r"A bfloat16 row with a norm above (\S+), whose squares overflow fp32, gives (.*?)\.", stated)
    assert overflow, f"the docstring of {entry.name} does not give the answer for squares that overflow"
    assert float(overflow[1]) == pytest.approx(torch.finfo(torch.float32).max ** 0.5, rel=0.03)
    box = BlackBox(entry, "bfloat16", "cpu")
    assert box.kept(1e19, 1e19) == pytest.approx(1, rel=0.02)
    seen = {*box.kept([1e20, 1e20], [1e20, 1]).astype(str)}
    assert seen == {*overflow[2].lower().replace("0", "0.0").split(" or ")}
    (huge,) = asked("exponents", "bfloat16")
    over = torch.maximum(huge.x.double().norm(dim=-1), huge.y.double().norm(dim=-1)) > 1.9e19
    lost = answers(entry, huge.x, huge.y)[over].double()
    assert over.any()
    assert (lost.isnan() | (lost == 0)).all()


def test_warnings_and_logs_of_a_contestant_are_silenced(
    caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    def loud(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> object:
        np.log(np.zeros(1))
        logging.getLogger("loud").error("a refusal")
        return plain(x, y)

    told(loud)
    assert not caplog.records
    assert not recwarn.list
