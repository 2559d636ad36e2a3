"""Does an author read in one line what is wrong with an implementation, and which mistake it is?"""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

import implementations
from implementations import Implementation
from suites.inputs import make_inputs
from suites.records.case import CONTRACT, Case
from suites.truth.causes import cause
from suites.truth.fault import CaseFault, fault, lines
from tests import forked

ROOT = Path(__file__).parent.parent
PAIRED = Case(task="paired", shape=(13, 300), dtype="float32", device="cpu")
SQUARE = Case(task="paired", shape=(16, 16), dtype="float32", device="cpu")
HALF = Case(task="paired", shape=(13, 300), dtype="float16", device="cpu")
MAPS = Case(task="feature_maps", shape=(6, 5, 7, 3), dtype="float32", device="cpu")
PAIRWISE = Case(task="pairwise", shape=(7, 11, 300), dtype="float32", device="cpu")
EVEN = Case(task="pairwise", shape=(9, 9, 300), dtype="float32", device="cpu")
ANGLE = Case(task="angle", shape=(13, 300), dtype="float32", device="cpu", inputs="positive")
TOP = Case(task="top_k", shape=(7, 11, 300), k=4, dtype="float32", device="cpu")
Fn = Callable[..., object]
cos = torch.cosine_similarity


def entry_for(case: Case, fn: Fn) -> Implementation:
    honest = {"paired": "builtin", "pairwise": "matmul", "angle": "acos_builtin", "top_k": "matmul_top_k"}
    honest = honest[CONTRACT[case.task]]
    return Implementation(**(vars(implementations.get(honest)) | {"name": "mine", "fn": fn, "baseline": False}))


def line_about(case: Case, fn: Fn) -> str:
    with torch.no_grad():
        return line_of(fault(case, entry_for(case, fn), *make_inputs(case)))


def line_of(found: CaseFault | None) -> str:
    return "".join(lines("mine", [found] if found else []))


def halved(x: torch.Tensor, y: torch.Tensor, dim: int) -> torch.Tensor:
    x /= 2
    return cos(x, y, dim)


def raises(x: torch.Tensor, y: torch.Tensor, dim: int) -> torch.Tensor:
    raise ValueError("no luck")


def of_squares(x: torch.Tensor, y: torch.Tensor, dim: int) -> torch.Tensor:
    return (x * y).sum(dim) / ((x * x).sum(dim) * (y * y).sum(dim)).sqrt()


def of_norms(x: torch.Tensor, y: torch.Tensor, dim: int) -> torch.Tensor:
    return (x * y).sum(dim) / ((x * x).sum(dim).sqrt() * (y * y).sum(dim).sqrt())


def angle_of(x: torch.Tensor, y: torch.Tensor, dim: int) -> torch.Tensor:
    return cos(x.double(), y.double(), dim).clamp(-1, 1).acos().float()


def all_pairs(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> torch.Tensor:
    return F.normalize(x) @ F.normalize(y).T


Top = tuple[torch.Tensor, torch.Tensor]


def top(x: torch.Tensor, y: torch.Tensor, k: int) -> Top:
    return all_pairs(x, y).topk(k)


def by(scores: torch.Tensor, x: torch.Tensor, y: torch.Tensor, k: int) -> Top:
    """The cosines of the rows that are nearest by these scores, the largest first."""
    indices = scores.topk(k).indices
    values, order = all_pairs(x, y).gather(1, indices).sort(descending=True)
    return values, indices.gather(1, order)


def unsorted(x: torch.Tensor, y: torch.Tensor, k: int) -> Top:
    return tuple(part.roll(1, 1) for part in top(x, y, k))  # type: ignore[return-value]


def in_parts(x: torch.Tensor, y: torch.Tensor, k: int) -> Top:
    values, indices = top(x, y, k)
    return values, indices % 6


def of_queries(x: torch.Tensor, y: torch.Tensor, k: int) -> Top:
    values, indices = top(x, y, k)
    return values, torch.arange(len(x))[:, None].expand(indices.shape)


MISTAKES_OF_TOP_K: dict[str, tuple[Fn, str]] = {
    "smallest": (lambda x, y, k: all_pairs(x, y).topk(k, largest=False), "it takes the smallest cosines: take the lar"),
    "smallest, descending": (lambda x, y, k: tuple(t.flip(1) for t in all_pairs(x, y).topk(k, largest=False)), "smal"),
    "turned round": (lambda x, y, k: tuple(t.flip(1) for t in top(x, y, k)), "smallest of them comes first: turn the"),
    "unsorted": (unsorted, "they are not sorted: sort them"),
    "values sorted alone": (lambda x, y, k: (top(x, y, k)[0], unsorted(x, y, k)[1]), "values are sorted and their ind"),
    "one more": (lambda x, y, k: top(x, y, k + 1), r"\(7, 5\), expected \(7, 4\); k is off by one: return k rows"),
    "one less": (lambda x, y, k: top(x, y, k - 1), "k is off by one: return k rows"),
    "one too late": (lambda x, y, k: tuple(t[:, 1:] for t in top(x, y, k + 1)), "it leaves out the nearest row: keep"),
    "all": (lambda x, y, k: top(x, y, len(y)), "it returns all rows of the corpus: keep the first k"),
    "dot": (lambda x, y, k: (x @ y.T).topk(k), "it is the dot product: divide by both norms"),
    "one norm": (lambda x, y, k: (F.normalize(x) @ y.T).topk(k), "divided by the norm of x alone"),
    "by dot": (lambda x, y, k: by(x @ y.T, x, y, k), "it ranks by the dot product: divide by the norms first"),
    "by distance": (lambda x, y, k: by(-torch.cdist(x, y), x, y, k), "it ranks by the Euclidean distance: divide"),
    "by absolute": (lambda x, y, k: by(all_pairs(x, y).abs(), x, y, k), "it ranks by the absolute cosine: keep the"),
    "distance": (lambda x, y, k: (1 - top(x, y, k)[0], top(x, y, k)[1]), "it is 1 - cosine, a distance: return 1"),
    "repeated": (lambda x, y, k: tuple(t[:, :1].expand(-1, k) for t in top(x, y, k)), "twice; every place holds the n"),
    "in parts": (in_parts, "the indices count from the start of each part of the corpus: add where the part starts"),
    "from 1": (lambda x, y, k: (top(x, y, k)[0], top(x, y, k)[1] + 1), "the indices count from 1: count from 0"),
    "places": (lambda x, y, k: (top(x, y, k)[0], torch.arange(k).expand(len(x), k)), "the indices are places in the r"),
    "own row": (of_queries, "the indices are of queries: return those of the corpus"),
    "other side": (lambda x, y, k: top(y, x, k), "the indices are of queries: search y for each row of x"),
    "dim 0": (lambda x, y, k: all_pairs(x, y).topk(k, dim=0), "the indices are of queries: search y for each row of x"),
    "transposed": (lambda x, y, k: tuple(t.T for t in top(x, y, k)), "it is transposed: return "),
    "swapped": (lambda x, y, k: tuple(top(x, y, k))[::-1], r"wrong order: return \(values, indices\)"),
}


@pytest.mark.parametrize("name", MISTAKES_OF_TOP_K)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_an_author_reads_which_mistake_gives_wrong_neighbours(name: str, dtype: str) -> None:
    fn, message = MISTAKES_OF_TOP_K[name]
    line = line_about(replace(TOP, dtype=dtype), fn)
    assert line.startswith(f"`mine`, top_k, {dtype}: ")
    assert re.search(message, line), line
    assert "\n" not in line


def test_a_search_from_the_other_side_is_named_where_the_shape_shows_nothing() -> None:
    line = line_about(replace(TOP, shape=(9, 9, 300)), lambda x, y, k: top(y, x, k))
    assert "the indices are of queries: search y for each row of x" in line, line


def test_no_mistake_is_guessed_where_neighbours_are_wrong_by_none_that_is_known() -> None:
    line = line_about(TOP, lambda x, y, k: (top(x, y, k)[0], top(x, y, k)[1].roll(1, 0)))
    assert re.fullmatch(r"`mine`, top_k, float32: the largest error is [^;]*explains", line), line


MISTAKES: dict[str, tuple[Case, Fn, str]] = {
    "overflow": (HALF, of_squares, r"overflows.*: declare dtypes=\(...\) without float16, or convert first: x.float"),
    "dot": (PAIRED, lambda x, y, dim: (x * y).sum(dim), "it is the dot product: divide by both norms"),
    "one norm": (PAIRED, lambda x, y, dim: (F.normalize(x) * y).sum(dim), "divided by the norm of x alone"),
    "squared norms": (PAIRED, lambda x, y, dim: cos(x, y) / x.norm(dim=-1) / y.norm(dim=-1), "take their root"),
    "distance": (PAIRED, lambda x, y, dim: 1 - cos(x, y, dim), "it is 1 - cosine, a distance: return 1 minus that"),
    "sign": (PAIRED, lambda x, y, dim: -cos(x, y, dim), "the sign is wrong: it is -cosine"),
    "angle": (PAIRED, angle_of, "it is the angle: return its cosine"),
    "absolute": (PAIRED, lambda x, y, dim: cos(x, y, dim).abs(), "it is the absolute cosine: keep the sign"),
    "cut off": (PAIRED, lambda x, y, dim: cos(x, y, dim).relu(), "it is cut off at 0"),
    "rescaled": (PAIRED, lambda x, y, dim: (1 + cos(x, y, dim)) / 2, r"it is \(1 \+ cosine\) / 2"),
    "centred": (PAIRED, lambda x, y, dim: cos(x - x.mean(-1, True), y - y.mean(-1, True)), "correlation of centred"),
    "itself": (PAIRED, lambda x, y, dim: cos(x, x, dim), "it is always 1: it compares an operand with itself"),
    "keepdim": (PAIRED, lambda x, y, dim: cos(x, y, dim)[:, None], r"\(13, 1\), expected \(13,\); .*leave keepdim out"),
    "dim 0": (PAIRED, lambda x, y, dim: cos(x, y, 0), r"\(300,\), expected \(13,\); it sums over dim 0: .* here -1"),
    "dim 0 of a square": (SQUARE, lambda x, y, dim: cos(x, y, 0), "it sums over dim 0"),
    "one of the dims": (MAPS, lambda x, y, dim: cos(x, y, 1), r"it sums over dim 1: .* here \(1, 2, 3\)"),
    "all pairs": (PAIRED, all_pairs, "it compares all pairs: register it"),
    "mean": (PAIRED, lambda x, y, dim: cos(x, y, dim).mean(), "it is the mean over all pairs"),
    "transposed": (PAIRWISE, lambda x, y: all_pairs(y, x), r"\(11, 7\), expected \(7, 11\); it is transposed"),
    "transposed square": (EVEN, lambda x, y: all_pairs(y, x), "it is transposed: return"),
    "bfloat16": (PAIRED, lambda x, y, dim: cos(x.bfloat16(), y.bfloat16(), dim).float(), "every result is a bfloat16"),
    "float64": (PAIRED, lambda x, y, dim: cos(x.double(), y.double(), dim), "returned float64, expected float32"),
    "degrees": (ANGLE, lambda x, y, dim: angle_of(x, y, dim).rad2deg(), "it is in degrees: return radians"),
    "cosine": (ANGLE, cos, "it is the cosine: take the arc cosine of it"),
    "changed": (PAIRED, halved, r"changed its input x: compute in new tensors \(x / norm, not x /= norm\)$"),
    "raises": (PAIRED, raises, "ValueError: no luck$"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_an_author_reads_which_mistake_it_is(name: str) -> None:
    case, fn, message = MISTAKES[name]
    line = line_about(case, fn)
    assert line.startswith(f"`mine`, {case.task}, {case.dtype}: ")
    assert re.search(message, line), line
    assert "\n" not in line
    assert "tensor(" not in line


def test_the_place_and_what_is_allowed_are_named() -> None:
    line = line_about(PAIRED, lambda x, y, dim: -cos(x, y, dim))
    assert re.search(r": off by 2 at \[\d+\] where \d\.?\d*e-0\d is allowed; the sign", line), line


@pytest.mark.parametrize("case", [PAIRED, SQUARE, HALF, MAPS, PAIRWISE, EVEN, ANGLE, TOP], ids=lambda case: case.id)
def test_nothing_is_said_of_what_is_right(case: Case) -> None:
    names = {"paired": "accurate", "pairwise": "matmul", "angle": "angle", "top_k": "matmul_top_k"}
    name = names[CONTRACT[case.task]]
    entry, inputs = implementations.get(name), make_inputs(case)
    assert fault(case, entry, *inputs) is None
    more = {"pairwise": (), "top_k": (case.k,)}.get(case.task, (case.dim,))
    right = entry.fn(*inputs, *more)
    assert cause(case, entry, *inputs, right) == ""


def test_nothing_is_guessed() -> None:
    line = line_about(PAIRED, lambda x, y, dim: cos(x, y, dim).roll(1))
    assert re.fullmatch(r"`mine`, paired, float32: off by \S+ at \[\d+\] where \S+ is allowed", line), line


def test_a_mistake_that_is_as_near_to_the_truth_is_no_cause() -> None:
    line = line_about(HALF, lambda x, y, dim: cos(x.float(), y.float(), dim).half() * 1.01)
    assert re.fullmatch(r"`mine`, paired, float16: off by \S+ at \[\d+\] where \S+ is allowed", line), line


EIGHT = Case(task="paired", shape=(8, 64), dtype="float32", device="cpu")


@pytest.mark.parametrize(("dtype", "norm", "wider"), [("float16", 400, "x.float()"), ("float32", 1e20, "x.double()")])
def test_squares_overflow_if_the_rows_beyond_the_dtype_are_wrong_and_no_others(
    dtype: str, norm: float, wider: str
) -> None:
    case = Case(task="paired", shape=(8, 64), dtype=dtype, device="cpu")
    x, y = make_inputs(case)
    x[:3] *= norm / x[:3].double().norm(dim=1, keepdim=True)
    mine = entry_for(case, of_norms)
    line = line_of(fault(case, mine, x, y))
    assert "; squares overflow, in the pairs with a norm above " in line, line
    assert line.endswith(f"declare dtypes=(...) without {dtype}, or convert first: {wider}")
    wrong = of_norms(x, y, -1)
    wrong[6] += 0.5
    assert "overflow" not in cause(case, mine, x, y, wrong), "another pair is wrong, too"


def test_squares_underflow_if_tiny_rows_are_wrong_and_no_others() -> None:
    x, y = make_inputs(EIGHT)
    x[:3] *= 1e-30
    assert "squares underflow to 0, in the pairs with a tiny row" in line_of(
        fault(EIGHT, entry_for(EIGHT, of_norms), x, y)
    )


def test_an_arc_cosine_without_a_clamp_is_the_cause_of_nan() -> None:
    x, y = make_inputs(ANGLE)
    y[:5] = x[:5]
    mine = entry_for(ANGLE, lambda x, y, dim: (cos(x.double(), y.double(), dim) * (1 + 1e-9)).acos().float())
    line = line_of(fault(ANGLE, mine, x, y))
    assert ": 5 of 13 results are not finite, such as nan at [0]" in line
    assert line.endswith("clamp it to [-1, 1] before acos, or use atan2")


OFF, DOT = "off by 2 at [1] where 1e-6 is allowed", "it is the dot product"
"""What is found, and why."""
EXPECTED = {"float32": "float32", "bfloat16": "bfloat16 or float32"}


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        ([("paired", "float32", OFF, DOT), ("paired", "float16", "off by 3e2 at [4, 2] where 0.1 is allowed", DOT)], 1),
        ([("paired", "float16", OFF), ("paired", "float32", "off by 3 at [0] where 0.1 is allowed", DOT)], 1),
        ([("paired", "float16", OFF, DOT), ("paired", "float32", OFF, "it is the angle")], 2),
        ([("dim=(1,)", "float32", "returned float64, expected float32"), ("paired", "float32", OFF, DOT)], 2),
        ([("paired", d, f"returned float64, expected {e}") for d, e in EXPECTED.items()], 1),
    ],
)
def test_one_kind_of_fault_is_one_line(faults: list[tuple[str, ...]], expected: int) -> None:
    assert len(lines("mine", [CaseFault(*parts) for parts in faults])) == expected


def test_a_mistake_that_does_not_explain_the_fault_in_a_finer_dtype_is_not_named() -> None:
    found = [CaseFault("paired", "float16", OFF, DOT), CaseFault("paired", "float64", OFF)]
    assert lines("mine", found) == [f"`mine`, paired, float64: {OFF}; also in paired (float16)"]


def test_a_line_names_where_else_the_fault_is() -> None:
    places = [("paired", "float16"), ("feature_maps", "float32"), ("paired", "bfloat16"), ("paired", "float16")]
    found = [CaseFault("paired", "float32", OFF, DOT), *(CaseFault(*place, OFF, DOT) for place in places)]
    (line,) = lines("mine", found)
    also = "also in feature_maps (float32), paired (float16, bfloat16)"
    assert line == f"`mine`, paired, float32: {OFF}; {DOT}; {also}"


THEIRS = """
import torch
import torch.nn.functional as F
from torch.linalg import vector_norm


def register(implementation):
    @implementation()
    def their_dot(x, y, dim=-1):
        return (x * y).sum(dim)

    @implementation()
    def their_last(x, y, dim=-1):
        return torch.cosine_similarity(x, y, -1)

    @implementation()
    def their_first(x, y, dim=-1):
        return torch.cosine_similarity(x, y, 0)

    @implementation()
    def their_one(x, y, dim=-1):
        return of_all(x, y, dim if isinstance(dim, int) or dim == (1, 2, 3) else dim[0])

    @implementation()
    def their_kept(x, y, dim=-1):
        return of_all(x, y, dim, keepdim=True)

    @implementation()
    def their_distance(x, y, dim=-1):
        return 1 - of_all(x, y, dim)

    @implementation(roundings=20)
    def their_squares(x, y, dim=-1):
        return (x * y).sum(dim) / ((x * x).sum(dim) * (y * y).sum(dim)).sqrt()

    @implementation("pairwise")
    def their_transposed(x, y):
        return F.normalize(y) @ F.normalize(x).T

    @implementation("angle", roundings=6, dot="cascade", norm="lanes")
    def their_angle(x, y, dim=-1):
        return of_all(x, y, dim).acos()

    @implementation("top_k", roundings=6)
    def their_least(x, y, k):
        return (F.normalize(x) @ F.normalize(y).T).topk(k, largest=False)

    @implementation()
    def their_wide(x, y, dim=-1):
        return of_all(x.double(), y.double(), dim)

    @implementation()
    def their_in_place(x, y, dim=-1):
        x /= vector_norm(x, dim=dim, keepdim=True)
        return of_all(x, y, dim)

    @implementation(roundings=20)
    def their_right(x, y, dim=-1):
        return of_all(x, y, dim)


def of_all(x, y, dim, keepdim=False):
    norms = (vector_norm(t, dim=dim, keepdim=True) for t in (x, y))
    return (x / next(norms) * (y / next(norms))).sum(dim, keepdim=keepdim)
"""
THEIR_FAULTS = {
    "their_dot": r"paired, float64: off by .*; it is the dot product: divide by both norms; also in feature_maps \(",
    "their_last": r"feature_maps, float64: returned the shape .*; it sums over dim 3: ",
    "their_first": r"paired, float64: .*; it sums over dim 0: ",
    "their_one": r"dim=\(-3, -2, -1\), float32: returned the shape .*; also in dim=\(3, 1\) \(float32\), dim=\(0, 1, ",
    "their_kept": r"paired, float64: .*; the values are right: leave keepdim out.*; also in feature_maps \(float64, ",
    "their_distance": r"paired, float64: .*; it is 1 - cosine, a distance: return 1 minus that; also in ",
    "their_squares": r"paired, float16: .*overflows.*: declare dtypes=\(\.\.\.\) without float16",
    "their_transposed": r"pairwise, float64: .*; it is transposed: return \[N, M\]",
    "their_angle": r"angle of rows equal up to scale, float64: \d+ of 256 .* not finite, .*clamp it to .* before acos",
    "their_least": r"top_k, float64: .*; it takes the smallest cosines: take the largest, the largest first; also in ",
    "their_wide": r"paired, float32: returned float64, expected float32; also in .*paired \(float16, bfloat16\)",
    "their_in_place": r"paired, float64: changed its input x: compute in new tensors .*; also in ",
}


def test_an_author_reads_one_line_for_each_kind_of_fault_of_their_file_and_no_arrays(tmp_path: Path) -> None:
    (tmp_path / "theirs.py").write_text(THEIRS)
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_implementations.py", "-k", "their_"]
    files = (tmp_path / "out.txt", tmp_path / "err.txt")
    forked.run([*words, "--implementations-from", str(tmp_path / "theirs.py")], ROOT, *files)
    shown = files[0].read_text(encoding="utf-8")
    found = [line for line in shown.splitlines() if line.startswith("`")]
    for name, message in THEIR_FAULTS.items():
        mine = [line for line in found if line.startswith(f"`{name}`, ")]
        assert len(mine) == 1, shown
        assert re.match(rf"`{name}`, {message}", mine[0]), mine
    assert len(found) == len(THEIR_FAULTS), "nothing is said of what is right"
    assert f"{len(THEIR_FAULTS)} failed, " in shown
    assert not re.search(r"array\(|tensor\(|Traceback|^E ", shown, flags=re.MULTILINE), shown
