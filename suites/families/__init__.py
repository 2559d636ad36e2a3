"""Hard inputs: families by name, and the questions of each in a dtype, the same bytes on every call."""

import hashlib

import torch

from implementations.registry import DTYPES
from nearest import did_you_mean
from suites.families import (  # noqa: F401  # each registers its families
    angles,
    arithmetic,
    batches,
    cancellation,
    forms,
    magnitudes,
    relations,
    sums,
)
from suites.families.family import FAMILIES, Family, Question
from suites.inputs import InputError
from suites.records import case

__all__ = ["FAMILIES", "Family", "Question", "questions"]

for _name in case.FAMILY_NAMES:  # the table has the order of reports, the files are by subject
    FAMILIES[_name] = FAMILIES.pop(_name)


def questions(name: str, dtype_name: str) -> tuple[Question, ...]:
    """The questions of a family in a dtype: the same numbers for each dtype, rounded, in new tensors for each call.

    Args:
        name: a key of `FAMILIES`, which alone seeds the random numbers.
        dtype_name: such as "float32".

    Raises:
        InputError: the name or dtype is unknown, or the family cannot exist in the dtype.
    """
    if name not in FAMILIES:
        raise InputError(f"unknown family {name!r}{did_you_mean(name, FAMILIES, every='python -m suites.families')}")
    if dtype_name not in DTYPES:
        raise InputError(f"unknown dtype {dtype_name!r}{did_you_mean(dtype_name, DTYPES)}")
    seed = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest())
    generator = torch.Generator().manual_seed(seed)
    try:
        return tuple(FAMILIES[name].make(getattr(torch, dtype_name), generator))
    except InputError as error:
        raise InputError(
            f"the family {name!r} cannot exist in {dtype_name}: {error}; leave {dtype_name} out"
        ) from error
