"""What each can see near 1, in words."""

import math

import pandas as pd

from reports import units
from reports.markdown import codes
from reports.sections.resolution import THRESHOLD, Theory, resolution, theory


def table(seen: pd.DataFrame) -> pd.DataFrame:
    """Those that see equally fine side by side, and the best that answers in the dtype of the rows could be."""
    rows = resolution(seen)
    several = rows["device"].nunique() > 1
    distinct = zip(rows["distinct"], rows["pairs"], strict=True)
    return pd.DataFrame(
        {
            "rows": rows["dtype"] + (", " + rows["device"] if several else ""),
            "implementations": rows["implementations"],
            "smallest angle": rows["angle"],
            "distinct answers": [f"{count:,.0f} of {pairs:,.0f}" for count, pairs in distinct],
            "at best, if answers have that dtype too": rows["dtype"].map(_best),
        }
    )


def thresholds(seen: pd.DataFrame) -> list[str]:
    """What to know before `THRESHOLD` is asked of answers in a dtype that can't tell it from 1, a dtype each."""
    coarse = {str(dtype): theory(dtype) for dtype in seen["dtype"].unique()}
    return [
        _threshold(dtype, best) + _told(dtype, seen[seen["dtype"] == dtype])
        for dtype, best in coarse.items()
        if best and best.smallest_angle > math.acos(THRESHOLD)
    ]


def _threshold(dtype: str, best: Theory) -> str:
    return (
        f"**A threshold at {THRESHOLD}** is an angle of {math.degrees(math.acos(THRESHOLD)):.3g}°. Just below 1, "
        f"numbers in {dtype} are {best.spacing:.2g} apart: an answer in it passes only if it reads 1, as those of all "
        f"pairs less than {units.degrees(best.smallest_angle)} apart do by theory."
    )


def _told(dtype: str, rows: pd.DataFrame) -> str:
    """From which angle on the baselines see it, and the finest other one."""
    rows = rows[rows["task"] != "angle"].dropna(subset=["smallest_angle"])
    rows = rows.sort_values(["smallest_angle", "implementation"]).assign(
        angle=rows["smallest_angle"].map(units.degrees)
    )
    usual = rows[rows["baseline"]].groupby("angle", sort=False)["implementation"].agg(tuple)
    told = [f"{codes(names)} from {angle} on" for angle, names in zip(usual.index, usual, strict=True)]
    finest = rows[~rows["baseline"]].head(1)
    told += [f"{codes(finest['implementation'])}, the finest other, from {angle} on" for angle in finest["angle"]]
    return f" Measured, with rows in {dtype}: {'; '.join(told)}." if told else ""


def _best(dtype: str) -> str:
    best = theory(dtype)
    if best is None:
        return units.MISSING
    numbers = f"{best.distinct:,}" if best.distinct < 10**7 else units.power(best.distinct)
    return f"{units.degrees(best.smallest_angle)}, {numbers} numbers"
