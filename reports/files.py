"""The files of a report: its folder, its tables as CSV, and the link to the newest report."""

import os
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyarrow import csv

PAGE = "report.md"


def emptied(folder: Path) -> Path:
    """Make the folder, or remove the pictures and tables of an older report from it.

    Nothing is removed or written through a symbolic link: it is replaced, and what it points to stays as it is. Nor is
    anything removed from a folder that holds no report.
    """
    if folder.is_symlink():
        folder.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    for link in filter(Path.is_symlink, [*folder.iterdir()]):
        link.unlink()
    if (folder / PAGE).is_file():
        for stale in [*folder.glob("*.png"), *folder.glob("*.csv")]:
            stale.unlink()
    return folder


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table without its index; a missing value is an empty cell."""
    csv.write_csv(pa.Table.from_pandas(table, preserve_index=False), path)  # pandas takes 15 times as long


def point(link: Path, name: str) -> None:
    """Point `link` to its neighbour `name`, in one step: at each moment the link exists.

    Raises:
        ValueError: in its place is a file or folder.
    """
    if link.exists() and not link.is_symlink():
        raise ValueError(f"{str(link)!r} is to point to the newest report, and is a file or folder: move it away")
    fresh = link.with_name(f".latest-{os.getpid()}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(name)
    fresh.replace(link)
