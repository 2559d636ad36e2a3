"""The data of a case: random numbers from a fixed seed, digits, or the user's file."""

from collections.abc import Callable, Mapping

import torch

from nearest import did_you_mean
from suites.inputs import digits, synthetic
from suites.inputs.blocks import Blocks, InputError, Stream, stream_of
from suites.inputs.files import load_rows, source_of
from suites.inputs.readers import SUFFIXES
from suites.inputs.rows import RowFiles, UserInputs
from suites.records.case import Case

__all__ = [
    "DISTRIBUTIONS",
    "SUFFIXES",
    "InputError",
    "RowFiles",
    "UserInputs",
    "load_rows",
    "make_inputs",
    "require_shape",
    "source_of",
]

DISTRIBUTIONS: dict[str, Callable[[Case, Stream], Blocks]] = {
    "prescribed": synthetic.prescribed,
    "gaussian": synthetic.gaussian,
    "positive": synthetic.positive,
    "offset": synthetic.offset,
    "digits": digits.digits,
}
"""`Case.inputs` to the generator of that distribution; the first line of its docstring describes it."""


def make_inputs(case: Case, *, files: Mapping[str, UserInputs] | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    """x and y of a case, the same bytes on every call.

    All dtypes and devices get the same numbers, rounded on the CPU from float64 or from the file's dtype.

    Args:
        case: gives the shapes, the dtype, the device and the memory format.
        files: the user's rows by their `Case.inputs`.

    Raises:
        InputError: the inputs are unknown, or do not exist in this shape or dtype.
    """
    blocks = _blocks(case, files or {})
    layout = torch.channels_last if case.memory_format == "channels_last" else torch.contiguous_format
    x, y = (
        torch.empty(shape, dtype=getattr(torch, case.dtype), device=case.device, memory_format=layout)
        for shape in case.operand_shapes
    )
    filled = 0
    for pair in blocks:
        for operand, block in zip((x, y), pair, strict=True):
            rows = operand[filled : filled + len(block)]
            rows.copy_(block[: len(rows)].reshape(rows.shape).to(rows.dtype))
        filled += max(map(len, pair))
    return x, y


def require_shape(case: Case) -> None:
    """Raise an `InputError` if the inputs of the case do not exist in its shape."""
    if case.inputs == "digits":
        digits.require_shape(case)


def _blocks(case: Case, files: Mapping[str, UserInputs]) -> Blocks:
    if case.inputs in files:
        return files[case.inputs].blocks(case)
    if case.inputs not in DISTRIBUTIONS:
        known = (*DISTRIBUTIONS, *files)
        raise InputError(f"unknown inputs {case.inputs!r}{did_you_mean(case.inputs, known)}")
    return DISTRIBUTIONS[case.inputs](case, stream_of(case))
