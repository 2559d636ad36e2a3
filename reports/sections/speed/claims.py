"""Comparisons in words, each in one direction: how much faster or slower than the baseline."""

import pandas as pd

from reports import units
from reports.sections.speed.table import SAME

IS_BASELINE = "is the baseline"


def claims(tally: pd.Series) -> str:
    """A tally in words, "6.4× faster in 3 of 4 cases, 2.2× slower in 1": the mean over the cases of each verdict."""
    found = {
        units.speed(tally["faster_ratio"]): tally["faster"],
        units.speed(tally["slower_ratio"]): tally["slower"],
        SAME: tally["same"],
    }
    counted = [f"{words} in {count:.0f}" for words, count in found.items() if count > 0]
    if not counted:
        return IS_BASELINE if tally["compared"] else units.MISSING
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
    return units.speed_within(ratio, low, high) if row["verdict"] else IS_BASELINE


def span(tally: pd.Series) -> str:
    """The slowest to the fastest over the cases of a tally, or the interval of its only case."""
    slowest, fastest = ("high", "low") if tally["compared"] == 1 else ("worst", "best")
    return (
        IS_BASELINE
        if not tally["faster"] + tally["slower"] + tally["same"] and tally["compared"]
        else (units.speeds(tally[slowest], tally[fastest]))
    )


def doubted(words: str, provisional: bool) -> str:
    """A comparison, marked where it is provisional: "provisional: 2× faster", "the baseline (provisional)"."""
    if not provisional:
        return words
    return "the baseline (provisional)" if words.startswith(IS_BASELINE) else f"provisional: {words}"


def prepared_once(rows: pd.DataFrame) -> str:
    """The cost of preparing the corpus of these records: "corpus prepared once in 40 ms"; "" where none is prepared."""
    known = rows["prepare_s"].dropna().astype(float)
    if known.empty:
        return ""
    return f"corpus prepared once in {'up to ' if len(known) > 1 else ''}{units.seconds(known.max())}"


def lacking(row: pd.Series) -> str:
    """In how many cases of a row of the answer nothing is within the error budget."""
    if not row["lacking"]:
        return f"no implementation is within the error budget in all {units.counted(row['cases'], 'case')}"
    where = f" in {row['lacking']:.0f} of {units.counted(row['cases'], 'case')}" if row["cases"] > 1 else ""
    return f"nothing is within the error budget{where}"


def break_even(start: pd.Series) -> str:
    """When an implementation breaks even with the baseline: "at most 41,000 calls, never in 1 of 4 cases"."""
    if pd.isna(start["pays_after"]):
        return "never" if start["never"] else units.MISSING
    most = f"at most {units.calls(start['pays_after'])}" if start["pays_after"] else "at once"
    return f"{most}, never in {start['never']:.0f} of {start['ran']:.0f} cases" if start["never"] else most
