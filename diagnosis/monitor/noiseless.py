"""Embeddings without the noise of training mode, such as dropout: the network runs once more on a few items."""

import random
import sys
from collections.abc import Mapping
from types import FrameType
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn
from torch.utils._pytree import tree_leaves, tree_map_only

from diagnosis.isolation import seeded, users_code
from diagnosis.monitor.untouched import out_of_reach, untouched, unwrapped
from diagnosis.subject import DiagnosisError

ITEMS = 32  # that run once more: half of a sample, a tenth of a step on 128 items


class NetworkCall(NamedTuple):
    """A call of a network, cut to `items`; `key` is one object for all that happens within the call."""

    network: nn.Module
    args: Any
    kwargs: Any
    items: int
    device: str
    dtype: torch.dtype | None  # of autocast, if that is on
    key: Mapping[str, Any]


class Noiseless:
    """Runs the network around a module once more, in eval mode, where training mode adds to the module's outputs.

    The network is the outermost module that is running when the module is called: dropout upstream of a head is in it.
    Where it does not run on its own, the module alone is run.
    """

    def __init__(self, module: nn.Module, window: int) -> None:
        self._module, self._window = module, window
        self._calls: list[NetworkCall] = []
        self._whole = self._noisy = True
        self._next = 0
        """The step to look for noise again: modes and rates of dropout can change in training."""

    def keep(self, step: int, embeddings: torch.Tensor) -> None:
        """Keep the inputs of the call that put out the embeddings, from within a forward hook."""
        wanted = self._noisy or step >= self._next
        if wanted and sum(call.items for call in self._calls) < ITEMS and not torch.compiler.is_compiling():
            running = _running()
            network = running[-1 if self._whole else 0] if running else None
            if network and not any(call.key is network["kwargs"] for call in self._calls):
                self._calls.append(_few(network, embeddings.device.type))

    def outputs(self, step: int) -> list[torch.Tensor]:
        """The embeddings of the calls kept, `[N, ..., D]` each; none if there is no noise, or no way around it."""
        calls, self._calls = self._calls, []
        try:
            if calls and step >= self._next:
                self._noisy, self._next = self._adds(calls[0]), step + self._window
            if not self._noisy:
                return []
            with seeded():
                return [one for call in calls for one in self._run(call, training=False)]
        except DiagnosisError:  # it can't be called like that
            self._noisy = self._whole  # the module alone is still to be tried
            self._next = step if self._whole else step + self._window
            self._whole = False
            return []

    def _adds(self, call: NetworkCall) -> bool:
        """Whether training mode draws random numbers, or gives other outputs than eval mode."""
        if out_of_reach(call.network):
            return False
        with seeded():
            before = _random_states()
            trained = self._run(call, training=True)
            return before != _random_states() or not all(map(torch.equal, trained, self._run(call, training=False)))

    def _run(self, call: NetworkCall, *, training: bool) -> list[torch.Tensor]:
        network, module = unwrapped(call.network), unwrapped(self._module)
        name, found = type(module).__name__, list[Any]()
        with (
            torch.no_grad(),
            torch.autocast(call.device, dtype=call.dtype, enabled=call.dtype is not None),
            untouched(network, training=training),
            users_code(f"the {type(network).__name__}, run once more,", "the embeddings keep their noise"),
        ):
            handle = module.register_forward_hook(lambda _, __, put_out: found.append(put_out))
            network(*call.args, **call.kwargs)
            handle.remove()
        if not found or not all(
            isinstance(one, torch.Tensor) and one.is_floating_point() and one.ndim for one in found
        ):
            raise DiagnosisError(f"the {name}, run once more, put out no embeddings [N, ..., D]")
        return found


def _running() -> list[dict[str, Any]]:
    """The modules that are running, the innermost first: `self`, `args` and `kwargs` of their calls.

    torch has no public way to ask for them: they are read from the stack.
    """
    frame: FrameType | None = sys._getframe()
    found = []
    while frame is not None:
        if frame.f_code is nn.Module._call_impl.__code__:
            found.append(frame.f_locals)
        frame = frame.f_back
    return found


def _few(running: Mapping[str, Any], device: str) -> NetworkCall:
    """A copy of the call: of the first items, where the first dim of all tensors is the batch."""
    given = running["args"], running["kwargs"]
    sizes = [len(one) if one.ndim else 0 for one in tree_leaves(given) if isinstance(one, torch.Tensor)]
    batch, items = max(sizes, default=0), ITEMS if len(set(sizes)) == 1 else None
    args, kwargs = tree_map_only(torch.Tensor, lambda one: (one[:items] if items else one).detach().clone(), given)
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else None
    return NetworkCall(running["self"], args, kwargs, min(batch, items or batch), device, dtype, running["kwargs"])


def _random_states() -> tuple[Any, ...]:
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    torchs = [torch.get_rng_state(), *map(torch.cuda.get_rng_state, devices)]
    _, keys, position, *_ = np.random.get_state()
    return [one.tolist() for one in torchs], random.getstate(), list(keys), position
