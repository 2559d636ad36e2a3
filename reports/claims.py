"""Verdicts in words: what the page and its pictures say of faster and slower."""

import pandas as pd

from reports import units
from reports.sections import SAME


def claims(tally: pd.Series) -> str:
    """What a tally says: "6.4× faster in 3 of 4 cases, 2.2× slower in 1", each mean over the cases of its verdict."""
    found = {
        units.speed(tally["faster_ratio"]): tally["faster"],
        units.speed(tally["slower_ratio"]): tally["slower"],
        SAME: tally["same"],
    }
    counted = [f"{words} in {count:.0f}" for words, count in found.items() if count > 0]
    if not counted:
        return "is the baseline" if tally["compared"] else units.MISSING
    if tally["compared"] == 1:
        return counted[0].removesuffix(" in 1")
    counted[0] += f" of {tally['compared']:.0f} cases"
    return ", ".join(counted)


def span(tally: pd.Series) -> str:
    """From the least to the most speed of a tally's cases, or the interval of its only one: "0.45× to 15×"."""
    slowest, fastest = ("high", "low") if tally["compared"] == 1 else ("worst", "best")
    least, most = units.times(1 / tally[slowest]), units.times(1 / tally[fastest])
    return least if least == most else f"{least} to {most}"


def paid(start: pd.Series) -> str:
    """When a standing's first calls are paid for: "after at most 41,000 calls, never in 1 of 4 cases"."""
    if pd.isna(start["pays_after"]):
        return "never" if start["never"] else units.MISSING
    most = f"after at most {units.calls(start['pays_after'])}" if start["pays_after"] else "at once"
    return f"{most}, never in {start['never']:.0f} of {start['ran']:.0f} cases" if start["never"] else most
