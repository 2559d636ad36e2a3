"""The upstream bugs that this build still has."""

import pandas as pd

from reports import units
from reports.markdown import escape, issues

HAPPENS, GONE, UNSEEN = "yes", "no", "not observable"


def known_bugs(table: pd.DataFrame) -> pd.DataFrame:
    """The bugs with their `verdict`: those that still happen first, those not observable last."""
    verdicts = [UNSEEN if pd.isna(happens) else HAPPENS if happens else GONE for happens in table["happens"]]
    rank = [(HAPPENS, GONE, UNSEEN).index(verdict) for verdict in verdicts]
    return table.assign(verdict=verdicts, rank=rank).sort_values("rank", kind="stable").drop(columns="rank")


def table(found: pd.DataFrame) -> pd.DataFrame:
    """What was seen of each bug, those that still happen first."""
    rows = known_bugs(found)
    linked = pd.Series([issues(issue) for issue in rows["issue"]], rows.index, dtype=object)
    columns = {"package": "package", "what": "bug", "verdict": "still happens", "seen": "seen", "right": "expected"}
    return pd.DataFrame({"issue": linked} | {shown: rows[name] for name, shown in columns.items()})


def count(found: pd.DataFrame) -> str:
    """How many still happen, and in which packages."""
    rows = known_bugs(found)
    verdicts = rows["verdict"].value_counts().reindex([HAPPENS, GONE, UNSEEN], fill_value=0)
    named = rows["issue"].str.contains("#")  # others are ours, and not reported yet
    reports = rows.loc[(rows["verdict"] == HAPPENS) & named, "issue"].nunique()
    packages = ", ".join(dict.fromkeys(found.loc[found["happens"].notna(), "package"])) or "the installed packages"
    unseen = f" Not observable here: {verdicts[UNSEEN]}." if verdicts[UNSEEN] else ""
    return (
        f"**{verdicts[HAPPENS]} of {units.counted(verdicts[HAPPENS] + verdicts[GONE], 'probe')} still find their bug**"
        f", from {units.counted(reports, 'upstream report')}, with {escape(packages)}.{unseen}"
    )
