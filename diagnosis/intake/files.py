"""Files become a subject. No file is executed; a `.npy` of floats is mapped from disk."""

from pathlib import Path

import torch

from diagnosis.intake.checks import tensor
from diagnosis.plain import FLOATS, INTEGERS
from diagnosis.subject import DiagnosisError, Subject
from suites.inputs.readers import read


def read_subject(
    x: Path, y: Path | None = None, *, labels: Path | None = None, inputs: Path | None = None, dim: int = -1
) -> tuple[Subject, list[str]]:
    """The content of the files as a subject, and a note for each that was converted.

    `x` may hold both sides, and `inputs` those of both, in the order of their names. Integer embeddings become float32.
    Labels and inputs keep their dtype: they may be classes, pixels or tokens.

    Raises:
        InputError: a file is missing, damaged, of another format, or a pickle.
        DiagnosisError: a file holds more tensors than sides, or a dtype without a cosine.
    """
    notes: list[str] = []
    sides = _embeddings(x, 1 if y else 2, notes)
    if y:
        one_file = y.resolve() == x.resolve()  # read once, so that both sides are one tensor
        sides += sides if one_file else _embeddings(y, 1, notes)
    given = [tensor(held, "inputs") for held in _dense(inputs, len(sides))] if inputs else []
    return Subject(
        x=sides[0],
        y=sides[1] if len(sides) == 2 else None,
        dim=dim,
        labels=tensor(_dense(labels, 1)[0], "labels") if labels else None,
        inputs=given[0] if given else None,
        other_inputs=given[1] if len(given) == 2 else None,
    ), notes


def _embeddings(path: Path, most: int, notes: list[str]) -> list[torch.Tensor]:
    tensors = _dense(path, most)
    for dtype in dict.fromkeys(held.dtype for held in tensors if held.dtype not in FLOATS):
        if dtype not in INTEGERS:
            known = ", ".join(map(_name, FLOATS))
            raise DiagnosisError(
                f"{str(path)!r} has the dtype {_name(dtype)}; known: {known} and integers; convert it to float32"
            )
        notes.append(f"{str(path)!r}: {_name(dtype)} converted to float32")
    return [held if held.dtype in FLOATS else held.to(torch.float32) for held in tensors]


def _dense(path: Path, most: int) -> list[torch.Tensor]:
    tensors = list(read(path).values())
    if len(tensors) > most:
        raise DiagnosisError(
            f"{str(path)!r} holds {len(tensors)} tensors where one is expected; save each side in a file of its own, "
            "or name this file alone"
        )
    for held in tensors:
        kind = "nested" if held.is_nested else held.layout  # a nested tensor's layout is that of its items
        if kind != torch.strided or held.device.type != "cpu":
            raise DiagnosisError(f"{str(path)!r} is {kind} on {held.device}; save a dense tensor that has its values")
    return tensors


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
