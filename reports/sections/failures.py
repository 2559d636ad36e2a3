"""What did not end well and why, and what to beware of in what did."""

import pandas as pd


def _distinct(values: pd.Series) -> tuple[str, ...]:
    return tuple(values.drop_duplicates())


_WHOSE = {"implementations": ("implementation", _distinct), "cases": ("case", _distinct), "records": ("case", "size")}


def failures(table: pd.DataFrame) -> pd.DataFrame:
    """One row a status and reason, the most frequent first: `implementations` and `cases` are tuples."""
    failed = table[table["status"] != "ok"]
    rows = failed.groupby(["status", "reason"], sort=False).agg(**_WHOSE).reset_index()
    return rows.sort_values(["records", "status", "reason"], ascending=[False, True, True])


def flags(found: pd.DataFrame) -> pd.DataFrame:
    """One row a flag, the most frequent first, with the `evidence` of the first record that has it."""
    rows = found.groupby("flag", sort=False).agg(**_WHOSE, evidence=("evidence", "first")).reset_index()
    return rows.sort_values(["records", "flag"], ascending=[False, True])
