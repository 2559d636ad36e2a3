"""A user's network runs once more, in another mode, and is left as it was."""

import copy
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

HOOKS = ("_forward_hooks", "_forward_hooks_with_kwargs", "_forward_hooks_always_called")
GENERATORS = (random.Random, np.random.Generator, np.random.RandomState)
CONTAINERS = (list, dict, set, deque)


@contextmanager
def untouched(network: nn.Module, *, training: bool) -> Iterator[None]:
    """Within, all modules have copies of their buffers and attributes, and no hooks; afterwards all is as before.

    With `training=False` they are in eval mode. Batch normalisation keeps the statistics of the batch, as its running
    averages lag behind the weights.
    """
    modules = list(network.modules())
    states = [(vars(one), dict(vars(one))) for one in modules]
    try:
        for one in modules:
            own = vars(one)
            own.update({name: _copy(value) for name, value in own.items()})
            own["_buffers"] = {name: _copy(value) for name, value in own["_buffers"].items()}
            own.update({name: OrderedDict() for name in HOOKS})
            hooks = own["_forward_pre_hooks"].items()  # those of torch compute weights, such as weight_norm
            own["_forward_pre_hooks"] = {key: hook for key, hook in hooks if type(hook).__module__.startswith("torch.")}
            own["training"] = one.training and (training or _of_the_batch(one))
        with _eager():
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


def _copy(value: Any) -> Any:
    """A copy of what a module may write into; weights and modules are shared."""
    if isinstance(value, torch.Tensor):
        return value if isinstance(value, nn.Parameter) else value.detach().clone()
    if isinstance(value, torch.Generator):
        return value.clone_state()
    if isinstance(value, GENERATORS):
        return copy.deepcopy(value)
    return copy.copy(value) if isinstance(value, CONTAINERS) else value
