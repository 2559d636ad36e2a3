"""What is handed over is left as it was found: probes run on copies, random states are put back, errors say whose."""

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
    """A copy whose use changes nothing of the original: weights, buffers, modes, hooks, gradients, plain attributes.

    What a model reaches through a closure or a global is not its own, and is shared.

    Raises:
        DiagnosisError: the model can't be copied.
    """
    modules = thing.modules() if isinstance(thing, torch.nn.Module) else ()
    computed = (t for module in modules for t in _tensors(vars(module)) if not t.is_leaf)
    memo = {id(t): t.detach().clone() for t in computed}  # deepcopy refuses outputs that a model kept with their graph
    try:
        return copy.deepcopy(thing, memo)
    except Exception as error:  # the model's own attributes decide what is raised
        raise DiagnosisError(
            f"the {type(thing).__name__} can't be copied ({type(error).__name__}: {error}), and probes run on copies "
            "only, so that it stays as it is; hand over what it computed instead: diagnose(x, y, inputs=...)"
        ) from error


@contextmanager
def seeded(seed: int = 0) -> Iterator[None]:
    """The same random numbers each time, and afterwards the states of before: torch (CPU, CUDA), Python, NumPy."""
    python, numpy = random.getstate(), np.random.get_state()
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    with torch.random.fork_rng(devices), torch.set_grad_enabled(torch.is_grad_enabled()):
        try:
            # torch.manual_seed would also seed devices that nobody uses yet, for later
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
    """Turn what the user's model, loader or function raises into a `DiagnosisError`; Ctrl-C passes through."""
    try:
        yield
    except DiagnosisError:
        raise
    except Exception as error:  # the one place for it: anything can be raised there
        raise DiagnosisError(f"{what} raised {type(error).__name__}: {error}; {next_step}") from error


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _tensors(item)
