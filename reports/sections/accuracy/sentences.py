"""Errors on hard inputs, in sentences and tables."""

from collections.abc import Iterable

import pandas as pd

from reports import units
from reports.markdown import code, codes
from reports.sections.accuracy import accuracy

NAMES = 12
HARDEST = 3
LARGE = 6
FAR = 1000


def headlines(judged: pd.DataFrame, recommended: Iterable[str]) -> list[str]:
    """Which implementations are right on all families, which are true cosines, and how the recommended ones do."""
    overall = accuracy.overall(judged)
    lines = [_within(overall)]
    if (judged["family"] == "self").any():
        lines.append(_true_cosines(overall))
    hardest = accuracy.hardest(judged)
    if len(hardest):
        lines.append(_failing(overall, hardest))
    large = accuracy.large(judged)
    if len(large):
        more = f" and {len(large) - LARGE} more" if len(large) > LARGE else ""
        families = f"{_counted(large, LARGE)}{more}"
        lines.append(f"**Within the stated bound, but beyond the error budget** (implementations): {families}.")
    chosen = overall.set_index("implementation").reindex(pd.Index(recommended).unique()).dropna()
    if len(chosen):
        parts = [f"{code(str(name))} on {_of_families(row)}" for name, row in chosen.iterrows()]
        lines.append(f"**Where the recommended implementations are wrong**: {', '.join(parts)}.")
    return lines


def tally(rows: pd.DataFrame) -> pd.DataFrame:
    """How each implementation did on one device in one dtype."""
    counts = zip(rows[accuracy.RIGHT], rows[accuracy.WRONG], rows[accuracy.NOT_TESTED], strict=True)
    ties = zip(rows["distinct"], rows["pairs"], strict=True)
    return pd.DataFrame(
        {
            "implementation": rows["implementation"],
            "families right / wrong / not tested": [" / ".join(map(str, three)) for three in counts],
            "wrong on": rows["wrong_on"],
            "largest error on ordinary families": rows["ordinary_u"].map(units.error),
            "equal rows: above 1": rows["above_one"].map(units.share),
            "equal rows: exactly 1": rows["exactly_one"].map(units.share),
            "ties: Kendall's τ": rows["kendall"].map(_order),
            "ties: distinct answers": [units.MISSING if pd.isna(n) else f"{n:,.0f} of {of:,.0f}" for n, of in ties],
            "largest gradient error": rows["gradient_u"].map(units.error),
        }
    )


def bounds(rows: pd.DataFrame) -> pd.DataFrame:
    """The stated bound of each implementation, and its errors."""
    return pd.DataFrame(
        {
            "implementation": rows["implementation"],
            "largest error": rows["largest_u"].map(units.error),
            "on family": rows["largest_on"],
            "error closest to its bound": rows["worst_u"].map(units.error),
            "that bound": rows["bound_u"].map(units.error),
            "bound / error": rows["slack"].map(_slack),
            "of family": rows["family"],
            "error beyond its bound on": rows["broken"].map(_families),
        }
    )


def _slack(factor: float) -> str:
    """How far an error is below its bound. An error near 0 makes the factor anything: a large one says no more."""
    return f"over {units.multiple(FAR)}" if factor > FAR else units.times(factor)


def _within(overall: pd.DataFrame) -> str:
    right = overall[overall["wrong"] == 0]
    if right.empty:
        return "**No implementation is right on every family** that it was tested on."
    tested = zip(right["implementation"].head(NAMES), right["tested"], strict=False)
    names = [f"{code(name)} ({count})" for name, count in tested]
    more = f" and {len(right) - NAMES} more" if len(right) > NAMES else ""
    return f"**Right on every family tested, in each dtype** (number of families): {', '.join(names)}{more}."


def _true_cosines(overall: pd.DataFrame) -> str:
    names = overall.loc[overall["true_cosine"], "implementation"]
    if names.empty:
        return "**No implementation** is both never above 1 and exactly 1 for each row with itself."
    return f"**Never above 1, and exactly 1 for each row with itself**: {codes(names, NAMES)}."


def _failing(overall: pd.DataFrame, hardest: pd.Series) -> str:
    wrong = overall[overall["wrong"] > 0].sort_values("wrong", ascending=False, kind="stable")
    most = wrong.iloc[0]
    return (
        f"**Wrong on at least one family**: {len(wrong)} of {units.counted(len(overall), 'implementation')}. The worst "
        f"is {code(most['implementation'])}, wrong on {_of_families(most)}. The hardest "
        f"families, and how many implementations are wrong there: {_counted(hardest, HARDEST)}."
    )


def _counted(families: pd.Series, most: int) -> str:
    return ", ".join(f"{code(str(family))} ({count})" for family, count in families.head(most).items())


def _of_families(row: pd.Series) -> str:
    return (
        f"{row['wrong']:.0f} of {row['tested']:.0f} families ({codes(row['wrong_on'])})"
        if row["wrong"]
        else f"none of {row['tested']:.0f} families"
    )


def _families(number: int) -> str:
    return "1 family" if number == 1 else f"{number} families" if number else "none"


def _order(tau: float) -> str:
    return units.MISSING if pd.isna(tau) else f"{tau:.4g}"
