"""The files beside a page: a folder of its own, tables as CSV, a link to the newest."""

import os
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyarrow import csv


def emptied(folder: Path) -> Path:
    """Make the folder, or remove the pictures and tables of an older report from it."""
    folder.mkdir(parents=True, exist_ok=True)
    for stale in [*folder.glob("*.png"), *folder.glob("*.csv")]:
        stale.unlink()
    return folder


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table without its index; a missing value is an empty cell."""
    csv.write_csv(pa.Table.from_pandas(table, preserve_index=False), path)  # pandas takes 15 times as long


def point(link: Path, name: str) -> None:
    """Let `link` point to its neighbour `name`, whatever it was, without a moment in which there is none."""
    fresh = link.with_name(f".latest-{os.getpid()}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(name)
    fresh.replace(link)
