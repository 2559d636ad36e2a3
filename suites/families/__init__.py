"""Inputs that hurt: the families by name, and their questions in a dtype, the same bytes on every call."""

import hashlib

import torch

from implementations.registry import DTYPES, did_you_mean
from suites.families import (  # noqa: F401  # they fill FAMILIES
    angles,
    arithmetic,
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

for _name in case.FAMILY_NAMES:  # the files are by subject, the table is in the order of the reference
    FAMILIES[_name] = FAMILIES.pop(_name)


def questions(name: str, dtype_name: str) -> tuple[Question, ...]:
    """What the family asks in a dtype: the same numbers in each, rounded; none are shared with another call.

    Args:
        name: a key of `FAMILIES`; the only thing that the random numbers depend on.
        dtype_name: such as "float32".

    Raises:
        InputError: an unknown name or dtype, or a family that cannot exist in the dtype.
    """
    if name not in FAMILIES:
        raise InputError(f"unknown family {name!r}{did_you_mean(name, tuple(FAMILIES))}")
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
