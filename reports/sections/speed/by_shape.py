"""The answer by shape: for each case, what to use, in how much time, and instead of what."""

import pandas as pd

from reports import units
from reports.markdown import Markup, code, prose
from reports.sections.speed.beware import Changes, beware, beware_of_all
from reports.sections.speed.by_case import of_group
from reports.sections.speed.claims import claim, claims, doubted
from reports.sections.speed.references import fastest, is_fastest
from reports.sections.speed.sentences import flaw
from reports.sections.speed.table import GROUP, SAME, group_names

FEW = 6
"""A group of at most so many cases has a row for each; one of more has one row."""

FASTEST = "fastest within the error budget"
ANSWER = ("cases", "shape", FASTEST, "time", "baseline", "against the baseline", "largest error", "beware")
NONE = "none"
TOO_NOISY, NO_BASELINE = "too noisy to tell", "no baseline was timed"
_WON = ["case", "implementation", "latency_s", "ratio", "ratio_low", "ratio_high", "verdict", "error_u", "flags"]
_WON += ["slow_start", "first_call_s", "prepare_s", "noise_floor"]


def by_shape(table: pd.DataFrame, answer: pd.DataFrame, winners: pd.DataFrame) -> pd.DataFrame:
    """One row for each case, in the order of the answer's groups, small cases first.

    The columns of the winner's record are missing where there is none, and `ran` says whether any implementation ran.
    `reference` is the case's baseline, `reference_s` its time and `reference_status` its status; all three are missing
    where it took no part. `equals` are those without a difference seen to the reference.
    `few`: the group has at most `FEW` cases. `rival` is that of the group.
    """
    cases = table.sort_values(["size", "label"], kind="stable").drop_duplicates("case")
    cases = cases[[*GROUP, "case", "label", "provisional"]]
    renamed = {"implementation": "reference", "latency_s": "reference_s", "status": "reference_status"}
    of_baseline = ["case", *renamed, "reference_why"]
    baseline = table[table["baseline"]].drop_duplicates("case")[of_baseline].rename(columns=renamed)
    rows = cases.merge(winners[_WON], on="case", how="left").merge(baseline, on="case", how="left")
    rows["ran"] = rows["case"].isin(table.loc[table["status"] == "ok", "case"])
    same = table[(table["verdict"] == SAME) & (table["status"] == "ok")].groupby("case")["implementation"].agg(tuple)
    rows["equals"] = [same.get(case, ()) for case in rows["case"]]
    rows["few"] = rows.groupby(GROUP)["case"].transform("size") <= FEW
    return answer[[*GROUP, "rival"]].merge(rows, on=GROUP)


def answers(
    table: pd.DataFrame, answer: pd.DataFrame, shapes: pd.DataFrame, close_seconds: pd.DataFrame, changes: Changes
) -> pd.DataFrame:
    """The answer by shape: a row for each case of a group with few of them, one row for a group with many.

    The columns are `ANSWER`. Cells are plain text, in which backticks mark names.
    """
    rows = []
    for name, (_, row) in zip(group_names(answer), answer.iterrows(), strict=True):
        here, flawed = of_group(shapes, row), flaw(row, close_seconds)
        if here["few"].all():
            rows += [(name, *_case(case), beware(case, changes, flawed)) for _, case in here.iterrows()]
        else:
            rows.append((name, *_cases(row, of_group(table, row), here), beware_of_all(row, here, changes, flawed)))
    return pd.DataFrame(rows, columns=list(ANSWER), dtype=str).replace("", units.MISSING)


def on_page(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of `answers` as Markdown; the name of a group stands in its first row only."""
    in_prose = ("baseline", "against the baseline", "beware")
    texts = {column: pd.Series(map(prose, rows[column]), rows.index, dtype=object) for column in in_prose}
    names = [Markup(name if name == NONE else code(name)) for name in rows[FASTEST]]
    texts[FASTEST] = pd.Series(names, rows.index, dtype=object)
    return rows.assign(cases=rows["cases"].mask(rows["cases"].duplicated(), ""), **texts)


def _case(row: pd.Series) -> tuple[str, ...]:
    theirs = units.MISSING
    if pd.notna(row["reference"]):
        time = units.seconds(row["reference_s"])
        theirs = f"`{row['reference']}`, {row['reference_status'].replace('_', ' ') if time == units.MISSING else time}"
    if pd.isna(row["implementation"]):
        return row["label"], NONE, units.MISSING, theirs, units.MISSING, units.MISSING
    noisy = pd.notna(row["rival"]) and row["implementation"] == row["reference"]
    alone = f"{fastest(row.to_frame().T)}; {NO_BASELINE}"
    against = alone if is_fastest(row) else TOO_NOISY if noisy else claim(row)
    against = doubted(against, row["provisional"])
    time, error = units.seconds(row["latency_s"]), units.absolute(row["error_u"])
    return row["label"], row["implementation"], time, units.MISSING if is_fastest(row) else theirs, against, error


def _cases(row: pd.Series, table: pd.DataFrame, shapes: pd.DataFrame) -> tuple[str, ...]:
    labels = table.sort_values(["size", "label"], kind="stable")["label"].unique()
    shape = f"{len(labels):,} shapes, {labels[0]} to {labels[-1]}"
    theirs = f"`{row['reference']}`, {_times(table, row['reference'])}" if pd.notna(row["reference"]) else units.MISSING
    if pd.isna(row["implementation"]):
        return shape, NONE, units.MISSING, theirs, units.MISSING, units.MISSING
    alone = f"{fastest(shapes)}; {NO_BASELINE}"
    against = alone if is_fastest(row) else claims(row) if pd.isna(row["rival"]) else TOO_NOISY
    against = doubted(against, row["disturbed"] > 0)
    time, error = _times(table, row["implementation"]), units.absolute(row["error_u"])
    return shape, row["implementation"], time, units.MISSING if is_fastest(row) else theirs, against, error


def _times(table: pd.DataFrame, name: str) -> str:
    """The times of an implementation at the smallest and the largest shape."""
    mine = table[(table["implementation"] == name) & (table["status"] == "ok")].sort_values(["size", "label"])
    ends = mine["latency_s"].iloc[[0, -1]].map(units.seconds).unique() if len(mine) else [units.MISSING]
    return " to ".join(ends)
