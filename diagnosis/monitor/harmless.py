"""The monitor never harms a training: what fails in it is a warning, and the training goes on."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from diagnosis.isolation import said
from diagnosis.monitor.collapse import CollapseWarning


@contextmanager
def harmless(failed: Callable[[str], None]) -> Iterator[None]:
    """Hand over whatever fails within, in words; Ctrl-C passes through, and a collapse that a filter makes an error."""
    try:
        yield
    except CollapseWarning:
        raise
    except Exception as error:  # a device without memory, a network that changes, a metric: training comes first
        failed(said(error))


@contextmanager
def never_raised() -> Iterator[None]:
    """Within, no filter makes a warning an error, which would stop the training or hide its own error."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        yield


def warn(what: str) -> None:
    """Warn of what the monitor does not do; no filter makes it an error."""
    with never_raised():
        warnings.warn(f"CollapseMonitor {what}", stacklevel=3)


class Unwatched:
    """What a pickled module has in place of its monitor."""

    def _call(self, *_: object) -> None:
        """A hook without effect."""
