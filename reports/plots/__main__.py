"""Draw pictures in a second process, for `reports.plots.worker`: orders come on standard input."""

import pickle
import signal
import sys
import warnings
from pathlib import Path
from typing import BinaryIO, TextIO

from command import Command
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


def _folder() -> Path:
    parser = Command("python -m reports.plots", __doc__, {"reports/out/NAME": "for internal use"})
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="where the pictures go")
    folder: Path = parser.parse_args().folder
    return folder


if __name__ == "__main__":
    main(_folder(), sys.stdin, sys.stdout.buffer)
