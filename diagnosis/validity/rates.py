"""Rates of right answers and of alarms, with binomial intervals."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score, roc_curve  # type: ignore[import-untyped]

from diagnosis.validity.answers import PlantedResult

AND = " and "
"""Separates the names of two causes at once."""

ALARMS = 0.01  # false alarms that a baseline may have
ABOVE_ALL = 1e9  # in place of NaN


class Share(NamedTuple):
    """`hits` of `of`, the share, and its 95 % Clopper-Pearson interval; NaN if `of` is 0."""

    hits: int
    of: int
    share: float
    low: float
    high: float


def share(hits: "pd.Series[bool]") -> Share:
    """The share of true values."""
    if hits.empty:
        return Share(0, 0, np.nan, np.nan, np.nan)
    found = binomtest(int(hits.sum()), len(hits))
    interval = found.proportion_ci(0.95)
    return Share(int(found.k), int(found.n), float(found.statistic), float(interval.low), float(interval.high))


def table(answers: Iterable[PlantedResult]) -> pd.DataFrame:
    """One row per answer, with its case.

    `said` is the first cause, or the verdict if there is no cause. `right` says whether it is the planted cause; for
    two causes at once, whether both are named; for a healthy set or a foreign cause, whether `said` is "healthy" or
    "unknown". `second` says whether the planted cause is among the first two; `alarm` whether the verdict is other
    than "healthy".
    """
    rows = [one.case._asdict() | dict(one.baselines) | _judged(one) for one in answers]
    return pd.DataFrame(rows)


def _judged(answer: PlantedResult) -> dict[str, object]:
    group, name = answer.case.group, answer.case.name
    said = answer.named[0] if answer.named else answer.verdict
    right = {
        "planted": said == name,
        "together": set(name.split(AND)) <= set(answer.named),
        "healthy": said == "healthy",
        "foreign": said == "unknown",
    }[group]
    return {
        "said": said,
        "named": answer.named,
        "right": right,
        "second": name in answer.named[:2],
        "flips": answer.flips,
        "alarm": answer.verdict != "healthy",
        "seconds": answer.seconds,
        "work_s": answer.work_s,
    }


def instead(said: Sequence[str], most: int = 3) -> str:
    """The most frequent answers with their counts."""
    found = pd.Series(said, dtype=object).value_counts()
    return ", ".join(f"{name} {count}" for name, count in found.head(most).items())


class Judge(NamedTuple):
    """A detector of sick sets: area under ROC, and rates at the best threshold with at most 1 % false alarms."""

    name: str
    auc: float
    sensitivity: float
    alarms: float
    threshold: float


def judges(answers: pd.DataFrame, baselines: Sequence[str]) -> list[Judge]:
    """The diagnosis and the baselines on the same cases.

    The diagnosis has one operating point: its area under ROC is the mean of sensitivity and specificity, and its
    threshold is NaN. A baseline gets the best threshold for these cases, chosen with the answers known.
    """
    sick = answers["group"] != "healthy"
    seen, alarmed = float(answers["alarm"][sick].mean()), float(answers["alarm"][~sick].mean())
    found = [Judge("ours", (seen + 1 - alarmed) / 2, seen, alarmed, np.nan)]
    for name in baselines:
        figure = answers[name].fillna(ABOVE_ALL).clip(upper=ABOVE_ALL)
        alarms, seen_at, thresholds = roc_curve(sick, figure, drop_intermediate=False)
        best = int(np.flatnonzero(alarms <= ALARMS)[-1])
        found.append(Judge(name, float(roc_auc_score(sick, figure)), seen_at[best], alarms[best], thresholds[best]))
    return found
