"""The effect of each change on a Siamese loop, paired by seed."""

import numpy as np
import pandas as pd

HELPS, HURTS, SAME, UNCLEAR = "helps", "hurts", "no difference", "inconclusive"
NOTICEABLE = 0.02
"""Differences in AUC below this are called no difference."""

FALSE = 0.05
"""The share of reported differences that may be false."""

CONFIDENCE = 0.95
NO_TRAINING = "no_training"
BEFORE = {"as_written": (NO_TRAINING, "untrained_network"), "correct_code": ("as_written", "")}
"""The loop that each loop is compared with."""

CODE = ("repair", "fault", "detach")
"""Kinds of changes that are not advice: they correct code, or break it."""

LOOP = ["loop", "change"]
MEASURES = {"auc": (0, 1), "unlike": (-1, 1), "effective_rank": (0, np.inf), "zeros": (0, 1)}
"""The measures of the vectors, and their ranges."""


def trained(trainings: pd.DataFrame) -> pd.DataFrame:
    """The `outcomes` of each loop and change, joined with their `effects`; empty where nothing was trained."""
    if trainings.empty:
        return trainings
    return outcomes(trainings).merge(effects(trainings), on=LOOP, how="left")


def outcomes(trainings: pd.DataFrame) -> pd.DataFrame:
    """One row for each loop and change, in the order of the run: the mean over the seeds of each of `MEASURES`.

    `auc_low`, `auc_high` and so on are the ends of Student's 95 % interval, NaN for one seed. `diverged` counts the
    seeds that diverged.
    """
    numbers = dict.fromkeys([*MEASURES, "first_cosine", "second_cosine"], float)  # None would make them objects
    grouped = trainings.astype(numbers).groupby([*LOOP, "advice", "what"], sort=False)
    table = grouped.agg(
        diverged=("status", lambda status: (status != "ok").sum()),
        first_cosine=("first_cosine", "mean"),
        second_cosine=("second_cosine", "mean"),
    )
    for name, (least, most) in MEASURES.items():
        mean, half = grouped[name].mean(), _half(grouped[name].sem(), grouped[name].count(), CONFIDENCE)
        low, high = (mean - half).clip(lower=least), (mean + half).clip(upper=most)
        table = table.assign(**{name: mean, f"{name}_low": low, f"{name}_high": high})
    return table.reset_index()


def effects(trainings: pd.DataFrame) -> pd.DataFrame:
    """The effect of each change on the AUC: one row for each loop and change, paired by seed with the loop without it.

    The loop itself is compared with that of `BEFORE`. `difference`, `low` and `high` are NaN where fewer than two seeds
    have both. The `confidence` of the intervals is chosen so that they exclude 0 exactly for the differences that
    Benjamini and Hochberg's procedure finds; at most `FALSE` of these are expected to be false. `verdict` is the
    conclusion. `time` and `memory` are those of a step, relative to the loop without the change.
    Source: Y. Benjamini and D. Yekutieli, False discovery rate-adjusted multiple confidence intervals, JASA 100 (2005).
    """
    from scipy import stats

    wide = trainings.pivot(index="seed", columns=LOOP, values=["auc", "step_s", "peak_bytes"]).astype(float)
    others = {(loop, change): (loop, "") if change else BEFORE.get(loop) for loop, change in wide["auc"].columns}
    pairs = [(pair, other) for pair, other in others.items() if other in others]
    rows = pd.DataFrame(
        [_compared(wide, *pair) for pair in pairs], columns=[*LOOP, "seeds", "difference", "sem", "time", "memory"]
    )
    known = rows["sem"].notna()
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.nan_to_num(np.abs(rows["difference"] / rows["sem"])[known])  # NaN: equal in each seed
    chances = 2 * stats.t.sf(distance, rows.loc[known, "seeds"] - 1)
    found = int((stats.false_discovery_control(chances) <= FALSE).sum()) if known.any() else 0
    confidence = 1 - FALSE * max(found, 1) / max(known.sum(), 1)
    half = _half(rows["sem"], rows["seeds"], confidence)
    rows = rows.assign(low=rows["difference"] - half, high=rows["difference"] + half, confidence=confidence)
    return rows.assign(verdict=_verdicts(rows)).drop(columns="sem")


def _compared(wide: pd.DataFrame, changed: tuple[str, str], other: tuple[str, str]) -> tuple[object, ...]:
    before, after = wide.xs(other, axis="columns", level=LOOP), wide.xs(changed, axis="columns", level=LOOP)
    difference = (after["auc"] - before["auc"]).dropna()
    time, memory = ((after[name] / before[name]).median() for name in ("step_s", "peak_bytes"))
    return (*changed, len(difference), difference.mean(), difference.sem(), time, memory)


def _half(sem: pd.Series, seeds: pd.Series, confidence: float) -> pd.Series:
    from scipy import stats

    return sem * stats.t.ppf((1 + confidence) / 2, (seeds - 1).clip(lower=1))


def _verdicts(rows: pd.DataFrame) -> list[str]:
    low, high = rows["low"], rows["high"]
    same = (low > -NOTICEABLE) & (high < NOTICEABLE)
    words = np.select([rows["low"].isna(), same, low > 0, high < 0], ["", SAME, HELPS, HURTS], UNCLEAR)
    return [str(word) for word in words]
