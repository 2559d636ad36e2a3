"""What got worse between two runs of one machine: the table that a nightly run alarms on."""

import pandas as pd

from reports.sections.comparison import PAIR, comparison

SLOWER = 1.10
"""Alarm from 10 % slower relative to the baseline of the same case, intervals apart."""

BASELINE_SLOWER = 1.5
"""The baseline has only its absolute time, which drifts with the machine: a coarser gate."""

MORE_ERROR, MORE_MEMORY = 1.5, 1.02


def worse(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Implementation, case and what happened, for each pair of both runs that got worse.

    A ratio to the baseline also rises where the baseline became faster: that alone is no alarm,
    the implementation's own time has to have risen as well.
    """
    rows = comparison(old, new)
    worked, works = rows["status_old"] == "ok", rows["status_new"] == "ok"
    latency = rows["latency_s_new"] / rows["latency_s_old"]
    slower = (rows["ratio_change"] > SLOWER) & (latency > 1)
    baseline_slower = (
        (rows["ratio_new"] == 1) & (rows["ratio_low_new"] == 1) & (rows["latency_change"] > BASELINE_SLOWER)
    )
    memory = rows["peak_bytes_new"].astype(float) / rows["peak_bytes_old"].astype(float)
    error = rows["error_u_new"] / rows["error_u_old"]
    happened: list[tuple[pd.Series, str | pd.Series, pd.Series]] = [
        (worked & ~works, rows["status_new"], latency),
        (works & (slower | baseline_slower), "slower", latency),
        (works & (error > MORE_ERROR), "error", error),
        (works & (memory > MORE_MEMORY), "memory", memory),
    ]
    parts = [rows.assign(what=what, factor=factor)[where] for where, what, factor in happened]
    return pd.concat(parts, ignore_index=True)[[*PAIR, "what", "factor"]]
