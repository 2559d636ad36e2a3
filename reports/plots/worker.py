"""Drawing pictures in this process, or for a large run in a second one while this one reads and writes."""

import os
import pickle
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from reports.plots import Picture, Plot

_HOUSE = Path(__file__).parents[2]


class Worker(Protocol):
    """Draws plots in the order it gets them."""

    def draw(self, plots: Iterable[Plot]) -> None:
        """Draw these plots, now or later."""

    def pictures(self) -> dict[str, Picture]:
        """All drawn pictures by stem; call it once, at the end."""


@contextmanager
def worker(folder: Path, second_process: bool) -> Iterator[Worker]:
    """A worker that saves its pictures in `folder`. Its second process always ends with the context."""
    if not second_process:
        yield _InProcess(folder)
        return
    path = os.pathsep.join(filter(None, [str(_HOUSE), os.environ.get("PYTHONPATH")]))
    with (
        tempfile.TemporaryDirectory() as orders,
        subprocess.Popen(  # multiprocessing would import the caller's script again
            [sys.executable, "-m", "reports.plots", str(folder.absolute())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": path},
        ) as process,
    ):
        try:
            yield _SecondProcess(process, Path(orders))
        finally:
            process.kill()


class _InProcess:
    def __init__(self, folder: Path) -> None:
        self._folder, self._drawn = folder, dict[str, Picture]()

    def draw(self, plots: Iterable[Plot]) -> None:
        from reports.plots.drawing import draw

        self._drawn |= draw(plots, self._folder)

    def pictures(self) -> dict[str, Picture]:
        return self._drawn


class _SecondProcess:
    """Orders are files, since a full pipe would block; only their names go through the pipe."""

    def __init__(self, process: "subprocess.Popen[bytes]", orders: Path) -> None:
        self._process, self._orders, self._count = process, orders, 0

    def draw(self, plots: Iterable[Plot]) -> None:
        order = self._orders / f"{self._count}.pickle"
        self._count += 1
        with order.open("wb") as file:
            pickle.dump(list(plots), file, protocol=pickle.HIGHEST_PROTOCOL)
        assert self._process.stdin
        try:
            self._process.stdin.write(f"{order}\n".encode())
            self._process.stdin.flush()
        except BrokenPipeError:
            self.pictures()  # raises with the reason

    def pictures(self) -> dict[str, Picture]:
        answer, _ = self._process.communicate()
        if self._process.returncode:
            raise RuntimeError(f"the process that draws the pictures ended with status {self._process.returncode}")
        drawn, warned = pickle.loads(answer)  # from our own process
        for message in warned:
            warnings.warn(message, stacklevel=3)
        if isinstance(drawn, Exception):
            raise drawn
        return dict(drawn)
