"""Keeping a report in git: the page, its pictures and its run in one folder."""

import re
import shutil
from pathlib import Path

from results import ROOT, Run, load_run
from results.files import find

PUBLISHED = Path(__file__).parent / "published"


def publish(page: Path, run: str, published: Path = PUBLISHED, root: Path = ROOT) -> Path:
    """Copy the folder of `page` and the run's file to `published`/<device>-<date>, and return that folder.

    If another run has that folder, the new one is <device>-<date>-2.
    """
    head = load_run(run, root)
    device = re.sub(r"[^a-z0-9]+", "-", (head.environment.gpu or head.environment.cpu).lower()).strip("-")
    date = re.sub(r"[^0-9-]", "", head.started[:10])
    folder = _free(published, f"{device[:60] or 'unknown'}-{date}", head)
    shutil.copytree(page.parent, folder, dirs_exist_ok=True)
    shutil.copyfile(find(run, root), folder / f"{head.name}.jsonl")
    return folder


def _free(published: Path, name: str, head: Run) -> Path:
    """A new folder, or the one that has an earlier state of this run."""
    folder, number = published / name, 1
    while folder.exists() and not _holds(folder / f"{head.name}.jsonl", head):
        number += 1
        folder = published / f"{name}-{number}"
    return folder


def _holds(file: Path, head: Run) -> bool:
    return file.exists() and load_run(str(file)).started == head.started
