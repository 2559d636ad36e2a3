"""The user's own data: the rows of one file, checked before the first measurement."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import torch

from suites.inputs.blocks import Blocks, InputError, spans
from suites.inputs.readers import read
from suites.records.case import ALL_PAIRS, DIM, RANK, Case

_FLOATS = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
_INTEGERS = (torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8, torch.uint16, torch.uint32, torch.uint64)
_MOST_PAIRWISE = 2048  # rows a side: all pairs of a million rows would be 4 TB of float32
_LAYOUTS = {2: "[N, D]", 4: "[N, C, H, W]"}


@dataclass(frozen=True, kw_only=True, eq=False)
class UserInputs:
    """The rows of a file, checked, on the CPU in the file's float dtype.

    `x` is `[N, D]` or `[N, C, H, W]`, and so is `y` of a file with pairs. `name` has only ASCII letters, digits and
    `._-`. `fingerprint` is a digest of the file. `note` mentions conversions and rows of zeros, if any.
    """

    name: str
    x: torch.Tensor
    y: torch.Tensor | None
    fingerprint: str
    note: str = ""

    @property
    def description(self) -> str:
        """The data in words: which rows are compared, and the note."""
        pairs = "each row with the next, the last with the first" if self.y is None else "x with y, row by row"
        rows = self.shape_for("pairwise")
        all_pairs = f"pairwise all pairs of the first {rows[0]:,}" if rows else ""
        return f"{inputs_name(self)}: " + "; ".join(filter(None, (pairs, all_pairs, self.note)))

    def misfit(self, task: str) -> str:
        """Why a task cannot take these rows; "" if it can."""
        if self.shape_for(task):
            return ""
        return f"{inputs_name(self)} holds {_LAYOUTS[self.x.ndim]} rows, it takes {_LAYOUTS[1 + len(DIM[task])]}"

    def shape_for(self, task: str) -> tuple[int, ...] | None:
        """`Case.shape` of a task on these rows; None if the task needs another number of axes.

        All pairs use at most the first 2048 rows: all pairs of a whole file would not fit.
        """
        if task not in ALL_PAIRS:
            return tuple(self.x.shape) if self.x.ndim == RANK[task] else None
        rows = min(len(self.x), _MOST_PAIRWISE)
        return (rows, rows, self.x.shape[1]) if self.x.ndim == 2 else None

    def blocks(self, case: Case) -> Blocks:
        """The rows of x with those of y. Without y, each row with the next; for all pairs, the rows with themselves.

        Raises:
            InputError: the shape is not `shape_for`, or a number is too large for the case's dtype.
        """
        if case.shape != (shape := self.shape_for(case.task)):
            raise InputError(f"{inputs_name(self)!r} gives the task {case.task!r} the shape {shape}, not {case.shape}")
        others, shift = (self.x, int(case.task not in ALL_PAIRS)) if self.y is None else (self.y, 0)
        n = case.shape[0]
        for rows in (*spans(0, n - shift, case.length), *spans(n - shift, n, case.length)):
            first = (rows.start + shift) % n  # the last row is paired with the first, in a separate block
            x, y = self.x[rows], others[first : first + rows.stop - rows.start]
            self._require_fits(x, case.dtype)
            self._require_fits(y, case.dtype)
            yield x, y

    def _require_fits(self, block: torch.Tensor, dtype: str) -> None:
        to = getattr(torch, dtype)
        if torch.finfo(to).max < torch.finfo(block.dtype).max and not block.to(to).isfinite().all():
            raise InputError(
                f"{inputs_name(self)!r} holds {block.abs().max().item():g}, and {dtype} ends at "
                f"{torch.finfo(to).max:g}; scale the data, or leave {dtype} out"
            )


def inputs_name(file: UserInputs) -> str:
    """`Case.inputs` of a user's file."""
    return f"file:{file.name}"


def load_file(path: Path) -> UserInputs:
    """The rows of a `.npy`, `.pt`, `.pth` or `.safetensors` file.

    It holds one tensor `[N, D]` or `[N, C, H, W]`, or two of one shape: x and y, in the order of their names. float64,
    float32, float16 and bfloat16 stay; integers become float32. A `.npy` of floats is memory-mapped.

    Raises:
        InputError: there is no such file, or it does not hold such rows. Pickled objects are never loaded.
    """
    tensors = {f"{name!r} in {str(path)!r}" if name else repr(str(path)): t for name, t in read(path).items()}
    for where, tensor in tensors.items():
        _require_rows(tensor, where)
    if len(shapes := {tuple(t.shape) for t in tensors.values()}) > 1:
        raise InputError(f"{' and '.join(tensors)} have two shapes, {sorted(shapes)}; pairs need one")
    if len(tensors) == 1 and shapes.pop()[0] == 1:
        raise InputError(f"{str(path)!r} holds one row, which has no next one to be paired with; add rows, or a y")
    rows = {where: _floats(tensor, where) for where, tensor in tensors.items()}
    zeros = sum(_require_values(tensor, where) for where, tensor in rows.items())
    x, *y = rows.values()
    integers = {str(t.dtype).removeprefix("torch.") for t in tensors.values() if t.dtype in _INTEGERS}
    notes = [f"{' and '.join(sorted(integers))} converted to float32"] if integers else []
    if zeros:
        notes.append(f"rows of zeros, which have no cosine and are not judged: {zeros:,}")
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", path.stem)
    return UserInputs(name=name, x=x, y=y[0] if y else None, fingerprint=_fingerprint(path), note="; ".join(notes))


def _fingerprint(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


def _require_rows(tensor: torch.Tensor, where: str) -> None:
    if tensor.layout != torch.strided or tensor.device.type != "cpu":
        raise InputError(f"{where} is {tensor.layout} on {tensor.device}; save a dense tensor that has its values")
    if tensor.ndim not in _LAYOUTS:
        raise InputError(f"{where} has the shape {list(tensor.shape)}; reshape it to {' or '.join(_LAYOUTS.values())}")
    if not tensor.numel():
        raise InputError(f"{where} is empty: its shape is {list(tensor.shape)}; save at least one row and column")


def _floats(tensor: torch.Tensor, where: str) -> torch.Tensor:
    if tensor.dtype in _INTEGERS:
        return tensor.to(torch.float32)
    if tensor.dtype not in _FLOATS:
        known = ", ".join(str(dtype).removeprefix("torch.") for dtype in _FLOATS)
        raise InputError(f"{where} has the dtype {tensor.dtype}; known: {known} and integers; convert it to float32")
    return tensor


def _require_values(tensor: torch.Tensor, where: str) -> int:
    """The number of all-zero rows. Raises an `InputError` if all rows are zeros, or a value is not finite."""
    zeros, bad, first = 0, 0, -1
    for rows in spans(0, len(tensor), tensor[0].numel()):
        block = tensor[rows].flatten(1)
        odd = ~block.isfinite()
        if first < 0 and odd.any():
            first = rows.start + int(odd.any(1).nonzero()[0])
        bad += int(odd.sum())
        zeros += int((~block.any(1)).sum())
    if bad:
        raise InputError(f"{where} holds NaN or infinity, {bad} in all, the first in row {first}; leave them out")
    if zeros == len(tensor):
        raise InputError(f"{where} is all zeros: zero vectors have no angles; save other rows")
    return zeros
