"""What each implementation tells apart near 1, and what the dtype of its answers allows."""

import math
from typing import NamedTuple

import pandas as pd

from reports import units
from reports.sections.accuracy.accuracy import PLACE
from results import ROUNDOFFS

NEAR = 0.9
THRESHOLD = 0.999
"""What people ask of near-duplicates."""


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


def resolution(seen: pd.DataFrame) -> pd.DataFrame:
    """One row for all implementations that see equally fine on a device in a dtype, the finest first.

    `implementations` is a tuple. `angle` is the smallest one as it is shown, a dash where none is told from 0.
    """
    seen = seen.assign(angle=seen["smallest_angle"].astype(float).map(units.degrees))
    grouped = seen.groupby([*PLACE, "angle", "distinct", "pairs"], sort=False)
    found = grouped.agg(implementations=("implementation", tuple), finest=("smallest_angle", "min")).reset_index()
    places = {place: rank for rank, place in enumerate(dict.fromkeys(zip(seen["device"], seen["dtype"], strict=True)))}
    rank = [places[place] for place in zip(found["device"], found["dtype"], strict=True)]
    found = found.assign(rank=rank).sort_values(["rank", "finest"], kind="stable")
    return found.drop(columns=["rank", "finest"])
