"""Which upstream bugs this build still has."""

import pandas as pd

HAPPENS, GONE, UNSEEN = "yes", "no", "not to be seen"


def known_bugs(table: pd.DataFrame) -> pd.DataFrame:
    """The bugs with their `verdict`: those that still happen first, those that were not to be seen last."""
    verdicts = [UNSEEN if pd.isna(happens) else HAPPENS if happens else GONE for happens in table["happens"]]
    rank = [(HAPPENS, GONE, UNSEEN).index(verdict) for verdict in verdicts]
    return table.assign(verdict=verdicts, rank=rank).sort_values("rank", kind="stable").drop(columns="rank")
