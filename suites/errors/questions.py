"""The questions that reveal an implementation's contract, and the words for its answers."""

import re
from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt
import torch

from suites.errors.black_box import LENGTH, BlackBox, Values, answers, decades, values
from suites.failure import contestant
from suites.families.arithmetic import mode_used
from suites.records.case import ALL_PAIRS
from suites.records.record import UNIT_ROUNDOFF as U
from suites.truth import oracle
from suites.truth.checks import name_of

_SELF_PAIRS = 2048
_EPS = (1e-12, 1e-8)  # of F.normalize and of F.cosine_similarity: between them the two differ
_ROUGHLY = 2**-5  # 8 u of bfloat16: the tolerance for other shapes and dtypes
_NO_MATTER = "does not apply"

Ask = Callable[[BlackBox], str]
Pair = tuple[torch.Tensor, torch.Tensor]


def _changed(change: Callable[[torch.Tensor, torch.Tensor], object], box: BlackBox) -> str:
    """The answer for a batch of equal pairs with the cosine 1/2, changed in place."""
    x, y = _halves(box)
    change(x, y)
    return _word(box.ask(x, y))


def _gradient_at_zero(box: BlackBox) -> str:
    """The norm of d(cosine)/dx for x = 0 and a row y of norm 1."""
    x, y = map(box.rounded, _halves(box))
    x = x.zero_().requires_grad_()
    with torch.enable_grad():
        cosines = answers(box.entry, x, y)
        if not cosines.requires_grad:
            return "no gradient"
        with contestant():
            (gradient,) = torch.autograd.grad(cosines.sum(), x)
    return _word(np.linalg.norm(values(gradient), axis=1), digits=3)


def _small_norms(box: BlackBox) -> str:
    """The answer for rows of small norms with a row of norm 1: the largest power of ten with a wrong answer."""
    norms = decades(box.dtype)
    norms = norms[(norms >= _EPS[0]) & (norms <= _EPS[1])][::-1]
    if not norms.size:
        return f"not in {box.dtype}"
    share = box.kept(norms, 1.0)
    off = _off(share, box)
    if not off.size:
        return "kept"
    how = "shrunk" if share[-1] < 1 else "off"
    where = f"{how} below {_power(norms[off[0] - 1])}" if off[0] else f"all {how}"
    return f"{where}, to {_word(share[-1:], digits=3)} at {_power(norms[-1])}"


def _range(box: BlackBox, *, up: bool) -> str:
    """How far from 1 the norm of both rows may go with a right answer, in powers of ten."""
    norms = decades(box.dtype)
    norms = norms[norms >= 1] if up else norms[norms <= 1][::-1]
    off = _off(box.kept(norms, norms), box)
    if not off.size:
        return "all"
    return f"{'to' if up else 'from'} {_power(norms[off[0] - 1])}" if off[0] else "none"


def _off(share: Values, box: BlackBox) -> npt.NDArray[np.intp]:
    """Where the share is not 1."""
    return np.flatnonzero(~(np.abs(share - 1) <= box.tolerance))


def _above_one(box: BlackBox) -> str:
    """How many random rows have a similarity above 1 with themselves, and the largest excess in units of 2^-24."""
    x = torch.randn(_SELF_PAIRS, LENGTH, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    excess = (box.ask(x, x) - 1) / U
    if not (excess > 0).any():
        return "never"
    figures = 100 * float((excess > 0).mean()), float(np.nanmax(excess))
    share, most = (f"{v:.0f}" if v >= 1 else _short(f"{v:.2g}") for v in figures)
    return f"{share} %, by up to {most} u"


def _arithmetic(box: BlackBox) -> str:
    """Whether float32 inputs are computed in TF32 or bfloat16: the arithmetic used, not the one that is set."""
    if box.dtype != "float32":
        return _NO_MATTER
    return mode_used(lambda x, y: torch.diag(torch.from_numpy(box.ask(x, y))), box.device)


def _result_dtype(box: BlackBox) -> str:
    return name_of(answers(box.entry, *map(box.rounded, _halves(box))).dtype)


def _inputs(box: BlackBox) -> str:
    given = tuple(box.rounded(3 * t) for t in _halves(box))
    before = tuple(t.clone() for t in given)
    answers(box.entry, *given)
    changed = [name for name, a, b in zip("xy", given, before, strict=True) if not torch.equal(a, b)]
    return f"changes {' and '.join(changed)}" if changed else "untouched"


def _typed(first: torch.dtype, second: torch.dtype, box: BlackBox) -> str:
    """The answer for elements of 50 and 100, whose squares int8 cannot hold."""
    x, y = (100 * t for t in _halves(box))
    got = answers(box.entry, x.to(first).to(box.device), y.to(second).to(box.device))
    return f"{name_of(got.dtype)}, {_judged(got, 0.5)}"


def _broadcast(make: Callable[[], Pair], box: BlackBox) -> str:
    if box.entry.task in ALL_PAIRS:
        return _NO_MATTER
    x, y = map(box.rounded, make())
    return _judged(answers(box.entry, x, y), oracle.true_answers("paired", x, y, -1))


def _one_element(box: BlackBox) -> str:
    x, y = (box.rounded(torch.tensor(t)[:, None]) for t in ([3.0, 3.0], [2.0, -2.0]))
    return _judged(answers(box.entry, x, y), np.array([1.0, -1.0])).replace("right", "±1")


def _empty(n: int, d: int, box: BlackBox) -> str:
    x, y = box.rounded(torch.zeros(2, n, d))
    return _word(values(answers(box.entry, x, y)))


def _halves(box: BlackBox) -> Pair:
    x, y = torch.zeros(2, box.batch, LENGTH, dtype=torch.float64)
    x[:, 0], y[:, :4] = 1.0, 0.5
    return x, y


def _judged(got: torch.Tensor, truth: oracle.Truth | float) -> str:
    close = np.abs(values(got) - truth) <= _ROUGHLY
    return "right" if close.all() else _word(values(got))


def _word(seen: Values, digits: int = 5) -> str:
    """One number, or the range of several, with NaN as the largest."""
    distinct = np.unique(seen + 0.0)  # no -0
    if not distinct.size:
        return "empty"
    return " to ".join(dict.fromkeys(_short(f"{v:.{digits}g}") for v in (distinct[0], distinct[-1])))


def _power(norm: float) -> str:
    return _short(f"{norm:.0e}")


def _short(number: str) -> str:
    """Shortens 1e+08 to 1e8."""
    return re.sub(r"e\+?(-?)0*", r"e\1", number).replace("nan", "NaN")


OF_ROWS: dict[str, Ask] = {
    "zero row": partial(_changed, lambda x, y: x.zero_()),
    "two zero rows": partial(_changed, lambda x, y: (x.zero_(), y.zero_())),
    "gradient at a zero row": _gradient_at_zero,
    "norms 1e-12 to 1e-8": _small_norms,
    "tiny norms": partial(_range, up=False),
    "huge norms": partial(_range, up=True),
    "NaN": partial(_changed, lambda x, y: x[:, 1].fill_(torch.nan)),
    "infinity": partial(_changed, lambda x, y: x[:, 0].fill_(torch.inf)),
    "above 1": _above_one,
    "arithmetic": _arithmetic,
    "result": _result_dtype,
    "inputs": _inputs,
}
OF_FORM: dict[str, Ask] = {
    "int64": partial(_typed, torch.int64, torch.int64),
    "int8": partial(_typed, torch.int8, torch.int8),
    "float16 with float32": partial(_typed, torch.float16, torch.float32),
    "[2, 3] with [1, 1]": partial(_broadcast, lambda: (torch.ones(2, 3), torch.ones(1, 1))),
    "[N, 1, D] with [1, M, D]": partial(_broadcast, lambda: (torch.eye(4, 8)[:, None], torch.eye(4, 8)[None, :3] + 1)),
    "one element": _one_element,
    "no elements": partial(_empty, 4, 0),
    "no rows": partial(_empty, 0, LENGTH),
}
