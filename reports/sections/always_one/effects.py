"""The effect of each change on a Siamese loop, paired by seed."""

import numpy as np
import pandas as pd

HELPS, HURTS, SAME, UNTOLD = "helps", "hurts", "no difference", "undecided"
NOTICEABLE = 0.02
"""An AUC that is known to differ by less than that is no different."""

FALSE = 0.05
"""How many of the differences that are called one may be none."""

CONFIDENCE = 0.95
NO_TRAINING = "no_training"
BEFORE = {"as_written": (NO_TRAINING, "untrained_network"), "correct_code": ("as_written", "")}
"""What each loop is compared with."""

CODE = ("repair", "fault", "detach")
"""What is no advice: changes of code that is wrong or right."""

LOOP = ["loop", "change"]
MEASURES = {"auc": (0, 1), "unlike": (-1, 1), "effective_rank": (0, np.inf), "zeros": (0, 1)}
"""What is told of vectors, and where it lies."""


def trained(trainings: pd.DataFrame) -> pd.DataFrame:
    """The `outcomes` of each loop and change beside their `effects`; empty where nothing was trained."""
    if trainings.empty:
        return trainings
    return outcomes(trainings).merge(effects(trainings), on=LOOP, how="left")


def outcomes(trainings: pd.DataFrame) -> pd.DataFrame:
    """One row a loop and change, in the order they were made: the mean over the seeds of each of `MEASURES`.

    `auc_low`, `auc_high` and so on end Student's 95 % interval, NaN for one seed. `diverged` counts those that did.
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
    """What each change makes of the AUC: one row a loop and change, against the loop without it, paired by seed.

    The loop itself is compared with that of `BEFORE`. `difference`, `low` and `high` are NaN where fewer than two seeds
    have both. The intervals have a `confidence` at which exactly those differences exclude 0 that Benjamini and
    Hochberg's procedure finds, and at most `FALSE` of these are expected to be none; `verdict` says what follows.
    `time` and `memory` are a step's, relative to the loop without the change.
    Source: Y. Benjamini and D. Yekutieli, False discovery rate-adjusted multiple confidence intervals, JASA 100 (2005).
    """
    from scipy import stats

    wide = trainings.pivot(index="seed", columns=LOOP, values=["auc", "step_s", "peak_bytes"]).astype(float)
    others = {(loop, change): (loop, "") if change else BEFORE.get(loop) for loop, change in wide["auc"].columns}
    pairs = [(pair, other) for pair, other in others.items() if other in others]
    rows = pd.DataFrame(
        [_compared(wide, *pair) for pair in pairs], columns=[*LOOP, "seeds", "difference", "sem", "time", "memory"]
    )
    told = rows["sem"].notna()
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.nan_to_num(np.abs(rows["difference"] / rows["sem"])[told])  # NaN: equal in each seed
    chances = 2 * stats.t.sf(distance, rows.loc[told, "seeds"] - 1)
    found = int((stats.false_discovery_control(chances) <= FALSE).sum()) if told.any() else 0
    confidence = 1 - FALSE * max(found, 1) / max(told.sum(), 1)
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
    words = np.select([rows["low"].isna(), same, low > 0, high < 0], ["", SAME, HELPS, HURTS], UNTOLD)
    return [str(word) for word in words]
