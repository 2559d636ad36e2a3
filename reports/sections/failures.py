"""What did not end well and why, and what to beware of in what did."""

import pandas as pd

from reports.markdown import shortened


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


def failure_table(rows: pd.DataFrame) -> pd.DataFrame:
    """What did not end well."""
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
    """What to beware of."""
    return pd.DataFrame(
        {
            "flag": rows["flag"],
            "records": rows["records"],
            "such as": rows["evidence"],
            "implementations": rows["implementations"],
            "cases": rows["cases"],
        }
    )


def flag_counts(flags: pd.DataFrame) -> str:
    """How many records have which flag: "drift 12, few_rounds 3"."""
    return "Flagged records: " + ", ".join(f"{row.flag} {row.records:,}" for row in flags.itertuples())
