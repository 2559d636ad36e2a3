"""From answers to rates: how often right, how often alarmed, each with its binomial interval."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score, roc_curve  # type: ignore[import-untyped]

from diagnosis.validity.answers import Answer

AND = " and "
"""Between the names of two causes at once."""

ALARMS = 0.01  # the false alarms that are allowed
ABOVE_ALL = 1e9  # a figure that is no number


class Share(NamedTuple):
    """Hits of trials, the share and its 95 % interval by Clopper and Pearson; NaN where there is no trial."""

    hits: int
    of: int
    share: float
    low: float
    high: float


def share(hits: "pd.Series[bool]") -> Share:
    """How many of these are true."""
    if hits.empty:
        return Share(0, 0, np.nan, np.nan, np.nan)
    found = binomtest(int(hits.sum()), len(hits))
    interval = found.proportion_ci(0.95)
    return Share(int(found.k), int(found.n), float(found.statistic), float(interval.low), float(interval.high))


def table(answers: Iterable[Answer]) -> pd.DataFrame:
    """One row for each answer: its case and what was said.

    `said` is the cause that is named first, or the verdict where none is; `right` that it is the planted one (of two at
    once, that both are named; of a healthy set "healthy", of a foreign cause "unknown"), `second` that the first two
    hold it, `alarm` that it is not called healthy.
    """
    rows = [one.case._asdict() | dict(one.baselines) | _judged(one) for one in answers]
    return pd.DataFrame(rows)


def _judged(answer: Answer) -> dict[str, object]:
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
    """What was said, the most frequent first, with how often."""
    found = pd.Series(said, dtype=object).value_counts()
    return ", ".join(f"{name} {count}" for name, count in found.head(most).items())


class Judge(NamedTuple):
    """What tells sick from healthy sets: over all thresholds, and at one that calls at most 1 % of the healthy sick."""

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
