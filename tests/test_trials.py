"""Do the trials find and count errors, and resume after an interruption?"""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from threadpoolctl import threadpool_limits

import implementations
from implementations import registry
from implementations.registry import Function, implementation
from suites.trials import __main__ as experiment
from suites.trials import bounds, exactness, work
from suites.trials.bounds import trials
from suites.trials.kept import KeptTrials
from suites.trials.kinds import IN_RANGE, KINDS, RandomRows

accurate, angle = (implementations.get(name).fn for name in ("accurate", "angle"))
DTYPES = ("float64", "float32", "float16", "bfloat16")


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(registry, "_present", registry._present.copy())
    monkeypatch.setattr(work, "DTYPES", ("float32",))
    with threadpool_limits(1):  # NumPy's threads
        yield


def run(folder: Path, *options: str) -> str:
    experiment.main([*options, f"--docs={folder}", f"--json={folder / 'all.jsonl'}"])
    return (folder / "accuracy.md").read_text(encoding="utf-8")


def lines(folder: Path) -> list[str]:
    return (folder / "all.jsonl").read_text(encoding="utf-8").splitlines()


def too_short(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> torch.Tensor:
    """Right except for one pair in a thousand."""
    c = accurate(x, y, dim)
    c[::1000] -= 1e-4
    return c


def broken(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> torch.Tensor:
    raise ValueError("no kernel for this")


def elsewhere(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> torch.Tensor: ...  # type: ignore[empty-body]


def nan(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> torch.Tensor:
    return accurate(x, y, dim) * torch.nan


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_exists_in_every_dtype(kind: str, dtype: str) -> None:
    for length in (1, 2, 33):
        pair = KINDS[kind](RandomRows(40, length, getattr(torch, dtype), seed=length))
        for t in pair:
            assert (t.shape, t.dtype, t.is_contiguous()) == ((40, length), getattr(torch, dtype), True)
            assert t.isfinite().all()
        again = KINDS[kind](RandomRows(40, length, getattr(torch, dtype), seed=length))
        assert all(map(torch.equal, pair, again))


@pytest.mark.parametrize("kind", IN_RANGE)
def test_sums_stay_in_the_range_of_float16(kind: str) -> None:
    x, y = (t.double() for t in IN_RANGE[kind](RandomRows(4, 32768, torch.float16, seed=0)))
    for a, b in ((x, y), (x, x), (y, y)):
        assert (a * b).sum(1).abs().max() < 65504


def test_prescribed_cosines_are_spread() -> None:
    c = accurate(*RandomRows(1000, 64, torch.float32, seed=0).prescribed()).sort().values
    assert torch.allclose(c, torch.linspace(-1, 1, 1000), atol=0.1)


PLANTED = {
    "asymmetric": lambda x, y: accurate(x, y) * torch.where(x[:, 0] > y[:, 0], 1 - 2.0**-23, 1),
    "self_not_one": lambda x, y: accurate(x, y).clamp_max(1 - 2.0**-24),
    "above_one": lambda x, y: accurate(x, y).abs() + (x != y).any(1) * 2.0**-23,
    "scale_variant": lambda x, y: accurate(x, y) * torch.where(x[:, 0].abs() > 1024, 1 - 2.0**-23, 1),
    "nans": lambda x, y: accurate(x, y).masked_fill(x[:, 0] == y[:, 0], torch.nan),
}


@pytest.mark.parametrize("promise", PLANTED)
def test_each_broken_promise_is_counted(promise: str) -> None:
    kind = {"above_one": "near", "nans": "near"}.get(promise, "prescribed")
    assert getattr(exactness.exactness(PLANTED[promise], kind, 0), promise) > 0


def test_an_error_beyond_half_an_ulp_is_measured() -> None:
    found = exactness.exactness(lambda x, y: accurate(x, y) - 2.0**-24 * (x != y).any(1), "prescribed", 0)
    assert 0.9 < found.ulp < 3
    assert 0.9 < found.error_u < 3


def test_the_worst_that_is_seen_is_near_the_bound() -> None:
    entries = [implementations.get(name) for name in ("builtin", "normalize", "vecdot", "accurate")]
    for trial in trials(entries, "paired", "float32", number=0):
        assert trial.pairs == bounds.PAIRS
        assert trial.broken == 0
        assert 1 <= trial.bound / trial.error < 16


def arc_cosine(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> torch.Tensor:
    """The best arc cosine in float64; `angle` must be more accurate."""
    return accurate(x.double(), y.double(), dim).acos().to(torch.promote_types(x.dtype, torch.float32))


def nan_if_opposite(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> torch.Tensor:
    return angle(x, y, dim).masked_fill(accurate(x, y, dim) < -0.999, torch.nan)


@pytest.mark.parametrize("dtype", DTYPES)
def test_angles_come_near_their_bounds_and_one_that_is_no_longer_right_breaks_its_own(dtype: str) -> None:
    right, usual = (implementations.get(name) for name in ("angle", "acos_builtin"))
    planted = [dataclasses.replace(right, name=fn.__name__, fn=fn) for fn in (arc_cosine, nan_if_opposite)]
    for trial in trials([right, usual, *planted], "angle", dtype, number=0):
        assert trial.pairs == bounds.PAIRS
        if trial.implementation in ("angle", "acos_builtin"):
            assert trial.broken == 0
            assert 1 <= trial.bound / trial.error < 16
            assert (trial.nans > 100) == (trial.implementation == "acos_builtin")
        else:
            assert trial.broken > 0
            assert trial.error > 10_000 * trial.bound


def test_nan_is_excused_where_a_cosine_may_be_rounded_to_above_1_and_nowhere_else() -> None:
    always = dataclasses.replace(implementations.get("acos_builtin"), fn=nan)
    (found,) = trials([always], "angle", "float32", number=0)
    assert found.nans == found.pairs
    assert 0 < found.broken < found.pairs


def test_trials_of_all_pairs() -> None:
    (found,) = trials([implementations.get("matmul")], "pairwise", "float64", number=0)
    assert (found.pairs, found.broken) == (bounds.PAIRS, 0)
    assert found.bound / found.error < 16


@pytest.mark.parametrize(
    ("fn", "options", "pairs"),
    [(too_short, {"roundings": 2, "work": "float64", "dot": "cascade", "norm": "cascade"}, 8), (nan, {}, 1000)],
)
def test_what_is_beyond_its_stated_bound_is_reported(
    tmp_path: Path, fn: Function, options: dict[str, object], pairs: int
) -> None:
    implementation(dtypes="float32", **options)(fn)
    page = run(tmp_path, "--pairs=1", f"--implementations={fn.__name__}, vecdot")
    kept = [json.loads(line) for line in lines(tmp_path)]
    (found,) = [row for row in kept if row.get("implementation") == fn.__name__]
    assert found["broken"] >= pairs
    assert f"| {found['broken']:,} " in next(line for line in page.splitlines() if f"`{fn.__name__}`" in line)
    assert all(row["broken"] == 0 for row in kept if row.get("implementation") == "vecdot")


def test_a_contestant_that_fails_ends_nothing(tmp_path: Path) -> None:
    implementation(dtypes="float32")(broken)
    page = run(tmp_path, f"--pairs={10 * bounds.PAIRS + 1}", "--implementations=broken,vecdot")
    assert len(lines(tmp_path)) == 1 + 2
    assert "* `broken`, float32: ValueError: no kernel for this" in page
    assert "`vecdot`" in page
    before = lines(tmp_path)
    run(tmp_path, "--pairs=1e7", "--implementations=broken")
    assert lines(tmp_path) == before, "a failure must not be tried again"


def test_what_several_processes_fail_at_is_kept_once() -> None:
    kept = KeptTrials(None, "this torch")
    for number in range(3):
        kept.add([bounds.Trial(implementation="a", task="paired", dtype="float32", number=number, reason="no kernel")])
    assert [one.number for one in kept.trials] == [0]


def test_several_processes_find_the_same(tmp_path: Path) -> None:
    found = []
    for processes in "12":
        folder = tmp_path / processes
        folder.mkdir()
        run(folder, "--pairs=1", "--implementations=angle,vecdot", f"--processes={processes}")
        found.append(lines(folder))
    assert found[0] == found[1]
    assert len(found[0]) == 2


def test_the_page_is_written_to_the_named_folder_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    published = Path(__file__).parent.parent / "docs" / "figures" / "accuracy.md"
    before = published.read_bytes()
    experiment.main(["--pairs=1", "--implementations=vecdot"])
    assert capsys.readouterr().out.startswith("# How wrong, at worst?")
    assert published.read_bytes() == before
    experiment.main(["--pairs=1", "--implementations=vecdot", f"--docs={tmp_path / 'new'}"])
    assert capsys.readouterr().out == f"{tmp_path / 'new' / 'accuracy.md'}\n"
    assert "`vecdot`" in (tmp_path / "new" / "accuracy.md").read_text(encoding="utf-8")


def test_trials_that_were_cut_short_go_on(tmp_path: Path) -> None:
    one = exactness.PAIRS * len(KINDS)
    run(tmp_path, f"--pairs={one}", "--implementations=accurate")
    (tmp_path / "all.jsonl").write_text("".join(f"{line}\n" for line in lines(tmp_path)[:4]) + '{"half')
    first = run(tmp_path, f"--pairs={one}", "--implementations=accurate")
    assert len(lines(tmp_path)) == len(set(lines(tmp_path))) == len(KINDS) + 1
    again = run(tmp_path, f"--pairs={one}", "--implementations=accurate")
    assert again == first
    run(tmp_path, f"--pairs={one}", "--implementations=accurate,vecdot")
    assert len(lines(tmp_path)) == len(KINDS) + 2
    run(tmp_path, f"--pairs={one + 1}", "--implementations=accurate")
    rows = [json.loads(line) for line in lines(tmp_path)]
    assert sorted({row["number"] for row in rows if "kind" in row and "ulp" in row}) == [0, 1]


def test_the_page_has_all_stored_rows(tmp_path: Path) -> None:
    page = run(tmp_path, "--pairs=1", "--implementations=accurate,matmul,acos_builtin")
    for text in ("`accurate`, float32", *KINDS, "`matmul`", "guarantees:\n0 in all", "--pairs 1`"):
        assert text in page
    cosines, angles = page[page.index("stated bound") :].split("## Each angle")
    (angle,) = [json.loads(line) for line in lines(tmp_path) if "acos_builtin" in line]
    assert "`acos_builtin`" not in cosines
    assert f"| {angle['nans']:,} " in angles
    assert f"| {angle['truth']:.3g} " in angles
    assert f"| {angle['error']:.3g} " in angles


def test_trials_of_another_torch_are_refused(tmp_path: Path) -> None:
    (tmp_path / "all.jsonl").write_text('{"made_by": "torch 1.0"}\n')
    with pytest.raises(SystemExit, match=r"all\.jsonl holds trials of torch 1\.0, not .*; name another file"):
        run(tmp_path, "--pairs=1", "--implementations=vecdot")


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--implementations=acurate", "unknown implementation 'acurate'; did you mean 'accurate'?"),
        ("--implementations=elsewhere", "'elsewhere' does not run on the CPU; leave it out"),
        ("--pairs=0", "0 is no number of pairs; 1e6 is"),
        ("--pairs=nan", "nan is no number of pairs; 1e6 is"),
        ("--pairs=many", "many"),
        ("--processes=0", "0 is no number of processes; 2 is"),
        ("--processes=all", "all is no number of processes; 2 is"),
    ],
)
def test_what_cannot_be_tried_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, message: str
) -> None:
    implementation(devices="cuda")(elsewhere)
    with pytest.raises(SystemExit):
        run(tmp_path, option)
    assert message in capsys.readouterr().err
