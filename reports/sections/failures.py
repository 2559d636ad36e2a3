"""What did not end well, and why."""

import pandas as pd


def failures(table: pd.DataFrame) -> pd.DataFrame:
    """One row a status and reason, the most frequent first: `implementations` and `cases` are tuples."""
    failed = table[table["status"] != "ok"]
    grouped = failed.groupby(["status", "reason"], sort=False)
    rows = grouped.agg(
        implementations=("implementation", _distinct), cases=("case", _distinct), records=("case", "size")
    )
    return rows.reset_index().sort_values(["records", "status", "reason"], ascending=[False, True, True])


def _distinct(values: pd.Series) -> tuple[str, ...]:
    return tuple(values.drop_duplicates())
