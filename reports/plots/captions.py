"""What a picture leaves out or measures differently, in a sentence under it."""

import pandas as pd

from reports.plots.style import plain
from reports.sections.speed.by_case import of_group
from reports.sections.speed.table import group_names

NAMED = 4
"""How many cases a caption names."""


def without_baseline(table: pd.DataFrame, answer: pd.DataFrame) -> str:
    """The cases that the baseline of their group has no time for, and what is drawn of them; "" if there are none."""
    ran = table[table["status"] == "ok"]
    said = []
    for name, (_, group) in zip(group_names(answer), answer.iterrows(), strict=True):
        here = of_group(ran, group)
        cases = here.groupby("label", sort=False)
        drawn = cases["ratio"].count() > 0
        if len(lost := list(drawn.index[~drawn])):
            said.append(f"{name}: not drawn for want of a baseline: {_named(lost)}.")
        others = here.loc[here["baseline"] & (here["implementation"] != group["reference"])]
        for reference, rows in others.groupby("implementation"):
            known = f"{plain(str(group['reference']))} has no time for {_named(list(rows['label'].unique()))}"
            said.append(f"{name}: {known}; the times there are against {plain(str(reference))}, the fastest.")
    return " ".join(said)


def _named(labels: list[str]) -> str:
    more = f" and {len(labels) - NAMED} more" if len(labels) > NAMED else ""
    return ", ".join(map(plain, labels[:NAMED])) + more
