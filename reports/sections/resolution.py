"""What each implementation distinguishes near 1, and what the dtype of its answers allows."""

import itertools
import math
from typing import NamedTuple

import pandas as pd

from reports import units
from reports.markdown import codes
from reports.sections.accuracy import accuracy
from reports.sections.accuracy.accuracy import PLACE
from reports.sections.accuracy.costs import costs, priced
from reports.sections.accuracy.symptoms import HALF, identical
from results import ROUNDOFFS

NEAR = 0.9
THRESHOLD = 0.999
"""A usual threshold for near-duplicates."""
_LIMIT = math.acos(THRESHOLD)


class Theory(NamedTuple):
    """The limits of a dtype: the smallest angle distinguished from 0, in radians, and the `spacing` of numbers below 1.

    `distinct` counts the numbers in [0.9, 1].
    """

    smallest_angle: float
    spacing: float
    distinct: int

    @property
    def shown(self) -> str:
        """Such as 3.6°, 26 numbers."""
        numbers = f"{self.distinct:,}" if self.distinct < 10**7 else units.power(self.distinct)
        return f"{units.degrees(self.smallest_angle)}, {numbers} numbers"


def theory(dtype: str) -> Theory | None:
    """The limits of cosines rounded to p bits: 1 - θ²/2 differs from 1 from θ = 2^(-p/2), and numbers are 2^-p apart.

    None for an unknown dtype.
    """
    unit = ROUNDOFFS.get(dtype)
    return Theory(math.sqrt(unit), unit, math.floor((1 - NEAR) / unit) + 1) if unit else None


def seen(found: pd.DataFrame) -> pd.DataFrame:
    """The rows whose resolution could be measured."""
    return found[found["status"] == "ok"]


def resolution(seen: pd.DataFrame) -> pd.DataFrame:
    """One row for all implementations with the same resolution on a device in a dtype, the finest first.

    `implementations` is a tuple. `angle` is the smallest angle as text, a dash where none is distinguished from 0.
    """
    seen = seen.assign(angle=seen["smallest_angle"].astype(float).map(units.degrees))
    grouped = seen.groupby([*PLACE, "angle", "distinct", "pairs"], sort=False)
    found = grouped.agg(implementations=("implementation", tuple), finest=("smallest_angle", "min")).reset_index()
    places = {place: rank for rank, place in enumerate(dict.fromkeys(zip(seen["device"], seen["dtype"], strict=True)))}
    rank = [places[place] for place in zip(found["device"], found["dtype"], strict=True)]
    found = found.assign(rank=rank).sort_values(["rank", "finest"], kind="stable")
    return found.drop(columns=["rank", "finest"])


def table(seen: pd.DataFrame) -> pd.DataFrame:
    """Implementations of the same resolution in one row, and the limit of answers in the dtype of the rows."""
    rows = resolution(seen)
    several = rows["device"].nunique() > 1
    distinct = zip(rows["distinct"], rows["pairs"], strict=True)
    return pd.DataFrame(
        {
            "dtype of the rows": rows["dtype"] + (", " + rows["device"] if several else ""),
            "implementations": rows["implementations"],
            "smallest angle": rows["angle"],
            "distinct answers": [f"{count:,.0f} of {pairs:,.0f}" for count, pairs in distinct],
            "limit of answers in that dtype": rows["dtype"].map(_best),
        }
    )


def thresholds(seen: pd.DataFrame, judged: pd.DataFrame, standings: pd.DataFrame) -> list[str]:
    """Where `THRESHOLD` is too fine for the answers: a paragraph for each dtype and device."""
    several, unfit = seen["device"].nunique() > 1, {name for _, _, name in accuracy.unfit(judged)}
    lines = []
    for dtype, device in itertools.product(HALF, seen["device"].unique()):
        rows, found, timed = (
            table[(table["dtype"] == dtype) & (table["device"] == device) & (table["task"] != "angle")]
            for table in (seen, judged, standings)
        )
        best, coarse = theory(dtype), rows.loc[rows["smallest_angle"] > _LIMIT, "implementation"]
        if best is None or coarse.empty:
            continue
        where = f"{dtype} on {device}" if several else dtype
        impossible = best.smallest_angle > _LIMIT
        fact = _impossible(dtype, best) + _measured(rows) if impossible else _coarse(coarse)
        lines.append(_threshold(where) + fact + _identical(found, best) + _remedy(found, unfit, timed))
    return lines


def _threshold(where: str) -> str:
    return f"**A threshold at {THRESHOLD} with rows in {where}** is an angle of {math.degrees(_LIMIT):.3g}°."


def _impossible(dtype: str, best: Theory) -> str:
    return (
        f" Just below 1, {dtype} numbers are {best.spacing:.2g} apart, so an answer in {dtype} passes only if it is 1 "
        f"or more. In theory it is 1 for all pairs less than {units.degrees(best.smallest_angle)} apart."
    )


def _coarse(coarse: pd.Series) -> str:
    return f" These implementations can't distinguish it from 0: {codes(coarse.unique())}."


def _identical(judged: pd.DataFrame, best: Theory) -> str:
    """The baselines' answers for equal rows, and whether those below 1 fail the threshold."""
    rows = judged[judged["baseline"] & (judged["family"] == "self")].dropna(subset=["pairs"])
    found: dict[str, list[str]] = {}
    for _, row in rows.iterrows():
        found.setdefault(identical(row), []).append(row["implementation"])
    if not found:
        return ""
    fails = ". Those below 1 fail the threshold" if 1 - best.spacing < THRESHOLD else ""
    parts = [f"the answers of {codes(names)} are {words}" for words, names in found.items()]
    return f" For equal rows, {'; '.join(parts)}{fails}."


def _remedy(judged: pd.DataFrame, unfit: set[str], standings: pd.DataFrame) -> str:
    wide = judged.loc[judged["output_dtype"] == "float32", "implementation"].unique()
    names = {name: "" for name in wide if name not in unfit}
    if not names:
        return ""
    return f" These answer in float32, at a cost relative to the baseline: {priced(names, costs(standings))}."


def _measured(rows: pd.DataFrame) -> str:
    """The smallest angle that the baselines distinguish from 0, and that of the finest other implementation."""
    rows = rows.dropna(subset=["smallest_angle"])
    rows = rows.sort_values(["smallest_angle", "implementation"]).assign(
        angle=rows["smallest_angle"].map(units.degrees)
    )
    usual = rows[rows["baseline"]].groupby("angle", sort=False)["implementation"].agg(tuple)
    parts = [f"{angle} for {codes(names)}" for angle, names in zip(usual.index, usual, strict=True)]
    finest = rows[~rows["baseline"]].head(1)
    parts += [f"{angle} for {codes(finest['implementation'])}, the finest other" for angle in finest["angle"]]
    return f" As measured, the smallest angle distinguished from 0 is {'; '.join(parts)}." if parts else ""


def _best(dtype: str) -> str:
    best = theory(dtype)
    return best.shown if best else units.MISSING
