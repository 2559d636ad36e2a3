"""Switches of this process that change what others compute or how fast: torch's, NumPy's, Python's and the system's."""

import gc
import random
import sys
from contextlib import suppress
from typing import Any

import numpy as np
import torch

from suites.measure.system import AT_A_GLANCE, SYSTEM, Switch

_FLOAT32: tuple[Any, ...] = (torch.backends, torch.backends.cuda.matmul, torch.backends.mkldnn.matmul)  # type: ignore[attr-defined]
_AUTOCAST = ("cpu", "cuda")
_SMALLEST_NORMAL = sys.float_info.min


def _legacy_precision() -> str:
    try:
        return torch.get_float32_matmul_precision()
    except RuntimeError:  # after a change through the newer switches
        return ""


def _float32_precision() -> tuple[str, ...]:
    return _legacy_precision(), *(backend.fp32_precision for backend in _FLOAT32)


def _set_float32_precision(was: tuple[str, ...]) -> None:
    if was[0]:
        torch.set_float32_matmul_precision(was[0])  # changes some of the newer ones as well
    for backend, precision in zip(_FLOAT32, was[1:], strict=True):
        backend.fp32_precision = precision


def _flushes_denormal() -> bool:
    """Whether this thread flushes subnormal numbers to zero: torch only sets it, but all of Python's floats obey."""
    return _SMALLEST_NORMAL * 0.5 == 0.0


def _default_device() -> torch.device | None:
    """None where none was set: one that is set, even "cpu", slows each call of torch down."""
    context = getattr(torch._GLOBAL_DEVICE_CONTEXT, "device_context", None)
    return context.device if context else None


def _function_modes() -> tuple[object, ...]:
    return tuple(torch.overrides._get_current_function_mode_stack())


def _set_function_modes(was: tuple[object, ...]) -> None:
    while torch._C._len_torch_function_stack():
        torch._C._pop_torch_function_stack()
    for mode in was:
        torch._C._push_on_torch_function_stack(mode)


def _autocast() -> tuple[object, ...]:
    return tuple((torch.is_autocast_enabled(device), torch.get_autocast_dtype(device)) for device in _AUTOCAST)


def _set_autocast(was: tuple[tuple[bool, torch.dtype], ...]) -> None:
    for device, (enabled, dtype) in zip(_AUTOCAST, was, strict=True):
        torch.set_autocast_enabled(device, enabled)
        torch.set_autocast_dtype(device, dtype)


def _cudnn() -> tuple[bool, ...]:
    return torch.backends.cudnn.enabled, torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic


def _set_cudnn(was: tuple[bool, ...]) -> None:
    torch.backends.cudnn.enabled, torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic = was


def _reduced() -> tuple[bool, bool]:
    matmul = torch.backends.cuda.matmul
    return matmul.allow_fp16_reduced_precision_reduction, matmul.allow_bf16_reduced_precision_reduction


def _set_reduced(was: tuple[bool, bool]) -> None:
    matmul = torch.backends.cuda.matmul
    matmul.allow_fp16_reduced_precision_reduction, matmul.allow_bf16_reduced_precision_reduction = was


QUICK: tuple[Switch, ...] = (
    ("the number of threads", torch.get_num_threads, torch.set_num_threads),
    ("the default dtype", torch.get_default_dtype, torch.set_default_dtype),
    ("deterministic algorithms", torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms),
    ("gradient mode", torch.is_grad_enabled, torch.set_grad_enabled),
    ("whether subnormal numbers are flushed to zero", _flushes_denormal, torch.set_flush_denormal),
    ("anomaly detection", torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    ("autocast", _autocast, _set_autocast),
    ("NumPy's handling of floating-point errors", np.geterr, lambda was: np.seterr(**was)),
    ("the switch interval of threads", sys.getswitchinterval, sys.setswitchinterval),
    ("the trace function", sys.gettrace, sys.settrace),
    ("the profile function", sys.getprofile, sys.setprofile),
    ("the thresholds of the garbage collector", gc.get_threshold, lambda was: gc.set_threshold(*was)),
)
"""Those that take a microsecond or less to read."""
SLOW: tuple[Switch, ...] = (
    ("the default device", _default_device, torch.set_default_device),
    ("the modes of torch functions", _function_modes, _set_function_modes),
    ("the float32 matmul precision", _float32_precision, _set_float32_precision),
    ("the reductions of 16-bit products", _reduced, _set_reduced),
    ("cuDNN's switches", _cudnn, _set_cudnn),
    *SYSTEM,
)
GLANCES = (
    *(get for _, get, _ in QUICK),
    torch._C._len_torch_function_stack,
    _legacy_precision,
    _reduced,
    _cudnn,
    *(get for _, get, _ in AT_A_GLANCE),
)
"""What shows most changes in a few microseconds."""
RANDOM_STATES: tuple[Switch, ...] = (
    ("the random state of torch", torch.get_rng_state, torch.set_rng_state),
    ("the random state of Python", random.getstate, random.setstate),
    ("the random state of NumPy", np.random.get_state, np.random.set_state),
)


def differing(switches: tuple[Switch, ...], before: list[object]) -> list[int]:
    """The places of the switches that are not as they were."""
    return [n for n, ((_, get, _), was) in enumerate(zip(switches, before, strict=True)) if not _same(get(), was)]


def restore(switches: tuple[Switch, ...], before: list[object]) -> None:
    """Set each switch as it was. What the system does not allow to undo, such as a lower priority, is now known."""
    for n in differing(switches, before):
        _, get, put = switches[n]
        with suppress(OSError, RuntimeError, ValueError):
            put(before[n])
        before[n] = get()


def _same(a: object, b: object) -> bool:
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        return a.numpy().tobytes() == b.numpy().tobytes()
    if isinstance(a, tuple) and isinstance(b, tuple) and any(isinstance(part, np.ndarray) for part in a):
        return all(map(np.array_equal, a, b))
    return a == b
