"""Comparisons in words, each in one direction: how much faster or slower than the baseline."""

import pandas as pd

from reports import units
from reports.sections.speed.table import SAME


def claims(tally: pd.Series) -> str:
    """A tally in words, "6.4× faster in 3 of 4 cases, 2.2× slower in 1": the mean over the cases of each verdict."""
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


def claim(row: pd.Series) -> str:
    """One record against its baseline: "2.9× faster (2.6 to 3.3)", "no difference seen (within 3 %)"."""
    ratio, low, high = row["ratio"], row["ratio_low"], row["ratio_high"]
    if pd.isna(ratio):
        return units.MISSING
    if row["verdict"] == SAME:
        return f"{SAME} ({units.within(low, high)})"
    return units.speed_within(ratio, low, high) if row["verdict"] else "is the baseline"


def span(tally: pd.Series) -> str:
    """The slowest to the fastest over the cases of a tally, or the interval of its only case."""
    slowest, fastest = ("high", "low") if tally["compared"] == 1 else ("worst", "best")
    return (
        "is the baseline"
        if not tally["faster"] + tally["slower"] + tally["same"] and tally["compared"]
        else (units.speeds(tally[slowest], tally[fastest]))
    )


def break_even(start: pd.Series) -> str:
    """When an implementation breaks even with the baseline: "at most 41,000 calls, never in 1 of 4 cases"."""
    if pd.isna(start["pays_after"]):
        return "never" if start["never"] else units.MISSING
    most = f"at most {units.calls(start['pays_after'])}" if start["pays_after"] else "at once"
    return f"{most}, never in {start['never']:.0f} of {start['ran']:.0f} cases" if start["never"] else most
