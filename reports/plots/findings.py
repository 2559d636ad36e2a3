"""What a facet shows, in a few words: its title. Only differences that were seen count."""

import pandas as pd

from reports import units
from reports.plots.style import plain, unbroken
from reports.sections.speed.by_case import of_group
from reports.sections.speed.claims import claims, lacking
from reports.sections.speed.table import FASTER, SAME

CLEARLY = 1.05
"""From this factor on, one error is larger than another."""


def speed(members: pd.DataFrame, table: pd.DataFrame, answer: pd.DataFrame) -> str:
    """The answer of the group of `members`: "compiled_dot is 11× faster than builtin in all 3 cases"."""
    row = of_group(answer, members.iloc[0]).iloc[0]
    if said := _none(row):
        return said
    chosen, reference = plain(row["implementation"]), plain(str(row["reference"]))
    if row["compared"] == 0:
        return f"{chosen} is the fastest"
    if row["faster"] < row["compared"]:
        return f"{_provisional(table, row)}{chosen} against {reference}: {claims(row)}"
    where = f" in all {row['compared']:.0f} cases" if row["compared"] > 1 else ""
    return f"{_provisional(table, row)}{chosen} is {units.speed(row['faster_ratio'])} than {reference}{where}"


def crossover(members: pd.DataFrame, table: pd.DataFrame, answer: pd.DataFrame) -> str:
    """Where the answer begins to win: "compiled_dot is faster than builtin from 64 rows on"; else as `speed`."""
    row = of_group(answer, members.iloc[0]).iloc[0]
    here = of_group(table, row)
    mine = here[here["implementation"] == row["implementation"]].sort_values(["size", "label"], kind="stable")
    faster = (mine["verdict"] == FASTER).to_numpy()
    first = faster.argmax() if faster.any() else 0
    if _none(row) or first == 0 or not faster[first:].all():
        return speed(members, table, answer)
    start = mine["label"].iloc[first] if mine["size"].is_unique else units.size(mine["size"].iloc[first])
    chosen, reference = plain(row["implementation"]), plain(str(row["reference"]))
    return f"{_provisional(table, row)}{chosen} is faster than {reference} from {_rows(mine['label'], start)} on"


def error(members: pd.DataFrame, table: pd.DataFrame, answer: pd.DataFrame) -> str:
    """Speed and error of the answer; `members` has both at one case: "numkong is 10× faster at the least error"."""
    row = of_group(answer, members.iloc[0]).iloc[0]
    mine = members[members["implementation"] == row["implementation"]]
    if (said := _none(row)) or mine.empty:
        return said or f"{plain(row['implementation'])} did not run here"
    if (mine["verdict"] == SAME).all():
        return f"{plain(row['implementation'])} and {plain(str(row['reference']))}: {SAME}"
    ratio, own = mine["ratio"].iloc[0], row["error_u"]
    chosen = f"{_provisional(table, row)}{plain(row['implementation'])} is {units.speed(ratio)}"
    if own <= members["error_u"].min():
        return f"{chosen} at the least error"
    theirs, reference = row["reference_error_u"], plain(str(row["reference"]))
    if pd.isna(theirs):
        return f"{chosen} than {reference}"
    if own <= CLEARLY * theirs:
        return f"{chosen} at no more error than {reference}"
    return f"{chosen} at {units.times(own / theirs)} the error of {reference}" if theirs else f"{chosen}, not exact"


def memory(rows: pd.DataFrame, answer: pd.DataFrame) -> str:
    """The peaks of the answer and the baseline at one case: "compiled_dot takes 48 KiB, builtin 48 MiB"."""
    row = of_group(answer, rows.iloc[0]).iloc[0]
    peak = rows.dropna(subset=["share"]).set_index("implementation")["peak_bytes"]
    names = [name for name in dict.fromkeys([row["implementation"], row["reference"]]) if name in peak.index]
    takes = [f"{plain(name)} takes {unbroken(units.size(peak[name]))}" for name in names]
    least = peak.idxmin() if len(peak) else ""
    if least in names[:1] and len(peak) > 1:
        takes[0] += ", the least"
    return ", ".join(takes)


def _none(row: pd.Series) -> str:
    """Why a group has no implementation that replaces its baseline; "" if it has one."""
    if pd.isna(row["implementation"]):
        return lacking(row)
    reference = plain(str(row["reference"]))
    if pd.notna(row["rival"]):
        return f"too noisy to tell whether {plain(row['rival'])} is faster than {reference}"
    if row["implementation"] == row["reference"]:
        return f"no implementation within the error budget is seen to be faster than {reference} over all cases"
    return ""


def _provisional(table: pd.DataFrame, row: pd.Series) -> str:
    """A prefix where a case of the answer was measured on a disturbed machine."""
    if "provisional" not in table:
        return ""
    mine = of_group(table, row)
    return "provisional: " if mine.loc[mine["implementation"] == row["implementation"], "provisional"].any() else ""


def _rows(labels: pd.Series, start: str) -> str:
    """The first of these shapes, as a number of rows where they differ only in it."""
    rows, _, rest = start.partition("x")
    same = labels.str.partition("x")[2].eq(rest).all() and start in set(labels)
    return f"{int(rows):,} rows" if same else start
