"""The git state of this checkout; "" without git or without a checkout. Torch-free."""

import functools
import hashlib
import subprocess
from pathlib import Path


@functools.cache
def commit() -> str:
    """The hash of the current commit."""
    return _git("rev-parse", "HEAD").decode().strip()


@functools.cache
def uncommitted() -> str:
    """A fingerprint of the uncommitted changes of tracked files, at the first call; "" if there are none."""
    diff = _git("diff", "HEAD")
    return hashlib.sha256(diff).hexdigest()[:12] if diff else ""


def _git(*arguments: str) -> bytes:
    command = ("git", "-C", str(Path(__file__).parent), *arguments)
    try:
        return subprocess.run(command, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return b""
