"""Weights that a network writes in its forward call, such as a moving average of others, are restored."""

import functools
from collections import defaultdict
from collections.abc import Iterable
from types import TracebackType
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class RestoredWeights(TorchDispatchMode):
    """Copies weights just before an operator writes into them, and restores them at the end.

    A network that writes no weights costs no memory.
    """

    supports_higher_order_operators = True

    def __init__(self, weights: Iterable[torch.Tensor]) -> None:
        super().__init__()
        self._weights = [(one, one.data) for one in weights]  # a new `data` leaves the old one as it is
        self._by_storage = defaultdict[int, list[torch.Tensor]](list)
        for _, data in self._weights:
            self._by_storage[_address(data)].append(data)
        self._written: list[tuple[torch.Tensor, torch.Tensor]] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        for place in _written(function):
            given = args[place] if isinstance(place, int) and place < len(args) else kwargs.get(place)
            for one in tree_leaves(given):
                if isinstance(one, torch.Tensor):
                    self._written += [(data, data.clone()) for data in self._by_storage.pop(_address(one), [])]
        return function(*args, **kwargs)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        for data, before in self._written:
            data.copy_(before)
        for weight, data in self._weights:
            if _address(weight) != _address(data):
                weight.data = data


def _address(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


@functools.cache
def _written(function: Any) -> tuple[int | str, ...]:
    """Positions and names of the arguments that an operator of torch writes into; none of any other function."""
    schema = getattr(function, "_schema", None)
    if schema is None or not schema.is_mutable:
        return ()
    written = [(n, one.name) for n, one in enumerate(schema.arguments) if one.alias_info and one.alias_info.is_write]
    return tuple(place for pair in written for place in pair)
