"""What each can see near 1, in words."""

import math

import pandas as pd

from reports import units
from reports.markdown import codes
from reports.price import priced
from reports.sections import accuracy
from reports.sections.costs import costs
from reports.sections.resolution import THRESHOLD, Theory, resolution, theory
from reports.symptoms import HALF, identical

_LIMIT = math.acos(THRESHOLD)


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


def thresholds(seen: pd.DataFrame, judged: pd.DataFrame, standings: pd.DataFrame) -> list[str]:
    """What to know before `THRESHOLD` is asked of answers that don't tell it from 1, for each dtype of such answers."""
    lines = []
    for dtype in HALF:
        rows, best = seen[(seen["dtype"] == dtype) & (seen["task"] != "angle")], theory(dtype)
        coarse = rows.loc[rows["smallest_angle"] > _LIMIT, "implementation"]
        if best is None or coarse.empty:
            continue
        impossible = best.smallest_angle > _LIMIT
        lead = _threshold(dtype, best) + _told(dtype, rows) if impossible else _unseen(dtype, coarse)
        lines.append(lead + _identical(dtype, judged, best) + _remedy(dtype, judged, standings))
    return lines


def _threshold(dtype: str, best: Theory) -> str:
    return (
        f"**A threshold at {THRESHOLD}** is an angle of {math.degrees(_LIMIT):.3g}°. Just below 1, "
        f"numbers in {dtype} are {best.spacing:.2g} apart: an answer in it passes only if it reads 1, as those of all "
        f"pairs less than {units.degrees(best.smallest_angle)} apart do by theory."
    )


def _unseen(dtype: str, coarse: pd.Series) -> str:
    return (
        f"**With rows in {dtype}**, these do not tell the {math.degrees(_LIMIT):.3g}° of a threshold at {THRESHOLD} "
        f"from 0: {codes(coarse.unique())}."
    )


def _identical(dtype: str, judged: pd.DataFrame, best: Theory) -> str:
    """What the baselines read of equal rows, and whether those that read less fail the threshold."""
    rows = judged[judged["baseline"] & (judged["dtype"] == dtype) & (judged["family"] == "self")]
    rows = rows[rows["task"] != "angle"].dropna(subset=["pairs"])
    told: dict[str, list[str]] = {}
    for _, row in rows.iterrows():
        told.setdefault(identical(row), []).append(row["implementation"])
    if not told:
        return ""
    fails = ": the last fail it" if 1 - best.spacing < THRESHOLD else ""
    parts = [f"{codes(dict.fromkeys(names))} read {words}" for words, names in told.items()]
    return f" Of equal rows, {'; '.join(parts)}{fails}."


def _remedy(dtype: str, judged: pd.DataFrame, standings: pd.DataFrame) -> str:
    rows = judged[(judged["dtype"] == dtype) & (judged["output_dtype"] == "float32") & (judged["task"] != "angle")]
    unfit = {name for _, _, name in accuracy.unfit(judged)}
    names = {name: "" for name in rows["implementation"].unique() if name not in unfit}
    paid = costs(standings[standings["dtype"] == dtype])
    return f" The remedy is an answer in float32: {priced(names, paid)}." if names else ""


def _told(dtype: str, rows: pd.DataFrame) -> str:
    """From which angle on the baselines see it, and the finest other one."""
    rows = rows.dropna(subset=["smallest_angle"])
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
