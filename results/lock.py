"""A lock for each device: two sessions that measure at once would disturb each other."""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from results.files import ROOT
from results.store import StoreError


@contextmanager
def alone_on(devices: Sequence[str], run: str, root: Path = ROOT) -> Iterator[None]:
    """Keep other sessions of this checkout off these devices.

    Raises:
        StoreError: another session measures on one of them; the error names its run.
    """
    with ExitStack() as held:
        for device in devices:
            held.enter_context(_alone_on(device, run, root))
        yield


@contextmanager
def _alone_on(device: str, run: str, root: Path) -> Iterator[None]:
    root.mkdir(parents=True, exist_ok=True)
    with (root / f".{device}.lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise StoreError(
                f"the run {file.read()} measures on {device} now, and two at once disturb each other; wait for its end"
            ) from None
        file.truncate(0)
        file.write(f"{run!r} (process {os.getpid()})")
        file.flush()
        os.register_at_fork(after_in_child=file.close)  # a fork would hold the lock
        yield
