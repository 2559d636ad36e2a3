"""A copy of a file that nobody can change, so that a run measures the same rows from its first case to its last."""

import fcntl
import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import IO

import psutil

from suites.inputs.blocks import InputError

_SEALS = ("F_SEAL_SHRINK", "F_SEAL_GROW", "F_SEAL_WRITE", "F_SEAL_SEAL")
_SHARE = 0.5  # of the free memory: a larger file is copied to the disk
_Seen = tuple[int, int, int]


class SealedFile:
    """The content of a file at one moment, in memory or in a temporary file without a name.

    `path` is the file, `copy` opens the copy, in other processes too while this object lives. `digest` is the SHA-256.

    Raises:
        InputError: the file changed while it was copied, or there is no room for the copy.
        OSError: the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            self._seen = _seen(os.fstat(file.fileno()))
            self._file = _copied(file, path)
            if _seen(os.fstat(file.fileno())) != self._seen:
                raise InputError(f"{str(path)!r} was written while it was read; start again when it is whole")
        self.digest = _digest(self._file)

    @property
    def copy(self) -> Path:
        """A path that opens the copy."""
        number, ours = self._file.fileno(), Path(f"/proc/{os.getpid()}/fd")
        return (ours if ours.exists() else Path("/dev/fd")) / str(number)

    @property
    def changed(self) -> bool:
        """Whether the file is another one now, or none."""
        try:
            with self.path.open("rb") as file:
                return _seen(os.fstat(file.fileno())) != self._seen and _digest(file) != self.digest
        except OSError:
            return True


def _copied(file: IO[bytes], path: Path) -> IO[bytes]:
    """A copy in memory that the kernel protects against writing, or in a temporary file that has no name."""
    size = os.fstat(file.fileno()).st_size
    in_memory = hasattr(os, "memfd_create") and size <= _SHARE * psutil.virtual_memory().available
    copy: IO[bytes]
    if in_memory:
        copy = os.fdopen(os.memfd_create("rows", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING), "w+b")
    else:
        copy = tempfile.TemporaryFile()  # noqa: SIM115  # it lives as long as its owner
    try:
        shutil.copyfileobj(file, copy, 1 << 20)
        copy.flush()
    except OSError as error:
        where = "memory" if in_memory else tempfile.gettempdir()
        raise InputError(f"{str(path)!r} cannot be copied to {where}: {error}; set TMPDIR to a larger disk") from error
    if in_memory:
        fcntl.fcntl(copy, fcntl.F_ADD_SEALS, sum(getattr(fcntl, seal) for seal in _SEALS))
    return copy


def _digest(file: IO[bytes]) -> bytes:
    file.seek(0)
    return hashlib.file_digest(file, "sha256").digest()  # type: ignore[arg-type]


def _seen(status: os.stat_result) -> _Seen:
    return status.st_ino, status.st_size, status.st_mtime_ns
