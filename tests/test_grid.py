"""Do grids hold the stated cases, and do invalid ones get a clear error?"""

import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from implementations.registry import DEVICES, DTYPES
from suites.grid import FOLDER, GridError, load_grid
from suites.inputs import DISTRIBUTIONS, make_inputs
from suites.records.case import DIRECTIONS, INPUTS, MEMORY_FORMATS, RANK, Case

PAIRED = {"task": '"paired"', "shapes": "[[64, 384]]", "dtypes": '["float32"]'}


def write(folder: Path, text: str) -> str:
    path = folder / "mine.toml"
    path.write_text(text)
    return str(path)


def grid(seconds: str = "0.1", **keys: str | None) -> str:
    block = {key: value for key, value in (PAIRED | keys).items() if value is not None}
    return f"seconds = {seconds}\n[[cases]]\n" + "".join(f"{key} = {value}\n" for key, value in block.items())


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.toml")))
def test_a_shipped_grid_loads_and_names_each_case_once(name: str) -> None:
    loaded = load_grid(name)
    cases = loaded.cases(DEVICES)
    assert loaded.name == name
    assert {case.task for case in cases} == set(RANK)
    assert len({(case.task, case.id) for case in cases}) == len(cases)
    assert {case.device for case in loaded.cases(["cuda"])} == {"cuda"}


def test_a_grid_is_every_combination_of_a_block_s_values_and_leaves_out_devices(tmp_path: Path) -> None:
    text = grid(shapes="[[1, 8], [2, 8]]", dtypes='["float32", "float16"]', devices='"cpu"', inputs='"gaussian"')
    loaded = load_grid(write(tmp_path, text))
    assert [case.id for case in loaded.cases(DEVICES)] == [
        "cpu-float32-1x8-gaussian",
        "cpu-float16-1x8-gaussian",
        "cpu-float32-2x8-gaussian",
        "cpu-float16-2x8-gaussian",
    ]
    assert loaded.cases(["cuda"]) == ()
    assert loaded.seconds == 0.1


def test_a_block_of_top_k_gives_k_to_its_cases_and_a_smaller_corpus_is_searched_for_all_rows(tmp_path: Path) -> None:
    loaded = load_grid(write(tmp_path, grid(**TOP_K)))
    assert [case.id for case in loaded.cases(["cpu"])] == ["cpu-float32-3x7x384-k2", "cpu-float32-3x5x384-k2"]


@pytest.mark.parametrize(
    ("task", "k", "known"),
    [("top_k", 8, "from 1 to 7"), ("top_k", 0, "from 1 to 7"), ("pairwise", 1, "'pairwise' takes no k")],
)
def test_a_case_has_a_k_that_its_corpus_can_give(task: str, k: int, known: str) -> None:
    with pytest.raises(ValueError, match=f"k is {k}, and .*{known}"):
        Case(task=task, shape=(3, 7, 5), dtype="float32", device="cpu", k=k)


def test_a_case_that_two_blocks_name_is_there_once(tmp_path: Path) -> None:
    loaded = load_grid(write(tmp_path, grid() + grid().partition("\n")[2]))
    assert len(loaded.blocks) == 2
    assert len(loaded.cases(["cpu"])) == 1


@pytest.mark.parametrize("name", ["quik", "quick/", "../quick", ""])
def test_a_grid_that_is_not_there_names_those_that_are(name: str) -> None:
    with pytest.raises(GridError, match=rf"no grid '{name}'.* known: full, gpu, quick, smoke, or the path of a \.toml"):
        load_grid(name)


def test_a_grid_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(GridError, match=r"there is no file '.*missing\.toml'; known: full, gpu, .*path of a \.toml"):
        load_grid(str(tmp_path / "missing.toml"))


def test_an_unknown_grid_names_the_nearest_one() -> None:
    with pytest.raises(GridError, match=r"there is no grid 'quik'; did you mean 'quick'\?"):
        load_grid("quik")


MAPS = {"task": '"feature_maps"', "shapes": "[[8, 3, 7, 7]]"}
TOP_K = {"task": '"top_k"', "shapes": "[[3, 7, 384], [3, 5, 384]]", "k": "2"}
BAD = {
    "not TOML": ("seconds = ", "is not TOML: "),
    "no blocks": ("seconds = 1", "the key 'cases' is missing; needed: seconds, cases"),
    "empty blocks": ("seconds = 1\ncases = []", r"one or more tables, each opened by \[\[cases\]\]"),
    "blocks that are no tables": ("seconds = 1\ncases = [3]", r"each opened by \[\[cases\]\]"),
    "one table": ("seconds = 1\n[cases]\ntask = 'paired'", r"each opened by \[\[cases\]\]"),
    "no seconds": (grid().partition("\n")[2], "the key 'seconds' is missing"),
    "unknown key at the top": ("second = 1\n" + grid(), r"unknown key 'second'; did you mean 'seconds'\?"),
    "unknown key": (grid(dtype='"float32"'), r"\[\[cases\]\] 1: unknown key 'dtype'; did you mean 'dtypes'\?"),
    "missing key": (grid(shapes=None), "the key 'shapes' is missing; needed: task, shapes, dtypes"),
    "task": (grid(task='"pairwize"'), r"unknown task 'pairwize'; did you mean 'pairwise'\?"),
    "task that is no string": (grid(task="3"), r"unknown task 3; .*known: paired, feature_maps, pairwise"),
    "dtype": (grid(dtypes='"fp32"'), r"unknown dtype 'fp32'; did you mean 'float32'\?"),
    "dtype that is no string": (grid(dtypes="[32]"), r"unknown dtype 32"),
    "device": (grid(devices='["cdua"]'), r"unknown device 'cdua'; did you mean 'cuda'\?"),
    "memory format": (grid(memory_formats='"nhwc"'), r"unknown memory_format 'nhwc'.* known: contiguous, channels_l"),
    "direction": (grid(directions='"backward"'), r"unknown direction 'backward'; did you mean 'forward"),
    "inputs": (grid(inputs='"gausian"'), r"unknown inputs 'gausian'; did you mean 'gaussian'\?"),
    "channels_last rows": (grid(memory_formats='"channels_last"'), r"channels_last needs \[N, C, H, W\].*'paired'"),
    "no shapes": (grid(shapes="[]"), r"shapes has to be a list of shapes such as \[\[4096, 768\]\], not \[\]"),
    "shapes that are no list": (grid(shapes="64"), "shapes has to be a list of shapes"),
    "a shape that is no list": (grid(shapes="[64, 384]"), r"'paired' needs shapes of 2 sizes such as .*, not 64"),
    "numbers of rows of a distribution": (
        grid(shapes="[64]"),
        r"\[4096, 768\], not 64; where all inputs are files, numbers of rows are enough: shapes = \[64\]",
    ),
    "no shapes of a distribution and a file": (
        grid(shapes=None, inputs='["gaussian", "file:emb.npy"]'),
        "the key 'shapes' is missing",
    ),
    "one number of rows for all pairs": (
        grid(task='"pairwise"', shapes="[64]", inputs='"file:emb.npy"'),
        r"'pairwise' needs shapes of 3 sizes .*, not 64; numbers of rows are enough: shapes = \[\[64, 4096\]\]",
    ),
    "empty shapes of a file": (
        grid(shapes="[]", inputs='"file:emb.npy"'),
        r"not \[\]; leave it out for all rows of the file",
    ),
    "three files": (
        grid(inputs='[["file:x.npy", "file:y.npy", "file:z.npy"]]'),
        r'inputs of x and y are two files, \["file:x.npy", "file:y.npy"\], not \[\'file:x',
    ),
    "a file and a distribution as x and y": (grid(inputs='[["file:x.npy", "gaussian"]]'), "x and y are two files"),
    "k of zero of a file": (
        grid(**TOP_K | {"k": "0", "shapes": None}, inputs='"file:emb.npy"'),
        "k is 0; it has to be a whole number of 1 or more, such as 10",
    ),
    "wrong rank": (grid(shapes="[[64, 384, 2]]"), r"'paired' needs shapes of 2 sizes such as \[4096, 768\], not "),
    "wrong rank of maps": (grid(**MAPS | {"shapes": "[[8, 3]]"}), r"'feature_maps' needs shapes of 4 sizes such as"),
    "no dtypes": (grid(dtypes="[]"), "dtypes is empty; known: float64, float32"),
    "cache": (grid(caches='"col"'), r"unknown cache 'col'; did you mean 'cold'"),
    "k of another task": (grid(k="10"), "k is 10, and 'paired' takes no k; leave it out, or take the task 'top_k'"),
    "no k": (grid(**TOP_K | {"k": None}), "the key 'k' is missing; needed: task, shapes, dtypes, k"),
    "k of zero": (grid(**TOP_K | {"k": "0"}), "k is 0; the smallest corpus has 5 rows, so k is from 1 to 5"),
    "k beyond the corpus": (grid(**TOP_K | {"k": "6"}), "k is 6; the smallest corpus has 5 rows, so k is from 1 to 5"),
    "k that is no integer": (grid(**TOP_K | {"k": "1.5"}), r"k is 1\.5; the smallest corpus has 5 rows"),
    "gradients of indices": (
        grid(**TOP_K, directions='"forward+backward"'),
        "the task 'top_k' has indices, which have no gradient; its direction is 'forward'",
    ),
    "no directions": (grid(directions="[]"), "directions is empty"),
}


@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD)
def test_a_bad_grid_says_where_and_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(GridError, match=rf"mine\.toml.*{message}"):
        load_grid(write(tmp_path, text))


@pytest.mark.parametrize("size", ["-1", "0", "8.0", "true", "'8'"])
def test_a_size_is_an_integer_of_one_or_more(tmp_path: Path, size: str) -> None:
    shown = size.replace("true", "True")
    with pytest.raises(GridError, match=rf"the shape \[64, {shown}\] holds {shown}; a size is an integer of 1 or more"):
        load_grid(write(tmp_path, grid(shapes=f"[[64, {size}]]")))


NO_POSITIVE_NUMBERS = ["0", "-1", "nan", "inf", "-inf", "'1'", "true", "[1]"]


@pytest.mark.parametrize("seconds", NO_POSITIVE_NUMBERS)
def test_seconds_are_a_positive_number(tmp_path: Path, seconds: str) -> None:
    with pytest.raises(GridError, match=r"seconds is .*; it has to be a number above 0, such as 0\.25$"):
        load_grid(write(tmp_path, grid(seconds=seconds)))


@pytest.mark.parametrize("precision", NO_POSITIVE_NUMBERS)
def test_precision_is_a_positive_number(tmp_path: Path, precision: str) -> None:
    with pytest.raises(GridError, match=r"precision is .*; it has to be a number above 0, such as 1, which is ± 1 %"):
        load_grid(write(tmp_path, f"precision = {precision}\n{grid()}"))


def test_a_grid_asks_for_one_percent_unless_it_says_otherwise(tmp_path: Path) -> None:
    assert load_grid(write(tmp_path, grid())).precision == 0.01
    assert load_grid(write(tmp_path, f"precision = 5\n{grid()}")).precision == 0.05


def test_a_file_that_is_not_text_is_not_toml(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(GridError, match="is not TOML"):
        load_grid(str(path))


sizes = st.integers(1, 9)


@st.composite
def cases(draw: st.DrawFn, task: str = "") -> Case:
    task = task or draw(st.sampled_from(sorted(RANK)))
    shape = draw(st.tuples(*[sizes] * RANK[task]))
    return Case(
        task=task,
        shape=shape,
        k=draw(st.integers(1, shape[1])) if task == "top_k" else 0,
        dtype=draw(st.sampled_from(DTYPES)),
        device=draw(st.sampled_from(DEVICES)),
        memory_format=draw(st.sampled_from(MEMORY_FORMATS)),
        direction=draw(st.sampled_from(DIRECTIONS)),
        inputs=draw(st.sampled_from((*INPUTS, "file:contiguous", "file:a-b"))),
    )


@given(st.sampled_from(sorted(RANK)).flatmap(lambda task: st.lists(cases(task), min_size=2, max_size=30, unique=True)))
@settings(deadline=None)
def test_distinct_cases_of_a_task_have_distinct_ids(several: list[Case]) -> None:
    assert len({case.id for case in several}) == len(several)


@given(cases())
@settings(deadline=None)
def test_an_axis_that_has_its_default_is_not_in_the_id(case: Case) -> None:
    defaults = {"contiguous", "forward", "prescribed"}
    assert not defaults & set(case.id.split("-")[3:])
    plain = Case(task=case.task, shape=case.shape, dtype=case.dtype, device=case.device, k=case.k)
    name = f"{case.device}-{case.dtype}-{'x'.join(map(str, case.shape))}"
    assert plain.id == name + (f"-k{case.k}" if case.task == "top_k" else "")
    assert case.id.startswith(name)


@given(st.data())
@settings(deadline=None, max_examples=50)
def test_input_bytes_and_shapes_are_those_of_the_tensors(data: st.DataObject) -> None:
    drawn = data.draw(cases())
    case = Case(task=drawn.task, shape=drawn.shape, dtype=drawn.dtype, device="cpu", k=drawn.k)
    x, y = make_inputs(case)
    assert case.input_bytes == sum(t.numel() * t.element_size() for t in (x, y))
    assert case.operand_shapes == (x.shape, y.shape)
    assert case.length == math.prod(x.shape[1:])
    per_row = {"pairwise": (len(y),), "top_k": (case.k,)}
    assert case.output_shape == (len(x), *per_row.get(case.task, ()))


def test_the_inputs_of_a_grid_are_those_that_exist() -> None:
    assert set(INPUTS) == set(DISTRIBUTIONS)
