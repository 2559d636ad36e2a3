"""Does a question about one's own rows become the cases that answer it?"""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from suites.inputs import InputError, UserInputs, load_rows, make_inputs, source_of
from suites.inputs.rows import sample
from suites.plan import Plan
from suites.records.case import Case

WIDTH = 3
GRID = """
seconds = 0.001
families = ["self"]
[[cases]]
task = "paired"
shapes = [[4, 8], [1, 8], [4, 16], [99, 8]]
dtypes = ["float32", "bfloat16"]
[[cases]]
task = "angle"
shapes = [[6, 8]]
dtypes = ["float32"]
directions = ["forward+backward"]
[[cases]]
task = "pairwise"
shapes = [[2, 5, 8], [5, 99, 8]]
dtypes = ["float32", "float16"]
[[cases]]
task = "top_k"
shapes = [[2, 99, 8]]
k = 20
dtypes = ["float32"]
[[cases]]
task = "feature_maps"
shapes = [[2, 3, 4, 4]]
dtypes = ["float32"]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.toml").write_text(GRID)
    for name, rows in {"emb": 10, "other": 10, "few": 7, "q": 3, "one": 1}.items():
        np.save(tmp_path / f"{name}.npy", 1 + np.arange(rows * WIDTH, dtype=np.float32).reshape(rows, WIDTH))
    np.save(tmp_path / "wide.npy", np.ones((10, 5)))
    np.save(tmp_path / "maps.npy", np.ones((10, 2, 4, 5)))
    return tmp_path


def plan(folder: Path, grid: str = "mine.toml", **options: object) -> Plan:
    """The plan of these options, where those that name files of the folder have no suffix."""
    files = {"inputs", "queries", "corpus"}
    given = {key: path(folder, value) if key in files else value for key, value in options.items()}
    return Plan.of(grid=str(folder / grid), device="cpu", **given)  # type: ignore[arg-type]


def path(folder: Path, names: object) -> object:
    return str(folder / f"{names}.npy") if isinstance(names, str) else [path(folder, name) for name in names]  # type: ignore[attr-defined]


def ids(found: Plan, task: str) -> list[str]:
    return [case.id.removeprefix("cpu-") for case in found.cases if case.task == task]


def test_inputs_keep_tasks_rows_dtypes_and_families_and_add_the_whole_file(folder: Path) -> None:
    found = plan(folder, inputs=["emb"])
    assert ids(found, "paired") == [f"{d}-{n}x3-file:emb" for n in (4, 1, 10) for d in ("float32", "bfloat16")]
    assert ids(found, "angle") == [f"float32-{n}x3-forward+backward-file:emb" for n in (6, 10)]
    assert ids(found, "pairwise") == [f"{d}-{n}x3-file:emb" for n in ("2x5", "5x10") for d in ("float32", "float16")]
    assert ids(found, "top_k") == ["float32-2x10x3-file:emb-k10"], "a corpus of 10 rows has 10 nearest ones"
    assert found.grid.families == ("self",)
    assert found.left_out == {
        "feature_maps": "file:emb holds [N, D] rows, it takes [N, C, H, W]",
        "known_bugs": "they are torch's, not part of the question",
    }


def test_files_of_unlike_numbers_of_rows_have_all_pairs_only(folder: Path) -> None:
    found = plan(folder, inputs=["emb", "few"])
    assert ids(found, "pairwise")[2:] == [f"{dtype}-5x7x3-file:emb+few" for dtype in ("float32", "float16")]
    assert {case.task for case in found.cases} == {"pairwise", "top_k"}
    assert found.left_out["paired"] == "rows of x meet their rows of y, and file:emb+few holds 10 and 7 rows"


def test_a_search_is_one_query_and_all_of_them_against_the_whole_corpus(folder: Path) -> None:
    found = plan(folder, queries="q", corpus="emb", k="10")
    shapes = ("1x10x3", "3x10x3")
    assert ids(found, "pairwise") == [f"{d}-{s}-file:q+emb" for s in shapes for d in ("float32", "float16")]
    assert ids(found, "top_k") == [f"{d}-{s}-file:q+emb-k10" for s in shapes for d in ("float32", "float16")]
    assert {case.task for case in found.cases} == {"pairwise", "top_k"}
    assert set(found.left_out) == {"paired", "angle", "feature_maps", "known_bugs"}
    assert {entry.task for entry in found.implementations} <= {"pairwise", "top_k"}, "others have no case"


def test_one_query_is_one_case_and_without_k_nothing_is_ranked(folder: Path) -> None:
    found = plan(folder, queries="one", corpus="emb")
    assert ids(found, "pairwise") == ["float32-1x10x3-file:one+emb", "float16-1x10x3-file:one+emb"]
    assert found.left_out["top_k"] == "--k K asks for the nearest K rows"


def test_a_search_and_pairs_of_rows_are_asked_in_one_command(folder: Path) -> None:
    found = plan(folder, queries="q", corpus="emb", inputs=["emb"], dtypes="bfloat16,float16")
    assert ids(found, "paired") == [f"bfloat16-{n}x3-file:emb" for n in (4, 1, 10)]
    both = ("bfloat16", "float16")
    assert ids(found, "pairwise") == [f"{d}-{n}x10x3-file:q+emb" for n in (1, 3) for d in both]
    assert found.left_out["angle"] == "the grid has it in float32 only"
    assert found.inputs.keys() == {"file:emb", "file:q+emb"}


def test_a_search_has_the_dtypes_of_the_grid_where_its_task_has_none(folder: Path) -> None:
    (folder / "paired.toml").write_text(GRID[: GRID.index('[[cases]]\ntask = "angle"')])
    found = plan(folder, "paired.toml", queries="q", corpus="emb", dtypes="bfloat16", k="2")
    assert {(case.task, case.dtype) for case in found.cases} == {("pairwise", "bfloat16"), ("top_k", "bfloat16")}


@pytest.mark.parametrize("dtypes", ["float32", "bfloat16", "float16,bfloat16", "float32,float16,bfloat16"])
def test_top_k_is_answered_in_each_dtype_that_is_asked_for_as_all_pairs_are(folder: Path, dtypes: str) -> None:
    found = plan(folder, queries="q", corpus="emb", k="2", dtypes=dtypes)
    asked = {(task, dtype) for task in ("pairwise", "top_k") for dtype in dtypes.split(",")}
    assert {(case.task, case.dtype) for case in found.cases} == asked
    assert not {"pairwise", "top_k"} & found.left_out.keys()


def test_dtypes_narrow_any_grid(folder: Path) -> None:
    found = plan(folder, dtypes="bfloat16")
    assert {case.dtype for case in found.cases} == {"bfloat16"}
    assert found.left_out == {
        "angle": "the grid has it in float32 only",
        "pairwise": "the grid has it in float32 and float16 only",
        "top_k": "the grid has it in float32 only",
        "feature_maps": "the grid has it in float32 only",
    }


def test_rows_beyond_a_dtype_leave_it_out_and_the_rest_runs(folder: Path) -> None:
    for values, why in ((1e6, "holds 1e+06, and float16 ends at 65504"), (1e-9, "holds at most 1e-09, which is 0 in")):
        np.save(folder / "emb.npy", np.full((10, WIDTH), values, dtype=np.float32))
        for asked in ({"inputs": ["emb"]}, {"queries": "q", "corpus": "emb"}):
            found = plan(folder, **asked)
            assert {case.dtype for case in found.cases} <= {"float32", "bfloat16"}
            assert why in found.left_out["float16"]
            with pytest.raises(ValueError, match=re.escape(why)):
                plan(folder, **asked, dtypes="float16")


def test_a_grid_of_files_leaves_out_what_cannot_be_held_too(folder: Path) -> None:
    np.save(folder / "few.npy", np.full((7, WIDTH), -1e6, dtype=np.float32))
    text = of_files("gaussian", "file:emb.npy", "file:few.npy").replace('["float32"]', '["float32", "float16"]')
    (folder / "files.toml").write_text(text)
    found = plan(folder, "files.toml")
    few = [case.dtype for case in found.cases if case.inputs == "file:few"]
    others = {case.dtype for case in found.cases if case.inputs != "file:few"}
    assert (few, others) == (["float32"] * 2, {"float32", "float16"})
    assert "file:few holds 1e+06" in found.left_out["float16"]
    assert found.capped == tuple(f"{f}: shapes of 99 rows take all that there are" for f in ("file:emb", "file:few"))


def test_shapes_of_more_rows_than_there_are_are_said(folder: Path) -> None:
    assert plan(folder, inputs=["emb"]).capped == ("file:emb: shapes of 99 rows take all that there are",)
    assert plan(folder, queries="q", corpus="emb").capped == (), "a search has shapes of its own"
    assert plan(folder, inputs=["few"], dtypes="float16").capped == (
        "file:few: shapes of 99 rows take all that there are",
    )
    assert plan(folder).capped == ()


def test_a_grid_names_files_beside_it_and_mixes_them_with_distributions(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    (folder / "files.toml").write_text(of_files("file:emb.npy", "gaussian", "file:few.npy"))
    found = plan(folder, "files.toml")
    assert ids(found, "paired") == [
        *(f"float32-{shape}-gaussian" for shape in ("4x8", "99x8")),
        *(f"float32-{shape}-file:emb" for shape in ("4x3", "10x3")),
        *(f"float32-{shape}-file:few" for shape in ("4x3", "7x3")),
    ]
    before = found.fingerprints
    assert before == plan(folder, "files.toml").fingerprints
    np.save(folder / "few.npy", np.ones((7, WIDTH)))
    after = plan(folder, "files.toml").fingerprints
    assert [key for key in before if before[key] != after[key]] == ["inputs"]


ALL, CAPPED = "10x3", "10x10x3"
OF_FILES = {  # the task, shapes and inputs; the shapes of the cases
    "all rows": ("paired", "", '"file:emb.npy"', [ALL]),
    "all rows of two files": ("paired", "", '["file:emb.npy", "file:few.npy"]', [ALL, "7x3"]),
    "numbers of rows": ("paired", "[4, 99]", '"file:emb.npy"', ["4x3", ALL]),
    "numbers of rows in brackets": ("angle", "[[4], [4, 8]]", '"file:emb.npy"', ["4x3"]),
    "numbers of maps": ("feature_maps", "[2]", '"file:maps.npy"', ["2x2x4x5"]),
    "all maps": ("feature_maps", "", '"file:maps.npy"', ["10x2x4x5"]),
    "all pairs": ("pairwise", "", '"file:emb.npy"', [CAPPED]),
    "some pairs": ("pairwise", "[[1, 99], [2, 3]]", '"file:emb.npy"', ["1x10x3", "2x3x3"]),
    "the nearest rows": ("top_k", "[[1, 99]]", '"file:emb.npy"', ["1x10x3"]),
    "the nearest of all rows": ("top_k", "", '"file:emb.npy"', [CAPPED]),
    "x and y": ("paired", "[4]", '[["file:emb.npy", "file:other.npy"]]', ["4x3"]),
    "x and y in one string": ("paired", "[4]", '"file:emb.npy+file:other.npy"', ["4x3"]),
    "queries and a corpus": ("pairwise", "", '[["file:q.npy", "file:emb.npy"]]', ["3x10x3"]),
}


@pytest.mark.parametrize("name", OF_FILES)
def test_a_block_of_files_needs_no_width_and_no_shapes(folder: Path, name: str) -> None:
    task, shapes, inputs, expected = OF_FILES[name]
    text = f'seconds = 1\n[[cases]]\ntask = "{task}"\ndtypes = ["float32"]\ninputs = {inputs}\n'
    text += (f"shapes = {shapes}\n" if shapes else "") + ("k = 2\n" if task == "top_k" else "")
    (folder / "files.toml").write_text(text)
    found = plan(folder, "files.toml")
    assert ["x".join(map(str, case.shape)) for case in found.cases] == expected
    for case in found.cases:
        x, y = make_inputs(case, files=found.inputs)
        assert (x.shape, y.shape) == case.operand_shapes


def test_x_and_y_of_a_grid_are_two_files_in_their_order(folder: Path) -> None:
    (folder / "files.toml").write_text(
        of_files().replace("inputs = []", 'inputs = [["file:emb.npy", "file:other.npy"]]')
    )
    np.save(folder / "other.npy", -np.load(folder / "emb.npy"))
    found = plan(folder, "files.toml")
    assert ids(found, "paired") == ["float32-4x3-file:emb+other", "float32-10x3-file:emb+other"]
    x, y = make_inputs(found.cases[1], files=found.inputs)
    assert torch.equal(x, -y)


def test_all_pairs_of_a_large_file_are_those_of_a_sample_unless_shapes_say_more(folder: Path) -> None:
    np.save(folder / "large.npy", np.ones((600, WIDTH)))
    text = of_files("file:large.npy").replace("paired", "pairwise")
    (folder / "files.toml").write_text(text.replace("shapes = [[4, 8], [99, 8]]\n", ""))
    assert ids(plan(folder, "files.toml"), "pairwise") == ["float32-512x512x3-file:large"]
    (folder / "files.toml").write_text(text.replace("[[4, 8], [99, 8]]", "[[550, 600]]"))
    assert ids(plan(folder, "files.toml"), "pairwise") == ["float32-550x600x3-file:large"]


def of_files(*inputs: str) -> str:
    block = f'task = "paired"\nshapes = [[4, 8], [99, 8]]\ndtypes = ["float32"]\ninputs = {[*inputs]}'
    return f"seconds = 1\n[[cases]]\n{block}"


BAD_GRIDS = {
    "absent": ("file:enb.npy", r"there is no file '.*enb\.npy'; did you mean 'emb\.npy'\?"),
    "of another rank": ("file:maps.npy", r"'paired' cannot take these rows: file:maps holds \[N, C, H, W\] rows"),
    "of one name": ("file:emb.npy', 'file:./emb.npy", r"'file:emb.npy' and 'file:./emb.npy' have one name, 'file:emb'"),
    "without its prefix": ("emb.npy", r"unknown inputs 'emb\.npy'.*known: prescribed, .*, file:PATH"),
    "one of a pair": ("file:emb.npy+file:enb.npy", r"there is no file '.*enb\.npy'; did you mean 'emb\.npy'\?"),
    "a pair of unlike widths": (
        "file:emb.npy+file:wide.npy",
        r"emb\.npy' has rows of 3 and .*wide\.npy' has rows of 5",
    ),
    "pairs of unlike numbers": (
        "file:emb.npy+file:few.npy",
        r"x meet their rows of y, and file:emb\+few holds 10 and 7",
    ),
    "without a path": ("file:", r"is not a file; name one of the type \.npy"),
}


@pytest.mark.parametrize(("inputs", "message"), BAD_GRIDS.values(), ids=BAD_GRIDS)
def test_a_file_that_a_grid_cannot_use_is_an_error_of_the_grid(folder: Path, inputs: str, message: str) -> None:
    (folder / "files.toml").write_text(of_files(*inputs.split("', '")))
    with pytest.raises(ValueError, match=rf"files\.toml.*{message}"):
        plan(folder, "files.toml")


BAD = {
    "queries alone": ({"queries": "q"}, "--queries needs --corpus FILE, the rows to search"),
    "a corpus alone": ({"corpus": "emb"}, "--corpus needs --queries FILE, the rows to search for"),
    "k alone": ({"k": "3"}, "--k needs --queries FILE and --corpus FILE"),
    "k with inputs": ({"k": "3", "inputs": ["emb"]}, "--k needs --queries FILE and --corpus FILE"),
    **{
        f"k of {k!r}": (
            {"queries": "q", "corpus": "emb", "k": k},
            f"--k is {k!r}; it has to be a whole number from 1 to 10, the rows of the corpus",
        )
        for k in ("0", "-1", "11", "many", "2.5", "", "²")
    },
    "unlike widths": (
        {"queries": "q", "corpus": "wide"},
        r"q\.npy' has rows of 3 and .*wide\.npy' has rows of 5; rows of one size",
    ),
    "unlike widths of x and y": (
        {"inputs": ["emb", "wide"]},
        r"emb\.npy' has rows of 3 and .*wide\.npy' has rows of 5",
    ),
    "maps as a corpus": (
        {"queries": "q", "corpus": "maps"},
        r"maps\.npy' has the shape .*; queries and a corpus are \[",
    ),
    "one row": ({"inputs": ["one"]}, "holds one row, which has no next one"),
    "absent queries": ({"queries": "qq", "corpus": "emb"}, r"there is no file '.*qq\.npy'; did you mean 'q\.npy'"),
    "maps for a grid of rows": (
        {"inputs": ["maps"], "dtypes": "bfloat16"},
        r"no case .*; paired: file:maps holds \[N, C",
    ),
    "an unknown dtype": ({"dtypes": "bf16"}, "--dtypes: unknown dtype 'bf16'; did you mean 'bfloat16'"),
    "no dtype": ({"dtypes": ""}, "--dtypes: unknown dtype ''; known: float64"),
    "a dtype that the grid has not": (
        {"dtypes": "float32,float64"},
        r"--dtypes: the grid '.*' has no case in float64; it has float32, bfloat16, float16",
    ),
}


@pytest.mark.parametrize(("options", "message"), BAD.values(), ids=BAD)
def test_a_question_that_cannot_be_answered_says_what_to_do(
    folder: Path, options: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        plan(folder, **options)


rows_of_a_file = st.integers(2, 60)


@given(of=rows_of_a_file, n=st.integers(1, 60), fewer=st.integers(1, 60))
@settings(deadline=None)
def test_a_sample_is_different_rows_in_order_the_same_each_time_and_holds_a_smaller_one(
    of: int, n: int, fewer: int
) -> None:
    rows = sample(n, of)
    assert len(rows) == min(n, of)
    assert (np.diff(rows) > 0).all()
    assert (rows >= 0).all()
    assert (rows < of).all()
    assert (rows == sample(n, of)).all()
    assert {*sample(min(fewer, n), of)} <= {*rows}


@given(of=rows_of_a_file, n=st.integers(1, 60), m=st.integers(1, 60), two=st.booleans())
@settings(deadline=None)
def test_rows_of_a_case_are_rows_of_the_file_and_pairs_stay_pairs(
    tmp_path_factory: pytest.TempPathFactory, of: int, n: int, m: int, two: bool
) -> None:
    rows = numbered(tmp_path_factory.getbasetemp(), of, two=two)
    x, y = taken(rows, "paired", (n, 1))
    if two:
        assert torch.equal(y, -x), "a row of x and its own row of y"
    else:
        assert (x != y).all(), "another row"
        assert {*y.flatten().tolist()} <= {*range(1, of + 1)}
        assert len(x) == 1 or {*x.flatten().tolist()} == {*y.flatten().tolist()}
    assert len({*x.flatten().tolist()} & {*range(1, of + 1)}) == len(x) == min(n, of)
    x, y = taken(rows, "pairwise", (n, m, 1))
    assert (len(x), len(y)) == (min(n, of), min(m, of))
    assert {*x.flatten().tolist(), *y.abs().flatten().tolist()} <= {*range(1, of + 1)}


def numbered(folder: Path, count: int, *, two: bool) -> UserInputs:
    """Rows of one number each, from 1 on; y are the same with a minus."""
    files = [folder / "numbered_x.npy", folder / "numbered_y.npy"]
    for file, sign in zip(files, (1, -1), strict=True):
        np.save(file, sign * np.arange(1, count + 1, dtype=np.float32)[:, None])
    return load_rows(source_of(*files[: 1 + two]))


def taken(rows: UserInputs, task: str, shape: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    name = rows.source.inputs
    case = Case(task=task, shape=rows.fit(task, shape), dtype="float32", device="cpu", inputs=name)
    return make_inputs(case, files={name: rows})


def test_queries_are_compared_with_the_rows_of_the_corpus_in_their_order(folder: Path) -> None:
    found = plan(folder, queries="q", corpus="emb")
    (case,) = (case for case in found.cases if case.shape == (3, 10, 3) and case.dtype == "float32")
    x, y = make_inputs(case, files=found.inputs)
    assert np.array_equal(x, np.load(folder / "q.npy"))
    assert np.array_equal(y, np.load(folder / "emb.npy"))


def test_a_file_of_two_tensors_is_no_x_of_two_files(folder: Path) -> None:
    torch.save([torch.ones(3, 3), torch.ones(3, 3)], folder / "both.pt")
    with pytest.raises(InputError, match=r"both\.pt' holds 2 tensors, '0', '1'; of two files each holds one"):
        load_rows(source_of(folder / "both.pt", folder / "emb.npy"))


def test_one_file_may_be_the_queries_and_the_corpus(folder: Path) -> None:
    found = plan(folder, queries="emb", corpus="emb")
    assert ids(found, "pairwise")[2:] == ["float32-10x10x3-file:emb+emb", "float16-10x10x3-file:emb+emb"]
