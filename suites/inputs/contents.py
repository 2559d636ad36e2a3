"""What a file holds instead of one tensor or two, in words, and how to save the rows."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

_MOST = 8
_ONE = "save one tensor [N, D], or exactly two of one shape"


def described(held: object) -> str:
    """What it is, with the shapes or names in it, and what to save in its place."""
    if isinstance(held, list | tuple):
        return f"a {type(held).__name__} of {_parts(held)}; {_rows(held)}"
    if isinstance(held, Mapping):
        shown = ", ".join(_named(str(name), part) for name, part in list(held.items())[:_MOST])
        more = ", ..." if len(held) > _MOST else ""
        tensors = [name for name, part in held.items() if isinstance(part, torch.Tensor | np.ndarray)]
        one = f", such as {tensors[0]!r} alone" if tensors else ""
        return f"{len(tensors)} tensors in {len(held)} named parts{shown and f': {shown}{more}'}; {_ONE}{one}"
    return f"{_a(held)}, and no tensor; {_ONE}"


def _parts(held: Sequence[object]) -> str:
    """How many parts of which kind, with the shapes of tensors."""
    tensors = [part for part in held if isinstance(part, torch.Tensor)]
    if not tensors or len(tensors) < len(held):
        kinds = ", ".join(dict.fromkeys(type(part).__name__ for part in held))
        return f"{len(held)} parts{f', each of the type {kinds}' if kinds else ''}"
    shapes = [str(list(part.shape)) for part in tensors]
    if len(set(shapes)) == 1:
        return f"{len(tensors)} tensors of the shape {shapes[0]}"
    return f"{len(tensors)} tensors of the shapes {', '.join(shapes[:3])}{', ...' if len(shapes) > 3 else ''}"


def _rows(held: Sequence[object]) -> str:
    """How to make one tensor of them, if it is clear."""
    tensors = [part for part in held if isinstance(part, torch.Tensor)]
    if len(tensors) == len(held) > 0:
        if {part.ndim for part in tensors} == {1} and len({part.shape for part in tensors}) == 1:
            return "one row each: torch.save(torch.stack(rows), FILE)"
        if {part.ndim for part in tensors} <= {2, 4} and len({part.shape[1:] for part in tensors}) == 1:
            return "several rows each: torch.save(torch.cat(parts), FILE), or save one of them"
        return _ONE
    numbers = held and all(isinstance(part, list | tuple) and part for part in held)
    return "of rows of numbers: torch.save(torch.tensor(rows), FILE)" if numbers else _ONE


def _named(name: str, part: object) -> str:
    return f"{name!r} {list(part.shape)}" if isinstance(part, torch.Tensor | np.ndarray) else f"{name!r}"


def _a(held: object) -> str:
    kind = type(held).__name__
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
