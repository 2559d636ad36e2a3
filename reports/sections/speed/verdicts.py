"""Verdicts on times, counted case by case, and means that never mix verdicts."""

import numpy as np
import pandas as pd

from reports.sections.speed.table import FASTER, MEMBER, SAME, SLOWER
from results import VERDICT_CONFIDENCE

CHANCE = 1 - VERDICT_CONFIDENCE
"""The probability of a verdict on two equal implementations."""

NOTICEABLE = 0.1
"""The share of the baseline's time that is worth a change; a higher noise floor hides such a gain."""


def tally(rows: pd.DataFrame) -> pd.DataFrame:
    """One row for each implementation and group: the number of cases of each `verdict`, and the ratios.

    `compared` counts the cases with a ratio; `faster`, `slower` and `same` those of each verdict. `faster_ratio` and
    `slower_ratio` are geometric means over these cases alone, since a mean across verdicts describes no case. `best`
    and `worst` are the extremes, `low` and `high` those of the intervals.
    """
    seen = {word: rows["verdict"] == word for word in (FASTER, SLOWER, SAME)}
    columns = {"compared": rows["ratio"].notna(), "faster": seen[FASTER], "slower": seen[SLOWER], "same": seen[SAME]}
    members = [rows[key] for key in MEMBER]
    counts = pd.DataFrame(columns).groupby(members).sum()
    logs = pd.DataFrame({f"{word}_ratio": np.log(rows["ratio"]).where(seen[word]) for word in (FASTER, SLOWER)})
    extremes = rows.groupby(members).agg(
        best=("ratio", "min"), worst=("ratio", "max"), low=("ratio_low", "min"), high=("ratio_high", "max")
    )
    return pd.concat([counts, logs.groupby(members).mean().apply(np.exp), extremes], axis=1)


def against(rows: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """`rows` with `ratio`, its ends and `verdict` against the row of `others` in the same case; only cases of both.

    A difference is seen where the intervals of the times are apart, by more than the case's noise floor.
    """
    rows = rows.merge(others[["case", "time", "time_low", "time_high"]], on="case", suffixes=("", "_other"))
    ratio = rows["time"] / rows["time_other"]
    beyond = np.maximum(ratio, 1 / ratio) - 1 > rows["noise_floor"].fillna(0)
    low, high = rows["time_low"] / rows["time_high_other"], rows["time_high"] / rows["time_low_other"]
    verdict = np.select([beyond & (high < 1), beyond & (low > 1)], [FASTER, SLOWER], SAME)
    return rows.assign(ratio=ratio, ratio_low=low, ratio_high=high, verdict=verdict)


def unproven(rows: pd.DataFrame) -> "pd.Series[bool]":
    """Rows not seen to be faster than their baseline, which they don't replace."""
    return ~rows["baseline"] & rows["ratio"].notna() & (rows["verdict"] != FASTER)


def hidden(standings: pd.DataFrame) -> "pd.Series[bool]":
    """Standings not seen to be faster than the baseline in any case, but that may be faster by `NOTICEABLE`.

    The low end of the interval allows it, or the noise floor. With such a standing, staying with the baseline is a
    guess.
    """
    least = np.fmin(standings["time_low"], standings["time"] / standings["noise"])
    return ~standings["baseline"] & (standings["compared"] > 0) & (standings["faster"] == 0) & (least < 1 - NOTICEABLE)


def comparisons(table: pd.DataFrame) -> tuple[int, int]:
    """How many records were compared with their baseline, and how many of them show a difference."""
    return int((table["verdict"] != "").sum()), int(table["verdict"].isin([FASTER, SLOWER]).sum())


def noise(table: pd.DataFrame) -> pd.DataFrame:
    """One row for each case with a control, the noisiest first: `case`, `noise_floor`."""
    cases = table.drop_duplicates("case").dropna(subset=["noise_floor"])
    return cases.sort_values(["noise_floor", "case"], ascending=[False, True])[["case", "noise_floor"]]
