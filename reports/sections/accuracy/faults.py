"""How implementations are wrong on each family, the worst first."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from reports.markdown import codes, escape, shortened
from reports.sections.accuracy.accuracy import WRONG

NAMES = 12
LOST, OFF, NO_TRUTH, FAILED = "lost", "off", "no truth", "failed"
"""NaN or infinite where the truth is finite; beyond the bound; a number without a true value; no answer."""

_HIDDEN = re.compile(r"(\d+) of \d+ pairs without a cosine have one")
"""The only size that a finding holds just in its reason (suites/errors/accuracy.py)."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A family on which implementations are wrong: the right answer, and a line of Markdown for each fault."""

    family: str
    right: str
    ways: list[str]


def faults(rows: pd.DataFrame, families: Mapping[str, str]) -> list[Fault]:
    """The families on which an implementation is wrong; `families` says what is right there."""
    return [
        Fault(family=str(family), right=families.get(str(family), ""), ways=[_way(one) for _, one in found.iterrows()])
        for family, found in ways(rows).groupby("family", sort=False)
    ]


def ways(rows: pd.DataFrame) -> pd.DataFrame:
    """One row for each family and `kind` of fault, the most frequent first; failures are separated by their reason.

    `implementations` is a tuple, the worst first; `reason` is that of the first, and `several` marks that the others
    have different reasons.
    """
    wrong = rows[rows["outcome"] == WRONG].pipe(_sized).sort_values("size", ascending=False, kind="stable")
    failure = wrong["reason"].where(wrong["kind"] == FAILED, "")
    grouped = wrong.assign(failure=failure).groupby(["family", "kind", "failure"], sort=False)
    found = grouped.agg(
        implementations=("implementation", tuple),
        reason=("reason", "first"),
        several=("reason", lambda reasons: reasons.nunique() > 1),
    ).reset_index()
    place = {family: place for place, family in enumerate(rows["family"].unique())}
    found = found.assign(place=found["family"].map(place), count=found["implementations"].map(len))
    found = found.sort_values(["place", "count"], ascending=[True, False], kind="stable")
    return found.drop(columns=["place", "count", "failure"])


def _sized(wrong: pd.DataFrame) -> pd.DataFrame:
    """Add the `kind` of each fault, and its `size`: how many answers, or the error to the digits that are shown."""
    sizes = [_size(row) for _, row in wrong.iterrows()]
    return wrong.assign(kind=[kind for kind, _ in sizes], size=[size for _, size in sizes])


def _size(row: pd.Series) -> tuple[str, float]:
    if pd.isna(row["lost"]):
        return FAILED, 0.0
    if row["lost"] > 0:
        return LOST, float(row["lost"])
    if row["bound_share"] > 1:
        return OFF, float(f"{row['bound'] * row['bound_share']:.3g}")
    hidden = _HIDDEN.match(row["reason"])
    return NO_TRUTH, float(hidden[1]) if hidden else 0.0


def _way(row: pd.Series) -> str:
    at_worst = "at worst " if row["several"] else ""
    return f"{codes(row['implementations'], NAMES)}: {at_worst}{escape(shortened(row['reason']))}"
