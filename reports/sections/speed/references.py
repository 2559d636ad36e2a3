"""What times are compared with, and the comparison of a few implementations with it, case by case."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from reports.markdown import code, codes, escape
from reports.sections.speed.claims import claim, doubted
from reports.sections.speed.table import group_names
from results.references import ASKED, BUILT_IN, FASTEST

FEW, LINES = 3, 6
"""So many implementations of a case, and so many in all, have a sentence each; tables have the comparisons of more."""
Show = Callable[[str], str]


def said(table: pd.DataFrame, show: Show = code, text: Show = escape) -> list[str]:
    """What times are compared with, where that is not the built-in form of each task; a sentence each.

    `show` sets the names of implementations, and `text` the names of cases.
    """
    names, why, own = group_names(table.assign(apart="")), table["reference_why"], table["apart"] == ""
    lines = [_asked(name, table[why == BUILT_IN], show) for name in table.loc[why == ASKED, "reference"].unique()]
    for reference, where in names[own & (why == FASTEST)].groupby(table["reference"], sort=False):
        at = "" if {*where} == {*names} else f" in {'; '.join(map(text, where.unique()))}"
        lines.append(f"No baseline has a time{at}: times are compared with the fastest, {show(str(reference))}.")
    return lines + [_apart(text(name), table[names == name], show) for name in names[~own].unique()]


def versus(table: pd.DataFrame, show: Show = code, text: Show = escape) -> list[str]:
    """Each implementation against its reference in each case: "`a` against `b`: 3.2 % slower (2.9 to 3.5)".

    Only where somebody asked for the reference, or one implementation met it: otherwise the question is which one to
    ship, and the answer comes first. At most `LINES` comparisons, or twice as many of one
    implementation, at most `FEW` in each case; none for more.
    """
    rows = table[~table["baseline"] & (table["reference"] != "") & (table["status"] == "ok")]
    rows = rows.sort_values(["size", "label"], kind="stable")
    several = rows["implementation"].nunique() > 1
    which = several and (rows["reference_why"] != ASKED).any()
    if which or len(rows) > (LINES if several else 2 * LINES) or (rows.groupby("case").size() > FEW).any():
        return []
    cases = group_names(rows.assign(apart="")) + ", " + rows["label"]
    return [
        f"{text(case)}: {show(row['implementation'])} {_against(row, show)}"
        for case, (_, row) in zip(cases, rows.iterrows(), strict=True)
    ]


def _asked(name: str, others: pd.DataFrame, show: Show) -> str:
    keep = others.loc[others["reference"] != "", ["task", "reference"]].drop_duplicates("task")
    own = ", ".join(f"{task} keeps {show(reference)}" for task, reference in keep.to_numpy())
    return f"Times are compared with {show(name)}, as asked" + (f"; {own}." if own else ".")


def _apart(name: str, group: pd.DataFrame, show: Show) -> str:
    without = group[group["apart"] != ""]
    baseline, fastest = group.loc[group["apart"] == "", "reference"].iloc[0], without["reference"].iloc[0]
    failed = without.loc[without["implementation"] == baseline, "status"].str.replace("_", " ").unique()
    return (
        f"{show(baseline)} has no time in {without['case'].nunique()} of {group['case'].nunique()} cases of {name}"
        f"{f' ({listed})' if (listed := ', '.join(failed)) else ''}: "
        f"times there are compared with the fastest, {show(fastest)}."
    )


def _against(row: pd.Series, show: Show) -> str:
    words = "no rounds in common" if np.isnan(row["ratio"]) else claim(row)
    return f"against {show(row['reference'])}: {doubted(words, row['provisional'])}"


def fastest(rows: pd.DataFrame) -> str:
    """How the winner of these rows of `by_shape`, its own reference, compares: "the fastest", or as fast as others."""
    equal = set.intersection(*map(set, rows["equals"])) if len(rows) else set()
    return f"no difference seen to {codes(sorted(equal), FEW)}" if equal else "the fastest"


def is_fastest(row: pd.Series) -> bool:
    """Whether an answer is its own reference, for want of a baseline."""
    return bool(row["implementation"] == row["reference"] and row["reference_why"] == FASTEST)
