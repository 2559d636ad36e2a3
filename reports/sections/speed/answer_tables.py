"""The answer as tables for people: cells with units."""

from collections.abc import Iterable, Mapping

import pandas as pd

from reports import units
from reports.markdown import prose
from reports.sections.speed.by_case import of_group
from reports.sections.speed.claims import break_even, claims, span
from reports.sections.speed.table import SAME, group_names
from suites.records.flags import meaning

TALLY = ["compared", "faster", "slower", "same", "faster_ratio", "slower_ratio"]


def answer_costs(answer: pd.DataFrame, close_seconds: pd.DataFrame) -> pd.DataFrame:
    """The cost of each answer: its first call and its memory; and which implementations are as fast."""
    rows = answer.dropna(subset=["implementation"])
    same = close_seconds[close_seconds["why"] == SAME]
    equals = [tuple(of_group(same, row)["implementation"]) or units.MISSING for _, row in rows.iterrows()]
    return pd.DataFrame(
        {
            "cases": group_names(answer)[rows.index],
            "implementation": rows["implementation"],
            "speed against the baseline": _spans(rows),
            "as fast (no difference seen)": equals,
            "first call": rows["first_call_s"].map(units.seconds),
            "break-even after": _break_evens(rows),
            "peak memory, share of the baseline's": rows["memory"].map(units.share),
            "flags": [_meanings(flags) for flags in rows["flags"]],
        }
    )


def close_seconds(rows: pd.DataFrame) -> pd.DataFrame:
    """Implementations that were faster than the answer, and why they are not the answer."""
    rows = rows[rows["why"] != SAME]
    return pd.DataFrame(
        {
            "cases": group_names(rows),
            "implementation": rows["implementation"],
            "why not": rows["why"],
            "against the answer": _claims(rows[[f"{column}_chosen" for column in TALLY]].set_axis(TALLY, axis=1)),
            "against the baseline": _claims(rows),
            "largest error": rows["error_u"].map(units.absolute),
            "error budget": rows["budget"].map(units.budget),
            "cases run": _counts(rows),
        }
    )


def winners(rows: pd.DataFrame) -> pd.DataFrame:
    """The winner of each shape."""
    return pd.DataFrame(
        {
            "cases": group_names(rows),
            "fastest": rows["implementation"],
            "against the baseline": _claims(rows),
            "speed against the baseline": _spans(rows),
            "shapes": rows["labels"],
        }
    )


def described(about: Mapping[str, str], names: Iterable[str]) -> pd.DataFrame:
    """The docstrings of these implementations, as Markdown; those without one are left out."""
    rows = [(name, prose(about[name])) for name in dict.fromkeys(names) if about.get(name)]
    return pd.DataFrame(rows, columns=["implementation", "what it does"], dtype=object)


def _meanings(flags: str) -> str:
    return "; ".join(map(meaning, flags.split(", "))) if flags else units.MISSING


def _claims(rows: pd.DataFrame) -> list[str]:
    return [claims(tally) for _, tally in rows.iterrows()]


def _spans(rows: pd.DataFrame) -> list[str]:
    return [span(tally) for _, tally in rows.iterrows()]


def _break_evens(rows: pd.DataFrame) -> list[str]:
    return [break_even(row) for _, row in rows.iterrows()]


def _counts(rows: pd.DataFrame) -> list[str]:
    return [f"{ran:.0f} of {cases:.0f}" for ran, cases in zip(rows["ran"], rows["cases"], strict=True)]
