"""The answer as people read it: tables whose cells have units."""

from collections.abc import Iterable, Mapping

import pandas as pd

from reports import units
from reports.sections.speed.by_case import of_group
from reports.sections.speed.sentences import against_baseline, claims, paid, span
from reports.sections.speed.table import SAME, group_names

ANSWER = ("cases", "fastest within the error budget", "against the baseline", "largest error")
TALLY = ["compared", "faster", "slower", "same", "faster_ratio", "slower_ratio"]


def answers(answer: pd.DataFrame) -> pd.DataFrame:
    """The answer in four columns; "none" where nothing is within the budget, or nothing ran."""
    rows = [
        (cases, row["implementation"], against_baseline(row), units.error(row["error_u"]))
        if pd.notna(row["implementation"])
        else (cases, "none", units.MISSING, units.MISSING)
        for cases, (_, row) in zip(group_names(answer), answer.iterrows(), strict=True)
    ]
    return pd.DataFrame(rows, columns=list(ANSWER), dtype=str)


def answer_costs(answer: pd.DataFrame, close_seconds: pd.DataFrame) -> pd.DataFrame:
    """What each answer costs: its first call, its memory, what else comes as close."""
    rows = answer.dropna(subset=["implementation"])
    same = close_seconds[close_seconds["why"] == SAME]
    equals = [tuple(of_group(same, row)["implementation"]) or units.MISSING for _, row in rows.iterrows()]
    return pd.DataFrame(
        {
            "cases": group_names(answer)[rows.index],
            "implementation": rows["implementation"],
            "speed, least to most": _spans(rows),
            f"{SAME} from": equals,
            "first call": rows["first_call_s"].map(units.seconds),
            "break-even after": _paid(rows),
            "peak memory, of the baseline's, at most": rows["memory"].map(units.share),
            "flags": rows["flags"].replace("", units.MISSING),
        }
    )


def close_seconds(rows: pd.DataFrame) -> pd.DataFrame:
    """Who was faster, and why it is not the answer."""
    rows = rows[rows["why"] != SAME]
    return pd.DataFrame(
        {
            "cases": group_names(rows),
            "implementation": rows["implementation"],
            "why not": rows["why"],
            "against the answer": _claims(rows[[f"{column}_chosen" for column in TALLY]].set_axis(TALLY, axis=1)),
            "against the baseline": _claims(rows),
            "largest error": rows["error_u"].map(units.error),
            "budget": rows["budget_u"].map(units.error),
            "ran": _counts(rows),
        }
    )


def winners(rows: pd.DataFrame) -> pd.DataFrame:
    """Who wins which shapes."""
    return pd.DataFrame(
        {
            "cases": group_names(rows),
            "fastest": rows["implementation"],
            "against the baseline": _claims(rows),
            "speed, least to most": _spans(rows),
            "shapes": rows["labels"],
        }
    )


def described(about: Mapping[str, str], names: Iterable[str]) -> pd.DataFrame:
    """What the implementations of these names say of themselves; those that say nothing are left out."""
    told = [(name, about[name]) for name in dict.fromkeys(names) if about.get(name)]
    return pd.DataFrame(told, columns=["implementation", "what it is"])


def _claims(rows: pd.DataFrame) -> list[str]:
    return [claims(tally) for _, tally in rows.iterrows()]


def _spans(rows: pd.DataFrame) -> list[str]:
    return [span(tally) for _, tally in rows.iterrows()]


def _paid(rows: pd.DataFrame) -> list[str]:
    return [paid(row) for _, row in rows.iterrows()]


def _counts(rows: pd.DataFrame) -> list[str]:
    return [f"{ran:.0f} of {cases:.0f}" for ran, cases in zip(rows["ran"], rows["cases"], strict=True)]
