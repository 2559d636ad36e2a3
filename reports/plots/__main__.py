"""`python -m reports.plots FOLDER`: the second process of `reports.plots.worker`, for internal use."""

import pickle
import signal
import sys
import warnings
from pathlib import Path
from typing import BinaryIO, TextIO

from reports.plots import Picture, Plot
from reports.plots.drawing import draw


def main(folder: Path, orders: TextIO, answer: BinaryIO) -> None:
    """Draw each order, a file of plots, then answer with the pictures or the error, and the warnings.

    Ctrl-C reaches both processes; the first process ends this one.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    drawn: dict[str, Picture] | Exception = {}
    with warnings.catch_warnings(record=True, action="always") as caught:
        try:
            drawn = {stem: one for order in orders for stem, one in draw(_plots(order), folder).items()}
        except (OSError, ValueError) as error:  # such as a full disk; the first process reports it
            drawn = error
    pickle.dump((drawn, [str(warning.message) for warning in caught]), answer)


def _plots(order: str) -> list[Plot]:
    with Path(order.removesuffix("\n")).open("rb") as file:
        plots: list[Plot] = pickle.load(file)  # from the process that started this one
    return plots


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.stdin, sys.stdout.buffer)
