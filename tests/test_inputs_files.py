"""Is a user's file read unchanged or refused with a reason, and never executed?"""

import contextlib
import dataclasses
import itertools
import os
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from suites.inputs import InputError, UserInputs, load_rows, make_inputs, sealed, source_of
from suites.records.case import BYTES, Case
from tests.tensors import same

Pair = tuple[torch.Tensor, torch.Tensor]
ROWS = np.arange(1, 25, dtype=np.float32).reshape(6, 4)
SAVERS: dict[str, Callable[[torch.Tensor, Path], None]] = {
    ".npy": lambda t, path: np.save(path, t.numpy()),
    ".pt": torch.save,
    ".pth": torch.save,
    ".safetensors": lambda t, path: save_file({"rows": t}, path),
}


def saved(folder: Path, array: object, name: str = "rows.npy") -> Path:
    path = folder / name
    np.save(path, array) if path.suffix == ".npy" else torch.save(array, path)  # type: ignore[arg-type]
    return path


def case(shape: tuple[int, ...], task: str = "paired", dtype: str = "float32", inputs: str = "file:rows") -> Case:
    return Case(task=task, shape=shape, dtype=dtype, device="cpu", inputs=inputs)


def load_file(path: Path) -> UserInputs:
    return load_rows(source_of(path))


def inputs_of(rows: UserInputs, task: str, dtype: str = "float32") -> Pair:
    """All of them, or for all pairs of one file at most 2048."""
    name = rows.source.inputs
    return make_inputs(case(rows.whole(task), task, dtype, name), files={name: rows})


@pytest.mark.parametrize("suffix", SAVERS)
def test_one_array_of_each_format_pairs_each_row_with_the_next(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows{suffix.upper() if suffix != '.npy' else suffix}"
    SAVERS[suffix](torch.from_numpy(ROWS), path)
    before = path.read_bytes()
    file = load_file(path)
    x, y = inputs_of(file, "paired")
    assert (file.source.inputs, file.y, file.note) == ("file:rows", None, "")
    assert torch.equal(x, torch.from_numpy(ROWS))
    assert torch.equal(y, x.roll(-1, 0))
    assert path.read_bytes() == before


def test_all_pairs_of_one_array_are_its_rows_with_themselves(tmp_path: Path) -> None:
    x, y = inputs_of(load_file(saved(tmp_path, ROWS)), "pairwise")
    assert torch.equal(x, y)


def test_feature_maps_keep_their_shape(tmp_path: Path) -> None:
    maps = torch.rand(4, 3, 2, 2).to(memory_format=torch.channels_last)
    x, y = inputs_of(load_file(saved(tmp_path, maps, "maps.pt")), "feature_maps")
    assert torch.equal(x, maps)
    assert torch.equal(y, maps.roll(-1, 0))
    assert x.is_contiguous()


def test_two_tensors_are_x_and_y_whatever_their_order(tmp_path: Path) -> None:
    x, y = torch.rand(5, 3), torch.rand(5, 3)
    save_file({"y": y, "x": x}, tmp_path / "pairs.safetensors")
    torch.save({"y": y, "x": x, "epoch": 3}, tmp_path / "pairs.pt")
    torch.save([x, y], tmp_path / "list.pt")
    for name, task in itertools.product(("pairs.safetensors", "pairs.pt", "list.pt"), ("paired", "pairwise")):
        assert same(inputs_of(load_file(tmp_path / name), task), (x, y))


def test_the_shapes_that_a_file_gives_each_task(tmp_path: Path) -> None:
    vectors = load_file(saved(tmp_path, np.ones((3000, 2))))
    maps = load_file(saved(tmp_path, np.ones((3, 2, 4, 5)), "maps.npy"))
    assert vectors.fit("paired", (4096, 768)) == (3000, 2)
    assert vectors.fit("pairwise", (1, 4096, 768)) == (1, 3000, 2)
    assert maps.fit("feature_maps", (2, 64, 56, 56)) == (2, 2, 4, 5)
    assert [vectors.whole(task) for task in ("paired", "angle")] == [(3000, 2)] * 2
    takes = {task: (not vectors.misfit(task), not maps.misfit(task)) for task in ("paired", "feature_maps", "pairwise")}
    assert takes == {"paired": (True, False), "feature_maps": (False, True), "pairwise": (True, False)}
    with pytest.raises(InputError, match=r"'file:rows' holds 3,000 rows of 2: the shape \(5, 3\) becomes \(5, 2\)"):
        make_inputs(case((5, 3)), files={"file:rows": vectors})


def test_a_note_names_the_two_sides_of_the_comparison(tmp_path: Path) -> None:
    x, maps = torch.rand(3000, 2), torch.rand(3, 2, 4, 5)
    tensors = {"rows": x, "maps": maps, "pairs": [x, x], "numbers": [maps.int() + 1, maps.int() + 1]}
    said = {}
    for name, rows in tensors.items():
        loaded = load_file(saved(tmp_path, rows, f"{name}.pt"))
        tasks = [task for task in ("paired", "feature_maps", "pairwise") if not loaded.misfit(task)]
        said[name] = loaded.description([case(loaded.whole(task), task, inputs=f"file:{name}") for task in tasks])
    assert said == {
        "rows": "file:rows: 3,000 rows of 2; each row with the next, the last with the first; all pairs of rows",
        "maps": "file:maps: 3 rows of 2x4x5; each row with the next, the last with the first",
        "pairs": "file:pairs: 3,000 rows of 2; x with y, row by row; x and y are the same rows, with a cosine of 1",
        "numbers": "file:numbers: 3 rows of 2x4x5; x with y, row by row; int32 converted to float32; "
        "x and y are the same rows, with a cosine of 1",
    }


def test_a_sample_is_said_with_what_it_is_of(tmp_path: Path) -> None:
    rows = load_file(saved(tmp_path, np.ones((5000, 2))))
    cases = [case((n, 2)) for n in (1, 4096, 5000)]
    assert rows.description(cases).endswith("; samples of 1 and 4096 of 5,000 rows, and all of them")
    assert "sample" not in rows.description(cases[2:])


@pytest.mark.parametrize("dtype", BYTES)
def test_the_files_own_float_dtype_is_kept(tmp_path: Path, dtype: str) -> None:
    rows = torch.rand(5, 3).to(getattr(torch, dtype))
    assert load_file(saved(tmp_path, rows, "rows.pt")).x.dtype == rows.dtype
    assert torch.equal(inputs_of(load_file(tmp_path / "rows.pt"), "paired", dtype)[0], rows)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "uint16", "int64", "uint64"])
def test_integers_become_float32_and_the_note_says_so(tmp_path: Path, dtype: str) -> None:
    file = load_file(saved(tmp_path, ROWS.astype(dtype)))
    assert torch.equal(file.x, torch.from_numpy(ROWS))
    assert file.note == f"{dtype} converted to float32"


def test_other_byte_orders_and_column_order_are_read(tmp_path: Path) -> None:
    for array in (ROWS.astype(">f4"), np.asfortranarray(ROWS)):
        assert torch.equal(load_file(saved(tmp_path, array)).x, torch.from_numpy(ROWS))


def test_a_name_becomes_harmless_and_families_stay_available(tmp_path: Path) -> None:
    file = load_file(saved(tmp_path, ROWS, "a b|<i>`é.npy"))
    assert file.source.inputs == "file:a_b_i_"
    files, gaussian = {"file:a_b_i_": file}, case((9, 2), inputs="gaussian")
    assert same(make_inputs(gaussian), make_inputs(gaussian, files=files))
    with pytest.raises(InputError, match="unknown inputs 'file:a_b_i'; did you mean 'file:a_b_i_'"):
        make_inputs(case((6, 4), inputs="file:a_b_i"), files=files)


def test_numbers_too_large_for_the_dtype_are_refused_when_it_is_asked_for(tmp_path: Path) -> None:
    file = load_file(saved(tmp_path, ROWS * 1e4))
    assert inputs_of(file, "paired", "bfloat16")[0].isfinite().all()
    with pytest.raises(InputError, match="holds 240000, and float16 ends at 65504; scale the rows"):
        inputs_of(file, "paired", "float16")


WITH_NAN = np.where(ROWS > 10, ROWS, np.nan).astype(np.float32)[::-1]
BAD = {
    "scalar": (np.float32(3), r"has the shape \[\]; reshape it to \[N, D\] or \[N, C, H, W\]"),
    "1-D": (np.ones(3), r"has the shape \[3\]; reshape it to .*; as one row it is \[1, 3\]"),
    "3-D": (np.ones((3, 2, 2)), r"has the shape \[3, 2, 2\]; reshape"),
    "no rows": (np.ones((0, 5)), r"is empty: its shape is \[0, 5\]; save at least one"),
    "no columns": (np.ones((5, 0)), r"is empty: its shape is \[5, 0\]"),
    "one row": (np.ones((1, 5)), "holds one row, which has no next one .*; add rows, or a y"),
    "nan": (WITH_NAN, "holds NaN or infinity, 10 in all, the first in row 3; leave them out"),
    "inf": (ROWS * np.float32("inf"), "holds NaN or infinity, 24 in all, the first in row 0"),
    "zeros": (ROWS * 0, "is all zeros: zero vectors have no angles"),
    "bool": (ROWS > 3, r"has the dtype torch.bool; known: float64, .* and integers; convert it to float32"),
    "complex": (ROWS * 1j, "has the dtype torch.complex64; known: "),
    "strings": (ROWS.astype(str), "has the dtype <U32, which torch does not know; save it with array.astype"),
    "structured": (np.zeros((2, 2), "f4,i4"), r"has the dtype \[.*, which torch does not know"),
    "dates": (ROWS.astype("datetime64[D]"), r"has the dtype datetime64\[D\], which torch does not know"),
    "objects": (
        np.array([[1, "a"], [None, 2]], dtype=object),
        "it holds Python objects, whose pickle could run code; save numbers with np.save",
    ),
}
BAD_TORCH = {
    "no tensor": ({"epoch": 3, "lr": 0.1}, "holds 0 tensors in 2 named parts: 'epoch', 'lr'; save one tensor"),
    "a state": (
        {"emb": torch.ones(9, 2), "step": torch.ones(()), "lr": torch.ones(1), "epoch": 3},
        r"3 tensors in 4 named parts: 'emb' \[9, 2\], 'step' \[\], .*'epoch'; save one .*, such as 'emb' alone",
    ),
    "nothing": ({}, "holds 0 tensors in 0 named parts; save one"),
    "a number": (3, "holds an int, and no tensor; save one"),
    "three": (
        [torch.ones(2, 2)] * 3,
        r"a list of 3 tensors of the shape \[2, 2\]; several rows each: torch.save\(torch.cat\(parts\), FILE\), or",
    ),
    "rows": (
        [torch.ones(384)] * 5,
        r"a list of 5 tensors of the shape \[384\]; one row each: torch.save\(torch.stack\(rows\), FILE\)",
    ),
    "unlike rows": (
        [torch.ones(size) for size in (3, 4, 5, 6)],
        r"a list of 4 tensors of the shapes \[3\], \[4\], \[5\], ...; save one tensor \[N, D\], or exactly two",
    ),
    "numbers": (
        [[1.0, 2.0], [3.0, 4.0]],
        r"a list of 2 parts, each of the type list; of rows of numbers: torch.save\(torch.tensor\(rows\), FILE\)",
    ),
    "an empty list": ([], "holds a list of 0 parts; save one"),
    "many": (
        {f"k{i}": torch.ones(2, 2) for i in range(20)},
        r"holds 20 tensors in 20 named parts: 'k0' \[2, 2\], .*'k7' \[2, 2\], ...; save",
    ),
    "two shapes": (
        {"a": torch.ones(2, 2), "b": torch.ones(2, 3)},
        r"'a' in .* and 'b' in .* have two shapes, \[\(2, 2\)",
    ),
    "sparse": (torch.eye(3).to_sparse(), "is torch.sparse_coo on cpu; save a dense tensor"),
    "meta": (torch.ones(3, 3, device="meta"), "is torch.strided on meta; save a dense tensor that has its values"),
    "float8": (torch.ones(3, 3).to(torch.float8_e4m3fn), "has the dtype torch.float8_e4m3fn; known: "),
    "one of two is bad": ({"x": torch.ones(2, 2), "y": torch.zeros(2, 2)}, "'y' in '.*rows.pt' is all zeros"),
}


@pytest.mark.parametrize(("array", "message"), BAD.values(), ids=BAD)
def test_a_bad_array_is_refused_with_its_file_and_a_reason(tmp_path: Path, array: object, message: str) -> None:
    with pytest.raises(InputError, match=rf"rows\.npy.*{message}"):
        load_file(saved(tmp_path, array))


@pytest.mark.parametrize(("contents", "message"), BAD_TORCH.values(), ids=BAD_TORCH)
def test_bad_torch_contents_are_refused_with_a_reason(tmp_path: Path, contents: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_file(saved(tmp_path, contents, "rows.pt"))


def test_a_path_that_is_no_such_file_is_refused_with_the_next_step(tmp_path: Path) -> None:
    saved(tmp_path, ROWS, "embeddings.npy")
    (tmp_path / "rows.csv").write_text("1,2\n")
    messages = {
        "embedings.npy": r"there is no file '.*embedings\.npy'; did you mean 'embeddings\.npy'\?",
        "missing/rows.npy": r"there is no file '.*rows\.npy': there is no folder '.*missing'; check the path",
        "": "is not a file; name one of the type .npy, .pt, .pth, .safetensors",
        "rows.csv": r"unknown suffix '\.csv'; known: \.npy, \.pt, \.pth, \.safetensors; save the rows with",
    }
    for name, message in messages.items():
        with pytest.raises(InputError, match=message):
            load_file(tmp_path / name)


def test_a_file_that_the_system_does_not_let_us_read_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, ROWS)
    denied = PermissionError(13, "Permission denied")
    with mock.patch("builtins.open", side_effect=denied), pytest.raises(InputError, match="Permission denied; check"):
        load_file(path)


class Payload:
    """An attacker's pickle: loading it would make a folder."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.trace),)


def test_a_pickle_is_never_executed(tmp_path: Path) -> None:
    payload = Payload(tmp_path / "executed")
    for name in ("a.pt", "b.pth", "c.npy", "d.safetensors"):
        (tmp_path / name).write_bytes(pickle.dumps(payload, protocol=2))
    torch.save({"x": torch.ones(2, 2), "y": payload}, tmp_path / "e.pt")
    torch.save([payload], tmp_path / "f.pt", _use_new_zipfile_serialization=False)
    np.save(tmp_path / "g.npy", np.array([[payload]], dtype=object), allow_pickle=True)
    files = list(tmp_path.iterdir())
    for path in files:
        with pytest.raises(InputError, match=r"cannot be read: it (is damaged|holds Python objects)"):
            load_file(path)
    assert sorted(tmp_path.iterdir()) == sorted(files)
    pickle.loads(pickle.dumps(payload))
    assert payload.trace.exists(), "the payload must work, or this test shows nothing"


@given(data=st.data(), suffix=st.sampled_from(tuple(SAVERS)))
@settings(max_examples=150, deadline=None)
def test_damaged_files_are_refused_or_read_as_numbers(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, suffix: str
) -> None:
    path = tmp_path_factory.getbasetemp() / f"damaged{suffix}"
    SAVERS[suffix](torch.from_numpy(ROWS), path)
    raw = bytearray(path.read_bytes())
    for at in data.draw(st.lists(st.integers(0, len(raw) - 1), max_size=5)):
        raw[at] = data.draw(st.integers(0, 255))
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw)))])
    with contextlib.suppress(InputError):
        assert load_file(path).x.isfinite().all()


@pytest.mark.parametrize("suffix", SAVERS)
def test_truncated_files_are_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows{suffix}"
    SAVERS[suffix](torch.from_numpy(ROWS), path)
    raw = path.read_bytes()
    for size in (0, 1, 20, len(raw) // 2, len(raw) - 1):
        path.write_bytes(raw[:size])
        with pytest.raises(InputError, match=f"rows{suffix}' cannot be read: it is damaged(?!.*object).* save"):
            load_file(path)


def test_rows_of_zeros_are_noted(tmp_path: Path) -> None:
    rows = np.ones((6, 4), np.float32)
    rows[2] = 0
    np.save(tmp_path / "rows.npy", rows)
    assert "rows of zeros, which have no cosine and are not judged: 1" in load_file(tmp_path / "rows.npy").note


# -- the file changes ------------------------------------------------------------------------------


def shortened(path: Path) -> None:
    os.truncate(path, 64)


def written_over(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-8:] = bytes(8)
    path.write_bytes(data)


@pytest.mark.parametrize("suffix", SAVERS)
@pytest.mark.parametrize("change", [shortened, written_over, Path.unlink])
def test_rows_stay_as_they_were_whatever_happens_to_their_file(
    tmp_path: Path, suffix: str, change: Callable[[Path], None]
) -> None:
    path, rows = tmp_path / f"rows{suffix}", torch.rand(4096, 64)
    SAVERS[suffix](rows, path)
    held = load_file(path)
    assert held.changed == []
    change(path)
    assert torch.equal(held.x, rows)
    assert held.changed == [path]


def test_a_file_that_was_only_touched_or_written_again_has_not_changed(tmp_path: Path) -> None:
    path = saved(tmp_path, ROWS)
    held = load_file(path)
    os.utime(path, (0, 0))
    assert held.changed == []
    path.write_bytes(path.read_bytes())
    assert held.changed == []


def test_another_process_reads_the_rows_as_they_were(tmp_path: Path) -> None:
    path = saved(tmp_path, ROWS)
    held = load_file(path)
    shortened(path)
    again = load_rows(held.source)
    assert torch.equal(again.x, held.x)
    assert again.fingerprint == held.fingerprint


def test_without_the_copy_a_changed_file_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, ROWS)
    source = dataclasses.replace(load_file(path).source, copies=())
    assert load_rows(source).fingerprint == source.fingerprint
    written_over(path)
    with pytest.raises(InputError, match=r"rows\.npy' changed since the run began"):
        load_rows(source)


def test_the_copy_of_a_file_larger_than_memory_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed, "_SHARE", 0)
    path = saved(tmp_path, ROWS)
    held = load_file(path)
    shortened(path)
    assert torch.equal(load_rows(held.source).x, torch.from_numpy(ROWS))


def header(shape: str) -> bytes:
    """The beginning of an .npy file."""
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


SHAPES = (
    "(-5, 384)",
    "(5, -384)",
    f"({10**20}, 4)",
    f"({2**62}, 4)",
    "(True, 4)",
    "(2.5,)",
    "('a',)",
    "[4, 4]",
    "(4,",
    "x()",
)
NESTED = torch.nested.nested_tensor([torch.ones(2, 3), torch.ones(1, 3)])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *((f"{number}.npy", header(shape) + bytes(64)) for number, shape in enumerate(SHAPES)),
        ("deep.safetensors", (200_000).to_bytes(8, "little") + b"[" * 200_000),
        ("deep.pt", b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b"."),
        *((f"empty{suffix}", b"") for suffix in SAVERS),
        *((f"zeros{suffix}", bytes(4096)) for suffix in SAVERS),
    ],
)
def test_a_damaged_file_is_refused_and_nothing_else_happens(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=re.escape(name)):
        load_file(tmp_path / name)


@pytest.mark.parametrize("held", [NESTED, [NESTED], {"rows": NESTED}, [[torch.ones(2, 3)]]], ids=range(4))
def test_nested_tensors_and_lists_of_lists_are_refused(tmp_path: Path, held: object) -> None:
    with pytest.raises(InputError, match=r"odd\.pt"):
        load_file(saved(tmp_path, held, "odd.pt"))
