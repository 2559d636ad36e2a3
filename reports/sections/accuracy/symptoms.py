"""The symptoms that users see: what the output reads, why, and how much of it this run has."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from reports import units
from reports.markdown import code, escape

HALF = ("float16", "bfloat16")
_EQUAL = ["self", "long_rows"]
_WORST = 3


class Evidence(NamedTuple):
    """One implementation at one place: its deviations by family, and the answers of its contract."""

    task: str
    implementation: str
    baseline: bool
    place: str
    dtype: str
    found: pd.DataFrame
    contract: Mapping[str, str]


class NumericSymptom(NamedTuple):
    """What the output reads, and why. `seen` says how much of it there is: "" for none, None if not tested."""

    reads: str
    why: str
    seen: Callable[[Evidence], str | None]
    family: str = ""


def identical(row: pd.Series) -> str:
    """The cosines of equal rows in words, from a row of the family `self`."""
    above, exact = row["above_one"] / row["pairs"], row["exactly_one"] / row["pairs"]
    less = 1 - above - exact
    return f"exactly 1 for {units.share(exact)}, above 1 for {units.share(above)}, below 1 for {units.share(less)}"


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
    zero = ["a zero row"] if subject.contract.get("zero row") == "NaN" else []
    return ", ".join([*zero, *(f"{units.share(part)} of {code(str(family))}" for family, part in lost.items())])


def _vanishing(subject: Evidence) -> str | None:
    contract = subject.contract
    norms = {question: contract[question] for question in ("tiny norms", "huge norms") if question in contract}
    if not norms:
        return None
    limits = [f"{question} are right {escape(answer)}" for question, answer in norms.items() if answer != "all"]
    return ", ".join([f"a zero row gives {escape(contract['zero row'])}", *limits]) if limits else ""


def _ties(subject: Evidence) -> str | None:
    rows = subject.found
    if subject.dtype not in HALF or subject.task == "angle" or "ties" not in rows.index:
        return None
    ties = rows.loc["ties"]
    if ties["output_dtype"] not in HALF:
        return ""
    itself = f"; equal rows read {identical(rows.loc[['self']].iloc[0])}" if "self" in rows.index else ""
    return f"{ties['distinct']:,.0f} different answers to {ties['pairs']:,.0f} pairs of `ties`{itself}"


def _shares(parts: pd.Series, rows: pd.DataFrame) -> str:
    return ", ".join(
        f"{units.share(part / pairs)} of {code(str(family))}, off by up to {units.error(error)}"
        for family, part, pairs, error in zip(rows.index, parts, rows["pairs"], rows["error_max_u"], strict=True)
        if part > 0
    )


SYMPTOMS: Sequence[NumericSymptom] = (
    NumericSymptom(
        "1.0000001 (above 1)",
        "The dot product and the norms are rounded separately, so their quotient is off by one or two roundings.",
        _above_one,
    ),
    NumericSymptom(
        "0.999… for equal rows",
        "The same rounding in the other direction. Over long rows, a running sum also drifts.",
        _below_one,
        "long_rows",
    ),
    NumericSymptom(
        "NaN",
        "0/0 for a zero row without an eps, ∞/∞ where a square overflows, or acos of a number above 1.",
        _nan,
    ),
    NumericSymptom(
        "0, or far too small",
        "A square that overflows makes a norm infinite. A norm below eps is replaced by eps.",
        _vanishing,
    ),
    NumericSymptom(
        "ties, or a threshold near 1 that every pair or no pair passes (16 bits)",
        "The answer is rounded to 16 bits, and few 16-bit numbers lie near 1.",
        _ties,
    ),
)
