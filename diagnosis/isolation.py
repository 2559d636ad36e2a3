"""The user's objects stay untouched: probes run on copies, random states are restored, errors name their source."""

import copy
import random
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any, TypeVar

import numpy as np
import torch

from diagnosis.subject import DiagnosisError

Thing = TypeVar("Thing")
_users_device = ContextVar[torch.device | None]("the default device of the user", default=None)


def private_copy(thing: Thing) -> Thing:
    """A copy whose use changes nothing in the original: weights, buffers, modes, hooks, gradients, plain attributes.

    Objects that a model reaches through a closure or a global are shared.

    Raises:
        DiagnosisError: the model can't be copied, or shares a part with its copy.
    """
    modules = thing.modules() if isinstance(thing, torch.nn.Module) else ()
    computed = (t for module in modules for t in _tensors(vars(module)) if not t.is_leaf)
    memo = {id(t): t.detach().clone() for t in computed}  # deepcopy refuses outputs kept with their graph
    kind = type(thing).__name__
    advice = "probes run only on copies; pass its embeddings instead: diagnose(x, y, inputs=...)"
    try:
        copied = copy.deepcopy(thing, memo)
    except Exception as error:  # any attribute of the model can raise anything
        raise DiagnosisError(f"the {kind} can't be copied ({said(error)}), and {advice}") from error
    if _parts(thing) & _parts(copied):
        raise DiagnosisError(f"the {kind} shares weights or modules with its copy (__deepcopy__), and {advice}")
    return copied


@contextmanager
def seeded(seed: int = 0) -> Iterator[None]:
    """The same random numbers each time; restores the states of torch (CPU, CUDA), Python and NumPy afterwards.

    Within `torch.inference_mode` it allows gradients, which the probes need. New tensors are on the CPU, except in
    `users_code`.
    """
    python, numpy = random.getstate(), np.random.get_state()
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    graphs = torch.inference_mode(False) if torch.is_inference_mode_enabled() else nullcontext()
    with graphs, _on_cpu(), torch.random.fork_rng(devices), torch.set_grad_enabled(torch.is_grad_enabled()):
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
def _on_cpu() -> Iterator[None]:
    """Sets the default device to the CPU, if it is another one, and remembers that."""
    default = torch.get_default_device()
    if default.type == "cpu":
        yield
        return
    token = _users_device.set(_users_device.get() or default)
    try:
        with torch.device("cpu"):
            yield
    finally:
        _users_device.reset(token)


@contextmanager
def users_code(what: str, next_step: str) -> Iterator[None]:
    """Turn any exception of the user's model, loader or function into a `DiagnosisError`, also that of `sys.exit`.

    Ctrl-C passes through.
    """
    try:
        with _users_device.get() or nullcontext():
            yield
    except DiagnosisError:
        raise
    except (Exception, SystemExit) as error:  # the user's code can raise anything
        raise DiagnosisError(f"{what} raised {said(error)}; {next_step}") from error


def said(error: BaseException) -> str:
    """An error of the user's code by its type and message, in one line."""
    try:
        message = " ".join(str(error).split())
    except Exception:  # its `__str__` is the user's code too
        message = "its message can't be read"
    return f"{type(error).__name__}: {message or 'no message'}"


def unchanged(given: torch.Tensor, copied: torch.Tensor) -> bool:
    """Whether a copy that went into the user's code still equals the original; NaN equals NaN."""
    if given.shape != copied.shape:
        return False
    before = given.to(copied.device)
    if not given.is_floating_point():
        return torch.equal(before, copied)
    return bool(((before == copied) | (before.isnan() & copied.isnan())).all())


def _parts(thing: object) -> set[int]:
    """The identities of a model's modules, weights and buffers."""
    if not isinstance(thing, torch.nn.Module):
        return set()
    return {id(part) for part in (*thing.modules(), *thing.parameters(), *thing.buffers())}


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _tensors(item)
