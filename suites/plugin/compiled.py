"""Which implementations compile."""

import functools
import inspect
from collections.abc import Callable


@functools.cache
def compiles(fn: Callable[..., object]) -> bool:
    """Whether the file of a function speaks of torch.compile: a guess, which the first call then corrects."""
    try:
        text = inspect.getsource(inspect.getmodule(inspect.unwrap(fn)) or fn)
    except (OSError, TypeError):
        return False
    return "torch.compile" in text
