"""A user's network runs once more, in another mode, and is left as it was."""

import copy
import operator
import random
import sys
from collections import OrderedDict, deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from diagnosis.monitor.restored import RestoredWeights

HOOKS = ("_forward_hooks", "_forward_hooks_with_kwargs", "_forward_hooks_always_called")
GENERATORS = (random.Random, np.random.Generator, np.random.RandomState)
CONTAINERS = (list, dict, set, deque)


@contextmanager
def untouched(network: nn.Module, *, training: bool) -> Iterator[None]:
    """Within, all modules have copies of their buffers and attributes, and no hooks; afterwards all is as before.

    Weights are shared, and restored if they were written. With `training=False` modules are in eval mode. Batch
    normalisation keeps the statistics of the batch, as its running averages lag behind the weights.
    """
    modules = _all_modules(network)
    states = [(vars(one), dict(vars(one))) for one in modules]
    copies: dict[int, Any] = {}
    try:
        for one in modules:
            own = vars(one)
            own.update({name: _copy(value, copies) for name, value in own.items()})
            own.update({name: OrderedDict() for name in HOOKS})
            hooks = own["_forward_pre_hooks"].items()  # those of torch compute weights, such as weight_norm
            own["_forward_pre_hooks"] = {key: hook for key, hook in hooks if type(hook).__module__.startswith("torch.")}
            own["training"] = one.training and (training or _of_the_batch(one))
        with RestoredWeights(weight for one in modules for weight in one.parameters(recurse=False)), _eager():
            yield
    finally:
        for own, before in states:
            own.clear()
            own.update(before)


def unwrapped(module: nn.Module) -> nn.Module:
    """The module inside DataParallel, DistributedDataParallel and torch.compile."""
    if isinstance(module, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
        return unwrapped(module.module)
    compiled = module._modules.get("_orig_mod")
    return module if compiled is None else unwrapped(compiled)


def out_of_reach(network: nn.Module) -> bool:
    """Whether all processes have to make a call together (sharded weights), or states are not Python's (script)."""
    scripted = any(isinstance(one, torch.jit.ScriptModule) for one in network.modules())
    names = {type(one).__name__ for one in (*network.modules(), *network.parameters())}  # their imports take long
    return scripted or any("FSDP" in name or "FullySharded" in name or name == "DTensor" for name in names)


def _of_the_batch(module: nn.Module) -> bool:
    """Whether it normalises by the batch; the synchronised one would wait for the other processes."""
    return isinstance(module, _BatchNorm) and not isinstance(module, nn.SyncBatchNorm)


def _eager() -> AbstractContextManager[Any]:
    """Nothing is compiled for one small call. Where nothing was so far, Dynamo is not imported: that takes seconds."""
    return torch.compiler.set_stance("force_eager") if "torch._dynamo" in sys.modules else nullcontext()


def _all_modules(network: nn.Module) -> list[nn.Module]:
    """The network's modules, and those in lists and other containers, which `modules()` does not find."""
    found: dict[int, nn.Module] = {}
    seen, left = set[int](), [network]
    while left:
        one: Any = left.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, nn.Module):
            found[id(one)] = one
            left += vars(one).values()
        elif isinstance(one, (*CONTAINERS, tuple)):
            left += one.values() if isinstance(one, dict) else one
    return list(found.values())


def _copy(value: Any, copies: dict[int, Any]) -> Any:
    """A copy of what a module may write into, nested or not; weights and modules are shared.

    `copies` maps the id of an original to its copy: what two modules share, their copies share.
    """
    if id(value) in copies:
        return copies[id(value)]
    new: Any = value
    if isinstance(value, torch.Tensor):
        new = value if isinstance(value, nn.Parameter) else value.detach().clone()
    elif isinstance(value, torch.Generator):
        new = value.clone_state()
    elif isinstance(value, GENERATORS):
        new = copy.deepcopy(value)
    elif isinstance(value, tuple):
        items = [_copy(one, copies) for one in value]
        new = value if all(map(operator.is_, items, value)) else getattr(type(value), "_make", tuple)(items)
    elif isinstance(value, CONTAINERS):
        new = copies[id(value)] = copy.copy(value)  # before its items: one of them may be the container itself
        for key, one in _items(value):
            new[key] = _copy(one, copies)
    copies[id(value)] = new
    return new


def _items(value: Any) -> list[tuple[Any, Any]]:
    """Keys and values of a dict, positions and values of a list; a set has none: its items can't be written into."""
    return [] if isinstance(value, set) else list(value.items() if isinstance(value, dict) else enumerate(value))
