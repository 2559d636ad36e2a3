"""What somebody comes with: what is read, why, and how much of it there is in this run."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from reports import units
from reports.markdown import code, escape

HALF = ("float16", "bfloat16")
_EQUAL = ["self", "long_rows"]
_WORST = 3


class Evidence(NamedTuple):
    """What is known of one implementation at one place: its deviations by family, and its contract."""

    task: str
    implementation: str
    baseline: bool
    place: str
    dtype: str
    found: pd.DataFrame
    told: Mapping[str, str]


class NumericSymptom(NamedTuple):
    """What is read, and why. `seen` says how much of it there is: "" for none, None where that was not asked."""

    reads: str
    why: str
    seen: Callable[[Evidence], str | None]
    family: str = ""


def identical(row: pd.Series) -> str:
    """What equal rows read, of the deviation of the family `self`."""
    above, exact = row["above_one"] / row["pairs"], row["exactly_one"] / row["pairs"]
    less = 1 - above - exact
    return f"{units.share(exact)} as exactly 1, {units.share(above)} as more and {units.share(less)} as less"


def _above_one(subject: Evidence) -> str | None:
    rows = subject.found.dropna(subset=["above_one"])  # of cosines
    if rows.empty:
        return None
    above = rows[rows["above_one"] > 0]
    worst = above.loc[["self"]] if "self" in above.index else above.head(1)
    return _shares(worst["above_one"], worst)


def _below_one(subject: Evidence) -> str | None:
    rows = subject.found[subject.found.index.isin(_EQUAL)].dropna(subset=["above_one"])
    if rows.empty:
        return None
    return _shares(rows["pairs"] - rows["above_one"] - rows["exactly_one"] - rows["nans"], rows)


def _nan(subject: Evidence) -> str | None:
    if subject.found.empty:
        return None
    share = (subject.found["lost"] / subject.found["pairs"]).sort_values(ascending=False, kind="stable")
    lost = share[share > 0].head(_WORST)
    zero = ["a zero row"] if subject.told.get("zero row") == "NaN" else []
    return ", ".join([*zero, *(f"{units.share(part)} of {code(str(family))}" for family, part in lost.items())])


def _vanishing(subject: Evidence) -> str | None:
    norms = {question: subject.told[question] for question in ("tiny norms", "huge norms") if question in subject.told}
    if not norms:
        return None
    limits = [f"{question}: right {escape(answer)}" for question, answer in norms.items() if answer != "all"]
    return ", ".join([f"a zero row gives {escape(subject.told['zero row'])}", *limits]) if limits else ""


def _ties(subject: Evidence) -> str | None:
    rows = subject.found
    if subject.dtype not in HALF or subject.task == "angle" or "ties" not in rows.index:
        return None
    ties = rows.loc["ties"]
    if ties["output_dtype"] not in HALF:
        return ""
    itself = f"; equal rows: {identical(rows.loc[['self']].iloc[0])}" if "self" in rows.index else ""
    return f"{ties['distinct']:,.0f} answers to {ties['pairs']:,.0f} `ties`{itself}"


def _shares(parts: pd.Series, rows: pd.DataFrame) -> str:
    return ", ".join(
        f"{units.share(part / pairs)} of {code(str(family))}, off by up to {units.error(error)}"
        for family, part, pairs, error in zip(rows.index, parts, rows["pairs"], rows["error_max_u"], strict=True)
        if part > 0
    )


SYMPTOMS: Sequence[NumericSymptom] = (
    NumericSymptom(
        "1.0000001 (above 1)",
        "The dot product and the norms are rounded apart, so that their quotient is one or two roundings off.",
        _above_one,
    ),
    NumericSymptom(
        "0.999… for equal rows",
        "The same rounding the other way; and over long rows, a running sum that drifts.",
        _below_one,
        "long_rows",
    ),
    NumericSymptom(
        "NaN",
        "0/0 for a zero row where no eps holds, ∞/∞ where a square leaves the range, acos of a number above 1.",
        _nan,
    ),
    NumericSymptom(
        "0, or far too small",
        "A square that overflows makes a norm infinite; a norm below eps is replaced by eps.",
        _vanishing,
    ),
    NumericSymptom(
        "ties, or a threshold near 1 that all or none pass (16 bits)",
        "The answer is rounded to 16 bits, which are few near 1.",
        _ties,
    ),
)
