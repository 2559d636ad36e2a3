"""How wrong each is, in sentences and tables."""

from collections.abc import Iterable

import pandas as pd

from reports import units
from reports.markdown import code, codes
from reports.sections.accuracy import accuracy

NAMES = 12
HARDEST = 3
LARGE = 6


def headlines(judged: pd.DataFrame, recommended: Iterable[str]) -> list[str]:
    """Who is right on all families, who is a cosine at all, who fails where, and how those that are recommended do."""
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
        lines.append(f"**Within the stated bound, but beyond the error budget**: {_counted(large, LARGE)}{more}.")
    chosen = overall.set_index("implementation").reindex(pd.Index(recommended).unique()).dropna()
    if len(chosen):
        told = [f"{code(str(name))} on {_of_families(row)}" for name, row in chosen.iterrows()]
        lines.append(f"**Recommended above, but wrong here**: {', '.join(told)}.")
    return lines


def tally(rows: pd.DataFrame) -> pd.DataFrame:
    """How each implementation did on one device in one dtype."""
    counts = zip(rows[accuracy.RIGHT], rows[accuracy.WRONG], rows[accuracy.NOT_ASKED], strict=True)
    ties = zip(rows["distinct"], rows["pairs"], strict=True)
    return pd.DataFrame(
        {
            "implementation": rows["implementation"],
            "right / wrong / not asked": [" / ".join(map(str, three)) for three in counts],
            "worst error, ordinary families": rows["ordinary_u"].map(units.error),
            "itself: above 1": rows["above_one"].map(units.share),
            "itself: exactly 1": rows["exactly_one"].map(units.share),
            "ties: Kendall's τ": rows["kendall"].map(_order),
            "ties: distinct": [units.MISSING if pd.isna(n) else f"{n:,.0f} of {of:,.0f}" for n, of in ties],
            "worst gradient": rows["gradient_u"].map(units.error),
        }
    )


def bounds(rows: pd.DataFrame) -> pd.DataFrame:
    """What each states of its error, beside what was seen."""
    return pd.DataFrame(
        {
            "implementation": rows["implementation"],
            "largest error": rows["largest_u"].map(units.error),
            "on": rows["largest_on"],
            "error nearest its bound": rows["worst_u"].map(units.error),
            "that bound": rows["bound_u"].map(units.error),
            "bound / error": rows["slack"].map(units.times),
            "of": rows["family"],
            "bound broken on": rows["broken"].map(_families),
        }
    )


def _within(overall: pd.DataFrame) -> str:
    right = overall[overall["wrong"] == 0]
    if right.empty:
        return "**No implementation is right on every family** that was tested."
    asked = zip(right["implementation"].head(NAMES), right["asked"], strict=False)
    names = [f"{code(name)} (all {count})" for name, count in asked]
    more = f" and {len(right) - NAMES} more" if len(right) > NAMES else ""
    return f"**Right on every family tested**, in each dtype: {', '.join(names)}{more}."


def _true_cosines(overall: pd.DataFrame) -> str:
    names = overall.loc[overall["true_cosine"], "implementation"]
    if names.empty:
        return "**No implementation** is never above 1 and also exactly 1 for each row with itself."
    return f"**Never above 1, and exactly 1 for each row with itself**: {codes(names, NAMES)}."


def _failing(overall: pd.DataFrame, hardest: pd.Series) -> str:
    wrong = overall[overall["wrong"] > 0].sort_values("wrong", ascending=False, kind="stable")
    most = wrong.iloc[0]
    return (
        f"**Wrong on at least one family**: {len(wrong)} of {units.counted(len(overall), 'implementation')}. The worst "
        f"is {code(most['implementation'])}, wrong on {_of_families(most)}. The hardest families: "
        f"{_counted(hardest, HARDEST)}."
    )


def _counted(families: pd.Series, most: int) -> str:
    return ", ".join(f"{code(str(family))} ({count})" for family, count in families.head(most).items())


def _of_families(row: pd.Series) -> str:
    return f"{row['wrong']:.0f} of {row['asked']:.0f} families" if row["wrong"] else f"none of {row['asked']:.0f}"


def _families(number: int) -> str:
    return "1 family" if number == 1 else f"{number} families" if number else "none"


def _order(tau: float) -> str:
    return units.MISSING if pd.isna(tau) else f"{tau:.4g}"
