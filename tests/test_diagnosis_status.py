"""Does the exit status of `python -m diagnosis` say what happened: 0 done, 1 a cause, 2 bad input, 3 failed, 130?"""

import errno
import io
import os
import pickle
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import diagnosis.__main__
from command import ended
from diagnosis.__main__ import main
from tests import forked
from tests.tensors import normal

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
ROWS = normal(64, 16)
NUMBERS = ROWS.numpy().tobytes()


def npy(shape: str, descr: str = "<f4", data: bytes = NUMBERS, version: tuple[int, int] = (1, 0)) -> bytes:
    """A `.npy` with any header."""
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode() + b"\n"
    return b"\x93NUMPY" + bytes(version) + struct.pack("<H", len(header)) + header + data


def safetensors(header: str, data: bytes = NUMBERS) -> bytes:
    """A `.safetensors` with any header."""
    return struct.pack("<Q", len(header)) + header.encode() + data


def pt(held: object) -> bytes:
    written = io.BytesIO()
    torch.save(held, written)
    return written.getvalue()


def of_one(dtype: str, shape: str, end: int = len(NUMBERS)) -> str:
    return f'{{"x":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[0,{end}]}}}}'


BAD: dict[str, Callable[[], bytes]] = {
    "negative.npy": lambda: npy("(-5, 384)"),
    "negative columns.npy": lambda: npy("(5, -384)"),
    "both negative.npy": lambda: npy("(-8, -8)"),
    "more than there is.npy": lambda: npy("(10000000000000, 384)"),
    "more than 64 bits.npy": lambda: npy("(9223372036854775807, 9223372036854775807)"),
    "400 digits.npy": lambda: npy(f"({'9' * 400}, 2)"),
    "fractions.npy": lambda: npy("(64.0, 16)"),
    "40 dimensions.npy": lambda: npy(f"({'1,' * 40})"),
    "brackets.npy": lambda: npy("(" * 3000),
    "a call.npy": lambda: npy("__import__('os').getcwd()"),
    "times.npy": lambda: npy("(32, 16)", "<M8[s]"),
    "texts.npy": lambda: npy("(64, 16)", "|S4"),
    "objects.npy": lambda: npy("(64, 16)", "|O"),
    "wide.npy": lambda: npy("(16, 16)", "<f16"),
    "version.npy": lambda: npy("(64, 16)", version=(9, 0)),
    "no rows.npy": lambda: npy("(0, 16)"),
    "no numbers.npy": lambda: npy("()"),
    "empty.npy": lambda: b"",
    "pickle.npy": lambda: pickle.dumps([1, 2]),
    "archive.npy": lambda: b"PK\3\4" + b"0" * 99,
    "pickle.pt": lambda: pickle.dumps({"a": [1]}),
    "empty.pt": lambda: b"",
    "text.pt": lambda: b"PK hello",
    "nested.pt": lambda: pt(torch.nested.nested_tensor([ROWS[:3], ROWS[:5]])),
    "jagged.pt": lambda: pt(torch.nested.nested_tensor([ROWS[:3], ROWS[:5]], layout=torch.jagged)),
    "sparse.pt": lambda: pt(ROWS.to_sparse()),
    "compressed.pt": lambda: pt(ROWS.to_sparse_csr()),
    "meta.pt": lambda: pt(ROWS.to("meta")),
    "float8.pt": lambda: pt(ROWS.to(torch.float8_e4m3fn)),
    "quantized.pt": lambda: pt(torch.quantize_per_tensor(ROWS, 0.1, 0, torch.qint8)),
    "complex.pt": lambda: pt(ROWS + 0j),
    "bool.pt": lambda: pt(ROWS > 0),
    "a list in a list.pt": lambda: pt([[ROWS]]),
    "a dict in a dict.pt": lambda: pt({"a": {"b": ROWS}}),
    "lists 300 deep.pt": lambda: pt(deep(300)),
    "nothing.pt": lambda: pt(None),
    "a number.pt": lambda: pt(3.0),
    "an empty list.pt": lambda: pt([]),
    "a module.pt": lambda: pt(torch.nn.Linear(3, 3)),
    "unequal.pt": lambda: pt((ROWS, ROWS[:9])),
    "negative.safetensors": lambda: safetensors(of_one("F32", "[-5,384]")),
    "beyond the end.safetensors": lambda: safetensors(of_one("F32", "[64,16]", 99999)),
    "unknown dtype.safetensors": lambda: safetensors(of_one("F99", "[64,16]")),
    "float8.safetensors": lambda: safetensors(of_one("F8_E4M3", "[256,16]")),
    "brackets.safetensors": lambda: safetensors("[" * 200_000),
    "length.safetensors": lambda: b"\xff" * 16,
    "empty.safetensors": lambda: b"",
    "no tensor.safetensors": lambda: safetensors("{}", b""),
}


def deep(levels: int) -> Any:
    return ROWS if not levels else [deep(levels - 1)]


@pytest.mark.parametrize("place", ["x", "y", "--labels", "--inputs"])
def test_a_bad_file_ends_with_2_and_one_line_in_each_place(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], place: str
) -> None:
    np.save(tmp_path / "sound.npy", ROWS.numpy())
    for name, make in BAD.items():
        if place.startswith("--") and name in ("complex.pt", "bool.pt", "no numbers.npy"):
            continue  # sound as inputs, or a mistake of their own
        (tmp_path / name).write_bytes(make())
        before = [] if place == "x" else ["sound.npy", *([place] if place.startswith("--") else [])]
        arguments = [str(tmp_path / one) if one[0] != "-" else one for one in (*before, name)]
        with pytest.raises(SystemExit) as raised:
            main(arguments)
        said = capfd.readouterr()
        assert (raised.value.code, said.out, said.err.count("\n")) == (2, "", 1), (name, said)
        assert said.err.startswith("python -m diagnosis: "), name


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["none.npy"], "there is no file 'none.npy'"),
        ([], "the following arguments are required"),
        (["x.npy", "--dimm", "1"], "did you mean --dim?"),
        (["x.npy", "--dim", "last"], "invalid int value"),
        (["x.npy", "--report", "a" * 300], "can't be written"),
        (["x.npy", "--report", "x.npy"], "can't be written"),
        (["x.npy", "--report", "/proc/none/page"], "can't be written"),
        (["."], "is not a file"),
    ],
)
def test_wrong_use_ends_with_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", ROWS.numpy())
    with pytest.raises(SystemExit) as raised:
        main(arguments)
    assert raised.value.code == 2
    assert says in capsys.readouterr().err


def fails(error: BaseException) -> Callable[[], int]:
    def command() -> int:
        raise error

    return command


FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("command", "status", "says"),
    [
        (lambda: 0, 0, ""),
        (lambda: None, 0, ""),
        (lambda: 1, 1, ""),
        (fails(KeyboardInterrupt()), 130, "interrupted\n"),
        (fails(FULL), 3, "[Errno 28] No space left on device; look at the disk and the memory\n"),
        (fails(MemoryError()), 3, "there is not enough memory; look at the disk and the memory\n"),
        (fails(ZeroDivisionError("why")), 3, "ZeroDivisionError: why\nthis is a fault of the command itself; "),
    ],
)
def test_a_command_ends_with_the_status_of_what_happened(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    command: Callable[[], int], status: int, says: str,
) -> None:  # fmt: skip
    monkeypatch.setattr("pipe.discard_output", lambda: None)
    assert ended(command) == status
    said = capfd.readouterr().err
    assert says in said
    assert bool(said) == bool(says)
    assert ("Traceback" in said) == ("fault" in says)


def test_the_end_of_python_itself_passes_through() -> None:
    with pytest.raises(SystemExit) as raised:
        ended(fails(SystemExit(2)))
    assert raised.value.code == 2


def test_a_terminal_without_the_signs_of_a_report_gets_others(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", printed)
    assert ended(lambda: print("a \u2212 b \udcff")) == 0
    printed.flush()
    assert printed.buffer.getvalue() == b"a \\u2212 b \\udcff\n"  # type: ignore[attr-defined]


def test_a_closed_stream_is_none() -> None:
    stdout, stderr = sys.stdout, sys.stderr
    try:
        sys.stdout = sys.stderr = None  # type: ignore[assignment]  # as Python does
        assert ended(lambda: print("unheard", flush=True)) == 0
    finally:
        sys.stdout, sys.stderr = stdout, stderr


@pytest.mark.parametrize(("rows", "status"), [(ROWS, 0), (ROWS + 9, 1), (ROWS[:1], 2)])
def test_a_process_ends_with_the_status(tmp_path: Path, rows: torch.Tensor, status: int) -> None:
    np.save(tmp_path / "x.npy", rows.numpy())
    words, files = ["-m", "diagnosis", str(tmp_path / "x.npy")], (tmp_path / "out", tmp_path / "err")
    assert forked.run(words, forked.ROOT, *files) == status
    if status < 2 and Path("/dev/full").exists():
        assert forked.run(words, forked.ROOT, Path("/dev/full"), files[1]) == 3
        assert files[1].read_text() == ("[Errno 28] No space left on device; look at the disk and the memory\n")


def test_the_diagnosis_is_printed_before_a_page_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "x.npy", ROWS.numpy())
    monkeypatch.setattr("pipe.discard_output", lambda: None)
    monkeypatch.setattr(diagnosis.__main__, "_report", lambda *_: fails(FULL)())
    assert ended(lambda: main([str(tmp_path / "x.npy"), "--report", str(tmp_path / "page")])) == 3
    said = capsys.readouterr()
    assert said.out.startswith("Healthy")
    assert said.err == "[Errno 28] No space left on device; look at the disk and the memory\n"


@pytest.mark.skipif(os.name != "posix", reason="names of files are bytes there")
def test_a_file_with_a_name_of_any_bytes_gets_its_page(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.npy"))
    np.save(path, ROWS.numpy())
    assert main([str(path), "--report", str(tmp_path / "page"), "--json"]) == 0
    assert "Subject: " in (tmp_path / "page" / "report.md").read_text(encoding="utf-8")
