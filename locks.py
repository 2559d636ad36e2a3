"""Locks between processes: the lock of an open file ends when it is closed, or with its process."""

import fcntl
import os
from pathlib import Path
from typing import IO


class Locked(Exception):
    """Another process holds the lock; the text names it."""


def lock(file: IO[bytes]) -> None:
    """Lock a file until it is closed. A file system without locks is no obstacle.

    Raises:
        Locked: another process holds it.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Locked(_holder(file)) from None
    except OSError:
        return
    os.register_at_fork(after_in_child=file.close)  # a fork would hold the lock, and could write


def _holder(file: IO[bytes]) -> str:
    """The process that holds the lock, in words. Linux lists it with the inode."""
    listed = Path("/proc/locks")
    inode = str(os.fstat(file.fileno()).st_ino)
    for words in map(str.split, listed.read_text().splitlines() if listed.exists() else ()):
        if "FLOCK" in words and "->" not in words and any(word.rpartition(":")[2] == inode for word in words[5:6]):
            return f"process {words[4]}"
    return "another process"
