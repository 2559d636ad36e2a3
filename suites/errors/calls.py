"""Calls of an implementation as the families make them: for pairs of rows, on a device, with options."""

import inspect
from typing import Any

import torch

from implementations import Implementation
from suites.errors.black_box import ALL_PAIRS_BATCH, block_by_block
from suites.failure import Failure
from suites.measure.problem import Pair
from suites.records.case import ALL_PAIRS
from suites.records.record import Status


def moved(pair: Pair, device: str) -> Pair:
    """The pair on a device of this type, in the same layout; tensors that shared memory still do."""
    if all(t.device.type == device for t in pair):
        return pair
    memory = {t.untyped_storage().data_ptr(): _memory(t).to(device) for t in pair}
    x, y = (memory[t.untyped_storage().data_ptr()].as_strided(t.shape, t.stride(), t.storage_offset()) for t in pair)
    return x, y


def similarity(
    entry: Implementation, x: torch.Tensor, y: torch.Tensor, dim: int | tuple[int, ...] = -1, **options: object
) -> torch.Tensor:
    """The implementation's answers to pairs, of all pairs the diagonal.

    Raises:
        Failure: with the status `unsupported`, it takes no such option.
    """
    for option in options:
        if option not in inspect.signature(entry.fn).parameters:
            raise Failure(Status.UNSUPPORTED, f"it takes no {option}")
    if entry.task not in ALL_PAIRS:
        result: torch.Tensor = entry.fn(x, y, dim, **options)
        return result
    return block_by_block(entry, x, y, ALL_PAIRS_BATCH)


def similarity_on(
    entry: Implementation, device: str, x: torch.Tensor, y: torch.Tensor, *more: Any, **options: Any
) -> Any:
    """`similarity`, computed on `device` and moved back."""
    return similarity(entry, x.to(device), y.to(device), *more, **options).to(x.device)


def _memory(t: torch.Tensor) -> torch.Tensor:
    return t.as_strided((t.untyped_storage().nbytes() // t.element_size(),), (1,), 0)
