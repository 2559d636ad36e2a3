"""The cost of preparing a corpus, and the number of queries that pay it back."""

import numpy as np
import pandas as pd

from reports import units
from reports.markdown import code
from reports.sections.speed.table import GROUP, group_names

CASE = [*GROUP, "label", "case"]
MEASURED = ("implementation", "prepare_s", "prepared_bytes", "call_s")
COLUMNS = (*CASE, *MEASURED, "rival", "rival_s", "queries", "provisional")


def pays_back(table: pd.DataFrame) -> pd.DataFrame:
    """One row for each case and implementation that prepares its corpus, the fewest `queries` first in each case.

    `queries` is after how many queries the preparation, `prepare_s` seconds, is paid back against `rival`: the fastest
    implementation of the case that prepares nothing. It is `prepare_s` over the time saved per query. It is infinite
    where no call is seen to be faster, as in `verdicts.against`, and NaN without a rival. `provisional`: other work
    disturbed the case. `call_s` and `rival_s` are seconds a call. The first call, which may compile, is `pays_after`
    of the prepared table.

    Args:
        table: the records, as `table.prepare` returns them.
    """
    ok = table[table["status"] == "ok"]
    rows = [
        _row(mine, rivals.sort_values("time").iloc[0] if len(rivals) else None)
        for _, rows in ok.groupby("case", sort=False)
        for rivals in [rows[rows["prepare_s"].isna()]]
        for _, mine in rows[rows["prepare_s"].notna()].iterrows()
    ]
    found = pd.DataFrame(rows, columns=list(COLUMNS))
    cases = pd.Categorical(found["case"], found["case"].unique())  # keeps the order of the run
    return found.assign(place=cases).sort_values(["place", "queries"]).drop(columns="place")


def sentences(found: pd.DataFrame) -> list[str]:
    """For each case, the prepared implementation whose preparation is paid back first."""
    return [_sentence(row) for _, row in found.drop_duplicates("case").iterrows()]


def table(found: pd.DataFrame) -> pd.DataFrame:
    """The rows of `pays_back` with units."""
    return pd.DataFrame(
        {
            "case": _names(found),
            "implementation": found["implementation"],
            "prepared once": found["prepare_s"].map(units.seconds),
            "the prepared corpus holds": found["prepared_bytes"].astype("float64").map(units.size),
            "per call": found["call_s"].map(units.seconds),
            "fastest without": found["rival"],
            "its time per call": found["rival_s"].map(units.seconds),
            "paid back after": [_paid_back(row) for _, row in found.iterrows()],
        }
    )


def _row(mine: pd.Series, rival: pd.Series | None) -> tuple[object, ...]:
    queries, name, rival_s = np.nan, "", np.nan
    if rival is not None:
        name, rival_s = rival["implementation"], rival["latency_s"]
        saved_s = (rival["time"] - mine["time"]) * mine["latency_s"] / mine["time"] / int(mine["shape"].split("x")[0])
        beyond = rival["time"] / mine["time"] - 1 > np.nan_to_num(mine["noise_floor"])
        faster = beyond and mine["time_high"] < rival["time_low"]
        queries = np.ceil(mine["prepare_s"] / saved_s) if faster else np.inf
    measured = (mine["prepare_s"], mine["prepared_bytes"], mine["latency_s"])
    return (*mine[CASE], mine["implementation"], *measured, name, rival_s, queries, mine["provisional"])


def _sentence(row: pd.Series) -> str:
    name, once = code(row["implementation"]), units.seconds(row["prepare_s"])
    case = f"**{row['label']}, {row['dtype']}, {row['task']}**"
    if not row["rival"]:
        return f"{case}: {name} prepares the corpus in {once}; no implementation without a preparation ran."
    against = f"{units.seconds(row['call_s'])} against {units.seconds(row['rival_s'])} of {code(row['rival'])}"
    if np.isinf(row["queries"]):
        return f"{case}: {name} prepares the corpus in {once} and is not seen to be faster: {against} per call."
    paid = f"paid back after {_queries(row['queries'])}{' (provisional)' if row['provisional'] else ''}"
    return f"{case}: {name} prepares the corpus in {once}, {paid}: {against} per call."


def _names(found: pd.DataFrame) -> pd.Series:
    return found["label"] + ", " + group_names(found)


def _paid_back(row: pd.Series) -> str:
    firm = not row["provisional"] or np.isnan(row["queries"])
    return _queries(row["queries"]) if firm else f"provisional: {_queries(row['queries'])}"


def _queries(count: float) -> str:
    if np.isnan(count):
        return units.MISSING
    if np.isinf(count):
        return "never"
    return "1 query" if count <= 1 else f"{float(f'{count:.2g}'):,.0f} queries"
