"""The user's objects stay untouched: probes run on copies, random states are restored, errors name their source."""

import copy
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
import torch

from diagnosis.subject import DiagnosisError

Thing = TypeVar("Thing")


def private_copy(thing: Thing) -> Thing:
    """A copy whose use changes nothing in the original: weights, buffers, modes, hooks, gradients, plain attributes.

    Objects that a model reaches through a closure or a global are shared.

    Raises:
        DiagnosisError: the model can't be copied.
    """
    modules = thing.modules() if isinstance(thing, torch.nn.Module) else ()
    computed = (t for module in modules for t in _tensors(vars(module)) if not t.is_leaf)
    memo = {id(t): t.detach().clone() for t in computed}  # deepcopy refuses outputs kept with their graph
    try:
        return copy.deepcopy(thing, memo)
    except Exception as error:  # any attribute of the model can raise anything
        raise DiagnosisError(
            f"the {type(thing).__name__} can't be copied ({type(error).__name__}: {error}), and probes run only "
            "on copies; pass its embeddings instead: diagnose(x, y, inputs=...)"
        ) from error


@contextmanager
def seeded(seed: int = 0) -> Iterator[None]:
    """The same random numbers each time; restores the states of torch (CPU, CUDA), Python and NumPy afterwards."""
    python, numpy = random.getstate(), np.random.get_state()
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    with torch.random.fork_rng(devices), torch.set_grad_enabled(torch.is_grad_enabled()):
        try:
            # torch.manual_seed would also seed devices that are not in use yet
            for generator in (torch.default_generator, *(torch.cuda.default_generators[device] for device in devices)):
                generator.manual_seed(seed)
            random.seed(seed)
            np.random.seed(seed)
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)


@contextmanager
def users_code(what: str, next_step: str) -> Iterator[None]:
    """Turn any exception of the user's model, loader or function into a `DiagnosisError`; Ctrl-C passes through."""
    try:
        yield
    except DiagnosisError:
        raise
    except Exception as error:  # the only broad except: the user's code can raise anything
        raise DiagnosisError(f"{what} raised {type(error).__name__}: {error}; {next_step}") from error


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _tensors(item)
