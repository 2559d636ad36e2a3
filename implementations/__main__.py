"""List the implementations: name, task, dtypes, and what each is."""

import inspect
from collections.abc import Sequence

import implementations
import pipe
from command import REFUSED, Command, run
from implementations import registry


def main(argv: Sequence[str] | None = None) -> None:
    """Print a line for each implementation, then those that are absent and why."""
    parser = Command("python -m implementations", __doc__, {"": "all, by name"})
    parser.parse_args(argv)
    try:
        entries = [implementations.get(name) for name in implementations.names()]
    except registry.RegistryError as error:
        parser.exit(REFUSED, f"{parser.prog}: {error}\n")
    rows = [(entry.name, entry.task, ",".join(entry.dtypes)) for entry in entries]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    with pipe.may_close():
        for entry, row in zip(entries, rows, strict=True):
            what = (inspect.getdoc(entry.fn) or "").partition("\n")[0]
            print(*(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)), what, sep="  ")
        for name, why in registry.absent().items():
            print(f"{name} is absent: {why}")


if __name__ == "__main__":
    run(main)
