"""Does each probe pass right functions and catch its bug, independent of the installed build?"""

import json
import re
import runpy
import sys
from types import SimpleNamespace

import compilers
import numpy as np
import pytest
import torch

from suites.known_bugs import BUGS, Bug, Sighting, kernel_cache, look
from suites.known_bugs.__main__ import main
from suites.known_bugs.bug import UNREPORTED
from suites.records.finding import KnownBug
from tests import forked

# -- right functions: float64 inside, one rounding ------------------------------------------------


def norm(x, dim=None, keepdim=False):
    return x.double().square().sum(dim, keepdim).sqrt().to(x.dtype)


def normalize(x, dim=1):
    length = norm(x.double(), dim, keepdim=True)
    return torch.where(length > 0, x.double() / length, 0).to(x.dtype)


def cosine(x, y, dim=1, eps=1e-8):
    a, b = (normalize(t.double(), dim) for t in torch.broadcast_tensors(x, y))
    return (a * b).sum(dim).clamp(-1, 1).to(torch.result_type(x, y))


def loss(x, y, labels):
    if labels.ndim > 1:
        raise RuntimeError("1D target tensor expected")
    similarity = cosine(x.double(), y.double())
    return torch.where(labels == 1, 1 - similarity, similarity.clamp_min(0)).mean()


def distance(x, y):
    x, y = (np.float64(row) / np.linalg.norm(np.float64(row)) for row in (x, y))
    return min(2.0, np.square(x - y).sum() / 2)


def all_pairs(x, y):
    return normalize(x.float()) @ normalize(y.float()).T


def refuse(*_, **__):
    raise ValueError("the distances must be finite")


# -- wrong functions: each with its bug as once written ------------------------------------


def torch_1_11(x, y, dim=1, eps=1e-8):
    squares = (x * x).sum(dim) * (y * y).sum(dim)
    return (x * y).sum(dim) / squares.clamp_min(eps**2).sqrt()


def torch_2_1_0(x, y, dim=1, eps=1e-8):
    lengths = (t.square().sum(dim, keepdim=True).sqrt().clamp_min_(eps) for t in (x, y))
    return (x / next(lengths) * (y / next(lengths))).sum(dim)


def torch_2_0(x, y, dim=1):
    return torch_2_1_0(*torch.broadcast_tensors(x, y), dim)


def norm_unscaled(x):
    return x.square().sum().sqrt()


def norm_in_turn(x):
    return torch.tensor(np.cumsum(x.numpy() ** 2)[-1] ** 0.5)


def loss_broadcast(x, y, labels):
    similarity = torch_1_11(x, y)
    return torch.where(labels == 1, 1 - similarity, similarity.clamp_min(0)).mean()


def distance_unclipped(x, y):
    return 1 - x @ y / (np.sqrt(x @ x) * np.sqrt(y @ y))


def unclipped(x):
    x = x / np.linalg.norm(x, axis=1, keepdims=True)
    return x @ x.T


def all_pairs_in_place(x, y):
    return x.div_(norm(x, 1, True)) @ y.div_(norm(y, 1, True)).T


RIGHT_AND_WRONG = {
    "self_above_one": (cosine, torch_2_1_0),
    "multiple_above_one": (cosine, torch_2_1_0),
    "counting_above_one": (cosine, lambda x, y: torch.tensor([1 + 2.0**-23])),
    "all_pairs_above_one": (lambda x: np.minimum(unclipped(x), 1), unclipped),
    "all_pairs_below_zero": (lambda x: np.clip(1 - unclipped(x), 0, 2), lambda x: 1 - unclipped(x)),
    "distance_above_two": (distance, distance_unclipped),
    "equal_rows_apart": (lambda x, _: [distance(*x)], lambda x, _: [distance_unclipped(*x)]),
    "ones_apart": (
        lambda x, y, _: np.array([[distance(x[0], y[0])]]),
        lambda x, y, _: np.array([[distance_unclipped(x[0], y[0])]]),
    ),
    "distance_below_zero": (distance, distance_unclipped),
    "itself_apart": (distance, lambda x, y: 3.7e-4),
    "norm_of_equals": (norm, norm_in_turn),
    "norm_of_normals": (norm, norm_in_turn),
    "norm_of_ones": (lambda x, dim: torch.full((2,), len(x) ** 0.5), lambda x, dim: torch.full((2,), 4096.0)),
    "norm_in_threads": (norm, lambda x: 1.33 * norm(x)),
    "map_with_itself": (cosine, lambda x, y: (x * y).sum() / norm_in_turn(x[0]) / norm_in_turn(y[0])),
    "norm_overflows": (norm, norm_unscaled),
    "gradient_vanishes": (norm, norm_unscaled),
    "normalize_overflows": (normalize, lambda x: x / norm_unscaled(x)),
    "cosine_overflows": (cosine, torch_1_11),
    "half_norm_overflows": (lambda x: np.sqrt(np.square(x, dtype=float).sum()), lambda x: np.sqrt((x * x).sum())),
    "product_overflows": (cosine, torch_1_11),
    "loss_overflows": (loss, loss_broadcast),
    "eps_for_each_norm": (cosine, torch_2_1_0),
    "documented_formula": (
        SimpleNamespace(__doc__=r"{\max(\Vert x_1 \Vert _2, \epsilon) \cdot \max(\Vert x_2 \Vert _2, \epsilon)}"),
        SimpleNamespace(__doc__=r"{\max(\Vert x_1 \Vert _2 \cdot \Vert x_2 \Vert _2, \epsilon)}"),
    ),
    "half_zeros_normalized": (normalize, lambda x: x / norm(x).clamp_min(1e-12)),
    "half_zeros_compared": (cosine, torch_2_1_0),
    "gradient_at_zero": (normalize, lambda x: x / 1e-12),
    "eps_beyond_half": (cosine, torch_2_1_0),
    "linkage_of_zeros": (refuse, lambda *_, **__: [[0, 1, np.nan, 2]]),
    "norm_before_broadcast": (cosine, torch_2_1_0),
    "squares_in_int8": (cosine, torch_1_11),
    "labels_broadcast": (loss, loss_broadcast),
    "inputs_overwritten": (all_pairs, all_pairs_in_place),
    "broadcast_is_stored": (lambda x, y, dim: all_pairs(x[:, 0], y[0]), torch_2_1_0),
    "broadcast_is_stored_again": (torch_2_1_0, torch_2_0),
    "rounded_at_each_step": (cosine, torch_2_1_0),
    "ties": (all_pairs, lambda x, y: normalize(x) @ normalize(y).T),
    "kernel_of_another_capability": (compilers.eager, compilers.cached_for_any),
}


@pytest.fixture
def two_capabilities(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes fresh processes, forks here, report the capability they are given (AVX512 by default), on any processor."""
    found = 'os.environ.get("ATEN_CPU_CAPABILITY", "AVX512").upper()'
    script = kernel_cache._SCRIPT.replace("torch.backends.cpu.get_cpu_capability()", found)
    monkeypatch.setattr(kernel_cache, "_SCRIPT", f"import os\n{script}")
    monkeypatch.setattr(kernel_cache, "subprocess", SimpleNamespace(run=forked.completed))


@pytest.mark.usefixtures("two_capabilities")
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_probe_separates_right_from_wrong(bug):
    right, wrong = RIGHT_AND_WRONG[bug.name]
    passed, caught = bug.probe(right), bug.probe(wrong)
    assert (passed.happens, caught.happens) == (False, True), (passed, caught)
    assert caught.seen != caught.right


def test_the_table_has_twenty_reports_and_no_name_twice():
    assert {bug.name for bug in BUGS} == RIGHT_AND_WRONG.keys()
    assert len({bug.name for bug in BUGS}) == len(BUGS)
    assert len({bug.issue for bug in BUGS}) >= 20
    assert all(bug.issue == UNREPORTED or re.fullmatch(r"[\w-]+/[\w-]+#\d+", bug.issue) for bug in BUGS)


@pytest.mark.parametrize(
    ("compiler", "capability", "why"),
    [
        (compilers.eager, "DEFAULT", "this processor has no capability but DEFAULT"),
        (compilers.refused, "AVX2", "RuntimeError: RuntimeError: no C++ compiler"),
    ],
)
def test_a_cache_that_cannot_be_shared_is_not_to_be_seen(
    compiler: object, capability: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = kernel_cache._SCRIPT.replace("torch.backends.cpu.get_cpu_capability()", repr(capability))
    monkeypatch.setattr(kernel_cache, "_SCRIPT", script)
    monkeypatch.setattr(kernel_cache, "subprocess", SimpleNamespace(run=forked.completed))
    cached = kernel_cache.kernel_of_another_capability
    seen = look(Bug(cached.name, cached.issue, f"compilers:{compiler.__name__}", cached.what, cached.probe))
    assert (seen.happens, seen.seen, seen.issue) == (None, why, "not reported yet")


# -- looking at a build ---------------------------------------------------------------------------


def of(name, probe=lambda function: Sighting(True, "1", "2")):
    return Bug("a_bug", "owner/repository#1", name, "what is wrong", probe)


def fail(function):
    raise RuntimeError("no memory\nleft")


def test_a_sighting_is_the_probes_answer():
    seen = look(of("torch:sum"))
    version = f"torch {torch.__version__}"
    said = {"what": "what is wrong", "happens": True, "seen": "1", "right": "2"}
    assert seen == KnownBug(name="a_bug", issue="owner/repository#1", package=version, **said)
    assert look(of("sklearn.metrics:auc")).package.startswith("scikit-learn ")


@pytest.mark.parametrize(
    ("bug", "package", "why"),
    [
        (of("no_such_package.inner:cosine"), "no_such_package", "the module 'no_such_package' is not installed"),
        (of("torch:no_such_function"), "torch ", "no_such_function"),
        (of("torch.no_such_module:cosine"), "torch ", "no_such_module"),
        (of("torch:sum", fail), "torch ", "RuntimeError: no memory left"),
        (of("torch:sum", lambda function: sys.exit("enough")), "torch ", "SystemExit: enough"),
    ],
)
def test_what_cannot_be_tested_says_why(bug, package, why):
    seen = look(bug)
    assert (seen.happens, seen.right) == (None, "")
    assert why in seen.seen
    assert seen.package.startswith(package)


# -- the command line -----------------------------------------------------------------------------


def test_every_bug_is_tested_on_this_build(capsys, tmp_path):
    main(["--json", str(tmp_path / "bugs.json")])
    found = [KnownBug(**one) for one in json.loads((tmp_path / "bugs.json").read_text())]
    assert [one.issue for one in found] == [bug.issue for bug in BUGS]
    unseen = [one.seen for one in found if one.happens is None]
    expected = ("is not installed", "this processor has no capability but")
    assert all(any(reason in why for reason in expected) for why in unseen), unseen
    *table, count = capsys.readouterr().out.splitlines()
    happens = sum(one.happens is True for one in found)
    assert count.startswith(f"{happens} of {len(found) - len(unseen)} still happen with torch {torch.__version__}, ")
    assert count.endswith(f"; {len(unseen)} could not be tested") == bool(unseen)
    assert sum(one.issue in line for one, line in zip(found, table[3:], strict=False)) == len(found), "one line per bug"


def test_a_word_selects(capsys):
    main(["-k", "ARANGE", "--json", "-"])
    (one,) = json.loads(capsys.readouterr().out)
    assert one["issue"] == "pytorch/pytorch#18057"


def test_it_runs_by_its_name(capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "suites.known_bugs.__main__")
    monkeypatch.setattr(sys, "argv", ["known_bugs", "-k", "18057"])
    with pytest.raises(SystemExit, match="0"):
        runpy.run_module("suites.known_bugs", run_name="__main__")
    assert "the similarity of arange(84) to itself exceeds 1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-k", "no such word"], f"-k 'no such word' matches none of {len(BUGS)} bugs; try 'norm' or 'scipy'"),
        (["-k", "18057", "--json", "no/such/folder.json"], "No such file or directory: 'no/such/folder.json'; name"),
    ],
)
def test_bad_input_ends_it_with_one_line(capsys, arguments, message):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_nothing_to_test_is_no_error(capsys, monkeypatch):
    monkeypatch.setattr("suites.known_bugs.__main__.BUGS", [of("no_such_package:cosine")])
    main([])
    out = capsys.readouterr().out
    assert "not tested" in out
    assert out.endswith("0 of 0 still happen with what is installed; 1 could not be tested\n")
