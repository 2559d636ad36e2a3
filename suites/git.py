"""What git knows of this checkout; "" where there is no git, or no checkout. Torch-free."""

import functools
import hashlib
import subprocess
from pathlib import Path


@functools.cache
def commit() -> str:
    """The commit that is checked out."""
    return _git("rev-parse", "HEAD").decode().strip()


@functools.cache
def changes() -> str:
    """A fingerprint of what tracked files have beyond the commit, when first asked for; "" if they have nothing."""
    diff = _git("diff", "HEAD")
    return hashlib.sha256(diff).hexdigest()[:12] if diff else ""


def _git(*arguments: str) -> bytes:
    command = ("git", "-C", str(Path(__file__).parent), *arguments)
    try:
        return subprocess.run(command, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return b""
