"""One run at a time on a device: two would measure each other."""

import os
import re
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from locks import Locked, lock

FOLDER = "COSINEBENCH_LOCKS"
"""The environment variable with the folder of the locks; the machine's runs share that for temporary files."""


class DeviceTaken(ValueError):
    """Another run measures on a device."""


def claim(devices: Sequence[str], run: str) -> ExitStack:
    """Keep other runs off these devices until the result is closed, or this process ends.

    Raises:
        DeviceTaken: another run has one of them.
    """
    with ExitStack() as claimed:
        for device in devices:
            file = claimed.enter_context(_opened(_place(device)))
            try:
                lock(file)
            except Locked as holder:
                raise DeviceTaken(
                    f"the run {_name(file)!r} ({holder}) is measuring on {device}, and two runs on one device measure "
                    f"each other; wait until it ends, or set {FOLDER} to another folder if that is no matter"
                ) from None
            if file.writable():
                file.truncate(0)
                file.write(run.encode(errors="replace"))
                file.flush()
        return claimed.pop_all()


def _place(device: str) -> Path:
    """The file to lock; a GPU has the number, or the name, that CUDA_VISIBLE_DEVICES gives to the first."""
    if device.startswith("cuda"):
        first = os.environ.get("CUDA_VISIBLE_DEVICES", "").partition(",")[0].strip()
        device = f"cuda{re.sub(r'[^A-Za-z0-9-]', '_', first) or '0'}"
    return Path(os.environ.get(FOLDER) or tempfile.gettempdir()) / f"cosinebench-{device}.lock"


def _opened(path: Path) -> IO[bytes]:
    """The file, made if there is none; that of another user can only be read."""
    flags = os.O_CLOEXEC | os.O_NOFOLLOW
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | flags, 0o666), "r+b")
    except PermissionError:
        return os.fdopen(os.open(path, os.O_RDONLY | flags), "rb")


def _name(file: IO[bytes]) -> str:
    return file.read(200).decode(errors="replace")
