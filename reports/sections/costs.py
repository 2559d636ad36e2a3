"""What an implementation costs beside the baseline."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from reports.sections.speed.table import GROUP


def costs(standings: pd.DataFrame, by: Sequence[str] = ("implementation",)) -> pd.DataFrame:
    """One row for each of `by`.

    `time` is the geometric mean of the times relative to the baseline's, which go from `least` to `most`, over the
    groups of cases in which that ran too: NaN where it ran in none. `memory` is the largest peak over the baseline's.
    """
    beside = standings.groupby(GROUP)["baseline"].transform("any").astype(bool)
    time = standings["time"].astype(float).where(beside)
    grouped = standings.assign(time=time, log=np.log(time)).groupby(list(by))
    found = grouped.agg(time=("log", "mean"), least=("time", "min"), most=("time", "max"), memory=("memory", "max"))
    return found.assign(time=np.exp(found["time"]))
