"""Reads tensors from files, in formats that run no code."""

import pickle
import struct
import tokenize
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open

from nearest import no_file
from suites.inputs.blocks import InputError

_DAMAGED = (  # raised by the three libraries for files with flipped or missing bytes
    *(EOFError, RuntimeError, ValueError, TypeError, LookupError, AssertionError),
    *(pickle.UnpicklingError, struct.error, tokenize.TokenError, SafetensorError),
)


def read(path: Path) -> dict[str, torch.Tensor]:
    """The one or two tensors of a file by name, sorted; the name is "" if the format has none.

    Raises:
        InputError: there is no such file, or it has another format, is damaged, or holds something else.
    """
    _require_file(path)
    reader, advice = _reader(path)
    try:
        contents = reader(path)
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be read: {error}; check the disk and your permissions") from error
    except _DAMAGED as error:
        why = (
            _OBJECTS if "Python objects in dtype" in str(error) else advice
        )  # NumPy has no exception of its own for this
        raise InputError(f"{str(path)!r} cannot be read: {why}") from error
    found = {name: part for name, part in sorted(contents.items()) if isinstance(part, np.ndarray | torch.Tensor)}
    if len(found) not in (1, 2):
        names = f", its names are {_some(contents)}" if any(contents) else ""
        raise InputError(f"{str(path)!r} holds {len(found)} tensors{names}; save one, or exactly two of one shape")
    return {name: _tensor(array, path) for name, array in found.items()}


def _npy(path: Path) -> Mapping[str, object]:
    # Copy on write: torch.from_numpy warns about read-only memory. The file itself is never written.
    return {"": np.lib.format.open_memmap(path, mode="c")}


def _torch(path: Path) -> Mapping[str, object]:
    loaded = torch.load(path, map_location="cpu", weights_only=True)
    if isinstance(loaded, list | tuple):
        loaded = dict(enumerate(loaded))
    return {str(name): part for name, part in loaded.items()} if isinstance(loaded, Mapping) else {"": loaded}


def _safetensors(path: Path) -> Mapping[str, object]:
    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)


_Reader = Callable[[Path], Mapping[str, object]]
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
    if path.is_file():
        return
    if path.exists():
        raise InputError(f"{str(path)!r} is not a file; name one of the type {', '.join(_READERS)}")
    raise InputError(no_file(path))


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


def _some(names: Mapping[str, object]) -> str:
    first = ", ".join(repr(name) for name in list(names)[:8])
    return f"{first}, ..." if len(names) > 8 else first
