"""Reads tensors from files, in formats that run no code."""

import os
import pickle
import struct
import tokenize
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open

from nearest import joined, no_file
from suites.inputs.blocks import InputError
from suites.inputs.contents import described
from suites.inputs.sealed import SealedFile

_DAMAGED = (  # raised by the three libraries for files with flipped or missing bytes
    *(EOFError, RuntimeError, ValueError, TypeError, LookupError, AssertionError, AttributeError),
    *(ArithmeticError, MemoryError),
    *(pickle.UnpicklingError, struct.error, tokenize.TokenError, SafetensorError),
)


def read(path: Path, copy: Path | None = None) -> dict[str, torch.Tensor]:
    """The one or two tensors of a file by name, sorted; the name is "" if the format has none.

    They stay as they are whatever happens to the file. `copy` is a copy of it that is read instead.

    Raises:
        InputError: there is no such file, or it has another format, is damaged, or holds something else.
    """
    _require_file(path)
    reader, advice = _reader(path)
    sealed = None if copy else seal(path)
    try:
        held = reader(sealed.copy if sealed else copy or path)
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be read: {error}; check the disk and your permissions") from error
    except _DAMAGED as error:
        why = (
            _OBJECTS if "Python objects in dtype" in str(error) else advice
        )  # NumPy has no exception of its own for this
        raise InputError(f"{str(path)!r} cannot be read: {why}") from error
    contents = _by_name(held)
    if any(isinstance(part, torch.Tensor) and part.is_nested for part in contents.values()):
        raise InputError(f"{str(path)!r} holds a nested tensor; save rows of one length, as one tensor [N, D]")
    found = {name: part for name, part in sorted(contents.items()) if isinstance(part, np.ndarray | torch.Tensor)}
    if len(found) not in (1, 2):
        raise InputError(f"{str(path)!r} holds {described(held)}")
    return {name: _tensor(array, path) for name, array in found.items()}


def _by_name(held: object) -> dict[str, object]:
    """The parts of what a file holds by name; the name is "" where it holds one thing."""
    if isinstance(held, list | tuple):
        held = dict(enumerate(held))
    return {str(name): part for name, part in held.items()} if isinstance(held, Mapping) else {"": held}


def _npy(path: Path) -> object:
    # Copy on write: torch.from_numpy warns about read-only memory. The file itself is never written.
    return np.lib.format.open_memmap(path, mode="c")


def _torch(path: Path) -> object:
    return torch.load(path, map_location="cpu", weights_only=True)


def _safetensors(path: Path) -> object:
    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)


def seal(path: Path) -> SealedFile:
    """A copy of a file of rows.

    Raises:
        InputError: there is no such file, or it cannot be read.
    """
    _require_file(path)
    try:
        return SealedFile(path)
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be read: {error}; check the disk and your permissions") from error


_Reader = Callable[[Path], object]
_NPY = "it is damaged or something else; save it again with np.save"
_OBJECTS = "it holds Python objects, whose pickle could run code; save numbers with np.save"
_PT = "it is damaged, or pickles more than tensors, which could run code; save the tensor alone with torch.save"
_SAFETENSORS = "it is damaged or something else; save it again with safetensors.torch.save_file"
_READERS: dict[str, tuple[_Reader, str]] = {
    ".npy": (_npy, _NPY),
    ".pt": (_torch, _PT),
    ".pth": (_torch, _PT),
    ".safetensors": (_safetensors, _SAFETENSORS),
}


SUFFIXES = tuple(_READERS)
"""Of the files that can be read."""


def _require_file(path: Path) -> None:
    if os.path.isfile(path):
        return
    if os.path.exists(path):
        raise InputError(f"{str(path)!r} is not a file; name one of the type {', '.join(_READERS)}")
    if several := joined(str(path), SUFFIXES):
        raise InputError(f"{str(path)!r} is {len(several)} files; separate them by a space: {' '.join(several)}")
    raise InputError(no_file(path, SUFFIXES))


def _reader(path: Path) -> tuple[_Reader, str]:
    if path.suffix.lower() not in _READERS:
        raise InputError(
            f"{str(path)!r} has the unknown suffix {path.suffix!r}; known: {', '.join(_READERS)}; "
            "save the rows with np.save, torch.save or safetensors"
        )
    return _READERS[path.suffix.lower()]


def _tensor(array: np.ndarray | torch.Tensor, path: Path) -> torch.Tensor:
    if isinstance(array, torch.Tensor):
        return array.detach()
    try:
        return torch.from_numpy(array.astype(array.dtype.newbyteorder("="), copy=False))
    except TypeError:
        raise InputError(
            f"{str(path)!r} has the dtype {array.dtype}, which torch does not know; "
            "save it with array.astype(np.float32)"
        ) from None
