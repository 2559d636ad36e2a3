"""Reads the user's rows and checks them before the first measurement."""

import dataclasses
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import torch

from suites.inputs.blocks import InputError, spans
from suites.inputs.readers import read, seal
from suites.inputs.rows import LAYOUTS, RowFiles, UserInputs
from suites.inputs.sealed import SealedFile

_FLOATS = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
_INTEGERS = (torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8, torch.uint16, torch.uint32, torch.uint64)


def source_of(*paths: Path, queries: bool = False) -> RowFiles:
    """Where the rows in these files come from, named after them in ASCII letters, digits and `._-`, joined by `+`."""
    names = (re.sub(r"[^A-Za-z0-9._-]+", "_", path.stem) for path in paths)
    return RowFiles(f"file:{'+'.join(names)}", paths, queries)


def load_rows(source: RowFiles) -> UserInputs:
    """The rows of `.npy`, `.pt`, `.pth` or `.safetensors` files.

    One file holds one tensor `[N, D]` or `[N, C, H, W]`, or two of one shape: x and y, in the order of their names. Two
    files hold one tensor each, with rows of one size. float64, float32, float16 and bfloat16 stay; integers become
    float32. The files are copied first, so they may change. A source with copies is read from these; without them its
    files must be the same as before.

    Raises:
        InputError: there is no such file, or it does not hold such rows. Pickled objects are never loaded.
    """
    held = all(copy.exists() for copy in source.copies) and source.copies
    sealed = () if held else tuple(map(seal, source.paths))
    fingerprint = source.fingerprint if held else _fingerprint(sealed)
    if fingerprint != (source.fingerprint or fingerprint):
        raise InputError(f"{' and '.join(map(repr, map(str, source.paths)))} changed since the run began")
    source = dataclasses.replace(source, copies=held or tuple(file.copy for file in sealed), fingerprint=fingerprint)
    tensors = _read(source)
    for where, tensor in tensors.items():
        _require_rows(tensor, where)
    _require_pairs(tensors, source)
    rows = {where: _floats(tensor, where) for where, tensor in tensors.items()}
    zeros, largest = zip(*(_require_values(tensor, where) for where, tensor in rows.items()), strict=True)
    x, *y = rows.values()
    integers = {str(t.dtype).removeprefix("torch.") for t in tensors.values() if t.dtype in _INTEGERS}
    notes = [f"{' and '.join(sorted(integers))} converted to float32"] if integers else []
    if sum(zeros):
        notes.append(f"rows of zeros, which have no cosine and are not judged: {sum(zeros):,}")
    if y and x.dtype == y[0].dtype and torch.equal(x, y[0]):
        alike = "the queries are the corpus: each finds itself" if source.queries else "x and y are the same rows"
        notes.append(f"{alike}, with a cosine of 1")
    return UserInputs(
        source=source,
        x=x,
        y=y[0] if y else None,
        largest=largest,
        fingerprint=fingerprint,
        note="; ".join(notes),
        sealed=sealed,
    )


def _read(source: RowFiles) -> dict[str, torch.Tensor]:
    """The tensors of a source by their place, in words."""
    tensors: dict[str, torch.Tensor] = {}
    for role, path, copy in zip(("x", "y"), source.paths, source.copies, strict=False):
        found = read(path, copy)
        if len(found) > 1 and len(source.paths) > 1:
            names = ", ".join(map(repr, found))
            raise InputError(f"{str(path)!r} holds 2 tensors, {names}; of two files each holds one")
        also = f" as {role}" if len(set(source.paths)) < len(source.paths) else ""  # one file in two places
        tensors |= {(f"{name!r} in {str(path)!r}" if name else repr(str(path))) + also: t for name, t in found.items()}
    return tensors


def _require_pairs(tensors: dict[str, torch.Tensor], source: RowFiles) -> None:
    """Raise an `InputError` unless these tensors can be compared: rows of one size, and two of them."""
    shapes = [tuple(t.shape) for t in tensors.values()]
    if len(shapes) == 1 and shapes[0][0] == 1:
        raise InputError(
            f"{str(source.paths[0])!r} holds one row, which has no next one to be paired with; add rows, or a y"
        )
    if source.queries and (wrong := next((where for where, t in tensors.items() if t.ndim != 2), None)):
        raise InputError(f"{wrong} has the shape {list(tensors[wrong].shape)}; queries and a corpus are [N, D]")
    if len(source.paths) == 1 and len(set(shapes)) > 1:
        raise InputError(f"{' and '.join(tensors)} have two shapes, {sorted(shapes)}; pairs need one")
    if len({shape[1:] for shape in shapes}) > 1:
        said = " and ".join(f"{where} has rows of {'x'.join(map(str, t.shape[1:]))}" for where, t in tensors.items())
        raise InputError(f"{said}; rows of one size are comparable: take two files of one model")


def _fingerprint(files: Sequence[SealedFile]) -> str:
    """A digest of the files; of one file it is that of its bytes."""
    digests = [file.digest for file in files]
    return (digests[0] if len(digests) == 1 else hashlib.sha256(b"".join(digests)).digest()).hex()[:12]


def _require_rows(tensor: torch.Tensor, where: str) -> None:
    if tensor.layout != torch.strided or tensor.device.type != "cpu":
        raise InputError(f"{where} is {tensor.layout} on {tensor.device}; save a dense tensor that has its values")
    if tensor.ndim not in LAYOUTS:
        one = f"; as one row it is [1, {len(tensor)}]" if tensor.ndim == 1 else ""
        known = " or ".join(LAYOUTS.values())
        raise InputError(f"{where} has the shape {list(tensor.shape)}; reshape it to {known}{one}")
    if not tensor.numel():
        raise InputError(f"{where} is empty: its shape is {list(tensor.shape)}; save at least one row and column")


def _floats(tensor: torch.Tensor, where: str) -> torch.Tensor:
    if tensor.dtype in _INTEGERS:
        return tensor.to(torch.float32)
    if tensor.dtype not in _FLOATS:
        known = ", ".join(str(dtype).removeprefix("torch.") for dtype in _FLOATS)
        raise InputError(f"{where} has the dtype {tensor.dtype}; known: {known} and integers; convert it to float32")
    return tensor


def _require_values(tensor: torch.Tensor, where: str) -> tuple[int, float]:
    """The number of all-zero rows, and the largest magnitude.

    Raises an `InputError` if all rows are zeros, or a value is not finite.
    """
    zeros, largest, bad, first = 0, 0.0, 0, -1
    for rows in spans(0, len(tensor), tensor[0].numel()):
        block = tensor[rows].flatten(1)
        odd = ~block.isfinite()
        if first < 0 and odd.any():
            first = rows.start + int(odd.any(1).nonzero()[0])
        bad += int(odd.sum())
        zeros += int((~block.any(1)).sum())
        largest = max(largest, block.abs().max().item())
    if bad:
        raise InputError(f"{where} holds NaN or infinity, {bad} in all, the first in row {first}; leave them out")
    if zeros == len(tensor):
        raise InputError(f"{where} is all zeros: zero vectors have no angles; save other rows")
    return zeros, largest
