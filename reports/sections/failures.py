"""Records that are not ok, and flags: reasons to distrust the others."""

import pandas as pd

from reports.markdown import shortened
from suites.records.flags import meaning


def _distinct(values: pd.Series) -> tuple[str, ...]:
    return tuple(values.drop_duplicates())


_WHOSE = {"implementations": ("implementation", _distinct), "cases": ("case", _distinct), "records": ("case", "size")}


def failures(table: pd.DataFrame) -> pd.DataFrame:
    """One row for each status and reason, the most frequent first: `implementations` and `cases` are tuples."""
    failed = table[table["status"] != "ok"]
    rows = failed.groupby(["status", "reason"], sort=False).agg(**_WHOSE).reset_index()
    return rows.sort_values(["records", "status", "reason"], ascending=[False, True, True])


def flags(found: pd.DataFrame) -> pd.DataFrame:
    """One row for each flag, the most frequent first, with the `evidence` of the first record that has it."""
    rows = found.groupby("flag", sort=False).agg(**_WHOSE, evidence=("evidence", "first")).reset_index()
    return rows.sort_values(["records", "flag"], ascending=[False, True])


def failure_table(rows: pd.DataFrame) -> pd.DataFrame:
    """The failures as a table."""
    return pd.DataFrame(
        {
            "status": rows["status"].str.replace("_", " "),
            "why": [shortened(reason) for reason in rows["reason"]],
            "records": rows["records"],
            "implementations": rows["implementations"],
            "cases": rows["cases"],
        }
    )


def flag_table(rows: pd.DataFrame) -> pd.DataFrame:
    """The flags as a table."""
    return pd.DataFrame(
        {
            "flag": [meaning(flag) for flag in rows["flag"]],
            "in the tables": rows["flag"],
            "records": rows["records"],
            "example": rows["evidence"],
            "implementations": rows["implementations"],
            "cases": rows["cases"],
        }
    )


def flag_counts(flags: pd.DataFrame) -> str:
    """How many records have each flag: "its time drifted (12), few rounds (3)"."""
    return "Flagged records: " + ", ".join(f"{meaning(str(row.flag))} ({row.records:,})" for row in flags.itertuples())
