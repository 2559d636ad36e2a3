"""Which known mistake gives a wrong result: found by computing what each mistake returns, never by guessing.

A result is "1 - cosine" if it is 1 - cosine in every pair. Squares overflow if the wrong pairs are those whose sums of
squares are beyond the dtype, and no others.
"""

import math
from collections.abc import Iterator
from itertools import chain, combinations

import numpy as np
import torch

from implementations import Implementation
from suites.records.case import Case
from suites.truth import oracle
from suites.truth.bound import bounds
from suites.truth.mistakes import ENOUGH, mistakes, same
from suites.truth.neighbours import cause_of_neighbours
from suites.truth.oracle import Truth

_ROWS = {"pairwise": 512}
_MOST_ROWS, _MOST_ELEMENTS = 4096, 1 << 22  # what is examined of a large result


def cause(case: Case, entry: Implementation, x: torch.Tensor, y: torch.Tensor, result: object) -> str:
    """The mistake that explains a wrong result and the next step; "" if none does, or the result is right.

    Args:
        case: what was asked.
        entry: the contestant; its stated bound says how near is equal.
        x: the first operand, as the contestant got it.
        y: the second one.
        result: what it returned.
    """
    if case.task == "top_k":
        small = max(x.numel(), y.numel(), len(x) * len(y)) <= _MOST_ELEMENTS
        return cause_of_neighbours(case, entry, x, y, result) if small else ""
    if type(result) is not torch.Tensor or result.layout is not torch.strided or result.is_complex():
        return ""
    if result.device.type != case.device:
        return ""
    if tuple(result.shape) != case.output_shape:
        small = max(x.numel(), y.numel(), result.numel()) <= _MOST_ELEMENTS
        return next(_of_shape(case, x, y, _float64(result)), "") if small else ""
    rows = _ROWS.get(case.task, _MOST_ROWS)
    x, y = x[:rows], y[:rows]
    values = _float64(result[:rows, :rows] if case.task == "pairwise" else result[:rows])
    truth = oracle.truth(case, x, y).astype(np.float64)
    allowed = bounds(entry, case.length, case.dtype, case.dtype, truth)
    with np.errstate(invalid="ignore"):
        wrong = np.isfinite(truth) & ~(np.abs(values - truth) <= allowed)
    if not wrong.any():
        return ""
    harmless = np.isnan(truth) | (np.abs(truth) <= 2 * allowed)  # a result of 0 is right there
    of_values = _of_values(case, x, y, values, truth, allowed)
    return next(chain(_of_range(case, x, y, values, wrong, harmless), of_values), "")


def _of_shape(case: Case, x: torch.Tensor, y: torch.Tensor, values: Truth) -> Iterator[str]:
    """A result of another shape."""
    truth = oracle.truth(case, x, y).astype(np.float64)
    if values.size == truth.size and same(values.reshape(truth.shape), truth):
        yield "the values are right: leave keepdim out, or reshape the result"
    if case.task == "pairwise":
        if values.shape == truth.T.shape and same(values.T, truth):
            yield "it is transposed: return [N, M], a row for each row of x"
        return
    if values.shape == (*truth.shape, *truth.shape) and same(values.diagonal(), truth):
        yield "it compares all pairs: register it with @implementation('pairwise'), or compare row by row"
    if values.size == 1 and math.isclose(values.item(), np.nanmean(truth), abs_tol=1e-2):
        yield "it is the mean over all pairs: return one number a pair"
    asked = {dim % x.ndim for dim in np.atleast_1d(case.dim)}
    for dims in chain.from_iterable(combinations(range(x.ndim), n) for n in range(1, x.ndim + 1)):
        if {*dims} != asked and _is_over(dims, x, y, values):
            yield f"it sums over dim {', '.join(map(str, dims))}: sum over the dim that is passed, here {case.dim}"


def _is_over(dims: tuple[int, ...], x: torch.Tensor, y: torch.Tensor, values: Truth) -> bool:
    """Whether a result is the cosine over these dims, kept or not."""
    kept = tuple(1 if d in dims else size for d, size in enumerate(x.shape))
    removed = tuple(size for d, size in enumerate(x.shape) if d not in dims)
    if values.shape not in (kept, removed):
        return False
    return same(values.reshape(removed), oracle.true_answers("paired", x, y, dims).astype(np.float64))


def _of_range(
    case: Case, x: torch.Tensor, y: torch.Tensor, values: Truth, wrong: Truth, harmless: Truth
) -> Iterator[str]:
    """Wrong exactly where a number leaves the range of its dtype, or of a function."""
    info, wider = torch.finfo(getattr(torch, case.dtype)), "double" if case.dtype == "float32" else "float"
    instead = f"declare dtypes=(...) without {case.dtype}, or convert first: x.{wider}()"
    norms = [oracle.norms(t).nan_to_num(nan=0.0).numpy()[:, 0] for t in (x, y)]
    largest = [t.detach().cpu().double().flatten(1).abs().amax(1).numpy() for t in (x, y)]
    if case.task == "pairwise":
        norms, largest = ([a[:, None], b[None]] for a, b in (norms, largest))
    with np.errstate(over="ignore"):
        over, product = np.maximum(*norms) ** 2 > info.max, (norms[0] * norms[1]) ** 2 > info.max
        under = np.minimum(*largest) ** 2 < info.tiny * info.eps / 2
    if _only(wrong, over, harmless):
        yield f"squares overflow, in the pairs with a norm above {math.sqrt(info.max):.3g} and in no others: {instead}"
    if _only(wrong, product, harmless):
        yield f"the product of the squared norms overflows where it is above {info.max:.3g}: {instead}"
    if _only(wrong, under, harmless):
        yield f"squares underflow to 0, in the pairs with a tiny row and in no others: {instead}"
    cosine = oracle.cosines(case, x, y)
    if case.task == "angle" and np.isnan(values[wrong]).all() and (1 - np.abs(cosine[wrong]) < 64 * info.eps).all():
        yield "NaN only where the cosine is 1 or -1 to rounding: clamp it to [-1, 1] before acos, or use atan2"


def _of_values(
    case: Case, x: torch.Tensor, y: torch.Tensor, values: Truth, truth: Truth, allowed: Truth
) -> Iterator[str]:
    """Another function of the same rows, if it can be distinguished from the truth, or a coarser dtype."""
    limit = 4 * float(np.max(allowed, initial=0))
    for what, expected in mistakes(case, x, y):
        if same(values, expected, limit) and not same(truth, expected, limit):
            yield what
    numbers, own = torch.from_numpy(values), torch.finfo(getattr(torch, case.dtype)).eps
    for coarse in ("bfloat16", "float16", "float32"):
        dtype = getattr(torch, coarse)
        if torch.finfo(dtype).eps > own and values.size > ENOUGH and bool((numbers == numbers.to(dtype)).all()):
            yield f"every result is a {coarse} number: keep intermediate results in {case.dtype}"


def _only(wrong: Truth, where: Truth, harmless: Truth) -> bool:
    """Whether the wrong pairs are exactly those, apart from pairs where the mistake does no harm."""
    return not (wrong & ~where).any() and not (where & ~wrong & ~harmless).any()


def _float64(result: torch.Tensor) -> Truth:
    return result.detach().cpu().double().numpy()
