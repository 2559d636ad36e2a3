"""Switches of this process that the operating system keeps: its environment, handlers, limits and processors."""

import os
import resource
import signal
from collections.abc import Callable, Mapping
from typing import Any

Switch = tuple[str, Callable[[], object], Callable[..., object]]
"""What it switches, in words, a function that reads it, and one that sets it."""

_SIGNALS = tuple(number for number in signal.valid_signals() if number < getattr(signal, "SIGRTMIN", 64))
_LIMITS = tuple(value for name, value in vars(resource).items() if name.startswith("RLIMIT_"))
_OF_LIBRARIES = ("CUDA_MODULE_LOADING", "KMP_", "PYTEST_", "TORCHINDUCTOR_", "_TORCHINDUCTOR_", "TRITON_")


def _umask() -> int:
    os.umask(now := os.umask(0))
    return now


def _folder() -> str:
    try:
        return os.getcwd()
    except FileNotFoundError:  # it was removed
        return ""


def _environment() -> dict[str, str]:
    """Without the variables that libraries set for themselves."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_OF_LIBRARIES)}


def _set_environment(was: Mapping[str, str]) -> None:
    for name in _environment().keys() - was.keys():
        del os.environ[name]
    os.environ.update(was)


def _handlers() -> tuple[object, ...]:
    return tuple(map(signal.getsignal, _SIGNALS))


def _set_handlers(was: tuple[Any, ...]) -> None:
    for number, handler in zip(_SIGNALS, was, strict=True):
        if handler is not None and signal.getsignal(number) is not handler:
            signal.signal(number, handler)


def _limits() -> tuple[tuple[int, int], ...]:
    return tuple(map(resource.getrlimit, _LIMITS))


def _set_limits(was: tuple[tuple[int, int], ...]) -> None:
    for limit, values in zip(_LIMITS, was, strict=True):
        if resource.getrlimit(limit) != values:
            resource.setrlimit(limit, values)


def _alarm() -> bool:
    return signal.getitimer(signal.ITIMER_REAL)[0] > 0


def _set_alarm(was: bool) -> None:
    if not was:
        signal.setitimer(signal.ITIMER_REAL, 0)


AT_A_GLANCE: tuple[Switch, ...] = (
    ("the priority", lambda: os.getpriority(os.PRIO_PROCESS, 0), lambda was: os.setpriority(os.PRIO_PROCESS, 0, was)),
    ("the umask", _umask, os.umask),
    ("the working folder", _folder, os.chdir),
    ("the alarm", _alarm, _set_alarm),
)
"""Those that take a microsecond or less to read."""
if hasattr(os, "sched_getaffinity"):  # Linux
    AT_A_GLANCE += (("the CPU affinity", lambda: os.sched_getaffinity(0), lambda was: os.sched_setaffinity(0, was)),)
SYSTEM: tuple[Switch, ...] = (
    *AT_A_GLANCE,
    ("the environment", _environment, _set_environment),
    ("the handlers of signals", _handlers, _set_handlers),
    ("the limits of the process", _limits, _set_limits),
)
