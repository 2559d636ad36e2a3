"""What each implementation tells apart near 1, and what the dtype of its answers allows."""

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
"""What people ask of near-duplicates."""
_LIMIT = math.acos(THRESHOLD)


class Theory(NamedTuple):
    """What answers in a dtype can tell at best: the smallest angle from 0, in radians, by a `spacing` of p bits.

    `distinct` is how many numbers there are in [0.9, 1].
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
    """Of cosines that are rounded to p bits: 1 - θ²/2 is told from 1 from θ = 2^(-p/2) on, and numbers are 2^-p apart.

    None for a dtype that is not known.
    """
    unit = ROUNDOFFS.get(dtype)
    return Theory(math.sqrt(unit), unit, math.floor((1 - NEAR) / unit) + 1) if unit else None


def seen(found: pd.DataFrame) -> pd.DataFrame:
    """The rows of those whose resolution could be measured."""
    return found[found["status"] == "ok"]


def resolution(seen: pd.DataFrame) -> pd.DataFrame:
    """One row for all implementations that see equally fine on a device in a dtype, the finest first.

    `implementations` is a tuple. `angle` is the smallest one as it is shown, a dash where none is distinguished from 0.
    """
    seen = seen.assign(angle=seen["smallest_angle"].astype(float).map(units.degrees))
    grouped = seen.groupby([*PLACE, "angle", "distinct", "pairs"], sort=False)
    found = grouped.agg(implementations=("implementation", tuple), finest=("smallest_angle", "min")).reset_index()
    places = {place: rank for rank, place in enumerate(dict.fromkeys(zip(seen["device"], seen["dtype"], strict=True)))}
    rank = [places[place] for place in zip(found["device"], found["dtype"], strict=True)]
    found = found.assign(rank=rank).sort_values(["rank", "finest"], kind="stable")
    return found.drop(columns=["rank", "finest"])


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
            "at best, for answers in that dtype": rows["dtype"].map(_best),
        }
    )


def thresholds(seen: pd.DataFrame, judged: pd.DataFrame, standings: pd.DataFrame) -> list[str]:
    """What to know before `THRESHOLD` is asked of answers that don't tell it from 1, for each dtype and device."""
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
        lead = _threshold(dtype, best) + _told(where, rows) if impossible else _unseen(where, coarse)
        lines.append(lead + _identical(found, best) + _remedy(found, unfit, timed))
    return lines


def _threshold(dtype: str, best: Theory) -> str:
    return (
        f"**A threshold at {THRESHOLD}** is an angle of {math.degrees(_LIMIT):.3g}°. Just below 1, "
        f"numbers in {dtype} are {best.spacing:.2g} apart: an answer in it passes only if it reads 1, as those of all "
        f"pairs less than {units.degrees(best.smallest_angle)} apart do by theory."
    )


def _unseen(where: str, coarse: pd.Series) -> str:
    return (
        f"**With rows in {where}**, these can't distinguish the {math.degrees(_LIMIT):.3g}° of a threshold at "
        f"{THRESHOLD} from 0: {codes(coarse.unique())}."
    )


def _identical(judged: pd.DataFrame, best: Theory) -> str:
    """What the baselines read of equal rows, and whether those that read less fail the threshold."""
    rows = judged[judged["baseline"] & (judged["family"] == "self")].dropna(subset=["pairs"])
    told: dict[str, list[str]] = {}
    for _, row in rows.iterrows():
        told.setdefault(identical(row), []).append(row["implementation"])
    if not told:
        return ""
    fails = ": the last fail it" if 1 - best.spacing < THRESHOLD else ""
    parts = [f"{codes(names)} read {words}" for words, names in told.items()]
    return f" Of equal rows, {'; '.join(parts)}{fails}."


def _remedy(judged: pd.DataFrame, unfit: set[str], standings: pd.DataFrame) -> str:
    wide = judged.loc[judged["output_dtype"] == "float32", "implementation"].unique()
    names = {name: "" for name in wide if name not in unfit}
    return f" The remedy is an answer in float32: {priced(names, costs(standings))}." if names else ""


def _told(where: str, rows: pd.DataFrame) -> str:
    """From which angle on the baselines see it, and the finest other one."""
    rows = rows.dropna(subset=["smallest_angle"])
    rows = rows.sort_values(["smallest_angle", "implementation"]).assign(
        angle=rows["smallest_angle"].map(units.degrees)
    )
    usual = rows[rows["baseline"]].groupby("angle", sort=False)["implementation"].agg(tuple)
    told = [f"{codes(names)} from {angle} on" for angle, names in zip(usual.index, usual, strict=True)]
    finest = rows[~rows["baseline"]].head(1)
    told += [f"{codes(finest['implementation'])}, the finest other, from {angle} on" for angle in finest["angle"]]
    return f" Measured, with rows in {where}: {'; '.join(told)}." if told else ""


def _best(dtype: str) -> str:
    best = theory(dtype)
    return best.shown if best else units.MISSING
