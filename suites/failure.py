"""The border to foreign code: an error of a contestant becomes a status."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from implementations.discovery import because, missing_package
from suites.records.record import Error, Status


class Failure(Exception):
    """A contestant cannot be measured on a case: the status and reason of its record, and the error if it is wrong."""

    def __init__(self, status: Status, reason: str, error: Error | None = None) -> None:
        super().__init__(reason)
        self.status, self.reason, self.error = status, reason, error


@contextmanager
def contestant() -> Iterator[None]:
    """Turn anything that the contestant's code raises into a `Failure`, except Ctrl-C and what ruins the device."""
    try:
        yield
    except (Failure, KeyboardInterrupt):
        raise
    except BaseException as error:  # only here: pytest.skip and sys.exit raise no Exception
        if isinstance(error, torch.AcceleratorError) and _is_ruined():
            raise  # whoever comes next in this process fails too
        raise Failure(*_judge(error)) from error


@contextmanager
def unheard() -> Iterator[None]:
    """Silence warnings and logs where an error is an answer: torch.compile logs fifty lines for each."""
    disabled = logging.root.manager.disable
    logging.disable()
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        logging.disable(disabled)


def _is_ruined() -> bool:
    """Whether CUDA refuses every further call in this process, as after an illegal memory access."""
    try:
        torch.cuda.synchronize()
    except torch.AcceleratorError:
        return True
    return False


def text_of(error: BaseException) -> str:
    """The text of a contestant's exception, whose `__str__` is its code too."""
    try:
        return str(error)
    except KeyboardInterrupt:
        raise
    except BaseException as broken:  # whatever it raises is no reason to lose the case
        return f"its text cannot be read, because __str__ raises {type(broken).__name__}"


def _judge(error: BaseException) -> tuple[Status, str]:
    message = " ".join(text_of(error).split()) or "no message"
    reason = f"{type(error).__name__}: {message[:300]}"
    package = missing_package(error) if isinstance(error, ImportError) else None
    if package:
        return Status.ABSENT, because(package)
    if isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in message:
        return Status.OUT_OF_MEMORY, reason
    if isinstance(error, NotImplementedError) or "not implemented for" in message:
        return Status.UNSUPPORTED, reason
    return Status.ERROR, reason
