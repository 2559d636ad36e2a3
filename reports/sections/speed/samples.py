"""The user's own rows: what is within the error budget on a sample of a file has to be on all its measured rows."""

from collections.abc import Callable

import pandas as pd

from reports import units
from reports.markdown import code
from reports.sections.speed.table import MEMBER, group_names
from suites.records.record import UNIT_ROUNDOFF

MOST = 4
"""How many implementations a sentence names."""
_ROWS = [*(axis for axis in MEMBER if axis != "apart"), "inputs"]


def errors_u(ok: pd.DataFrame) -> pd.Series:
    """The error that decides for each record: its own; on rows of a user's file the largest on any of them, in u."""
    largest = ok.groupby(_ROWS)["error_u"].transform("max")
    return ok["error_u"].where(~_own(ok), largest)


def said(table: pd.DataFrame, standings: pd.DataFrame, show: Callable[[str], str] = code) -> list[str]:
    """Who is within the error budget on a sample of a file and not on more of its rows; a sentence for each case.

    `show` sets the names of implementations and cases.
    """
    ok = table[table["status"] == "ok"].merge(standings[[*MEMBER, "budget"]], on=MEMBER)
    ok = ok.assign(error_abs=ok["error_u"] * UNIT_ROUNDOFF, most_abs=errors_u(ok) * UNIT_ROUNDOFF)
    only = ok[_own(ok) & (ok["error_abs"] <= ok["budget"]) & (ok["most_abs"] > ok["budget"])]
    worst = ok[ok["error_abs"] == ok["most_abs"]].merge(only[_ROWS].drop_duplicates(), on=_ROWS)
    worst = worst.sort_values("size", kind="stable").drop_duplicates(_ROWS)
    return [
        f"{_few([*map(show, rows['implementation'])])}: within the error budget on a sample of the rows, but not on "
        f"{show(rows['label'].iloc[0])} ({name}), where the error is {units.power(rows['error_abs'].max())}."
        for (name, _), rows in worst.groupby([group_names(worst), worst["label"]], sort=False)
    ]


def _few(names: list[str]) -> str:
    more = f" and {len(names) - MOST:,} more" if len(names) > MOST else ""
    return ", ".join(names[:MOST]) + more


def _own(table: pd.DataFrame) -> "pd.Series[bool]":
    return table["inputs"].str.startswith("file:")
