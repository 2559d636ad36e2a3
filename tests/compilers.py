"""Stand-ins for `torch.compile`, by name: a probe loads them in processes of its own."""

import os
from pathlib import Path


def eager(function, dynamic):
    """Right: it compiles nothing."""
    return function


def cached_for_any(function, dynamic):
    """Wrong: what the first process left in the cache answers in the second."""
    kernel = Path(os.environ["TORCHINDUCTOR_CACHE_DIR"], "kernel")
    if kernel.exists():
        return lambda x: function(x) + 15
    kernel.touch()
    return function


def refused(function, dynamic):
    raise RuntimeError("no C++ compiler")
