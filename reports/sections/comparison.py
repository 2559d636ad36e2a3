"""Two runs side by side: what became faster, what slower, and what no longer works."""

import pandas as pd

PAIR = ["implementation", "case"]
MEASURED = ["latency_s", "latency_low", "latency_high", "ratio", "ratio_low", "ratio_high", "error_u", "peak_bytes"]


def comparison(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """One row an implementation and case that both runs hold, the greatest change of latency first.

    The measured columns come with `_old` and `_new`; `latency_change` and `ratio_change` are
    new over old, and missing where the two intervals overlap: no difference seen.
    """
    columns = [*PAIR, "status", *MEASURED]
    rows = old[columns].merge(new[columns], on=PAIR, suffixes=("_old", "_new"))
    rows["latency_change"] = _change(rows, "latency_s", "latency")
    rows["ratio_change"] = _change(rows, "ratio", "ratio")
    rows["status_change"] = rows["status_old"] != rows["status_new"]
    size = pd.concat([rows["latency_change"], 1 / rows["latency_change"]], axis=1).max(axis=1).fillna(1)
    return rows.assign(size=size).sort_values(
        ["status_change", "size", *PAIR], ascending=[False, False, True, True], ignore_index=True
    )


def only_in_one(old: pd.DataFrame, new: pd.DataFrame) -> tuple[int, int]:
    """How many implementation and case pairs only the old and only the new run holds."""
    sides = old[PAIR].merge(new[PAIR], on=PAIR, how="outer", indicator=True)["_merge"]
    return int((sides == "left_only").sum()), int((sides == "right_only").sum())


def _change(rows: pd.DataFrame, value: str, interval: str) -> pd.Series:
    apart = (rows[f"{interval}_high_old"] < rows[f"{interval}_low_new"]) | (
        rows[f"{interval}_high_new"] < rows[f"{interval}_low_old"]
    )
    return (rows[f"{value}_new"] / rows[f"{value}_old"]).where(apart)
