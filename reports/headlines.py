"""The answer in sentences: what to ship, how sure that is, and what to know before."""

from collections.abc import Mapping

import pandas as pd

from reports import sections, units
from reports.claims import claims, paid, span
from reports.markdown import code, codes
from reports.sections import CHANCE, SAME, group_names, of_group

NOISY = 0.1
"""A noise floor above which small differences are lost."""


def sureness(table: pd.DataFrame) -> str:
    """The noise floor of a run, and how many of its verdicts are to be expected to be chance."""
    floors, (compared, seen) = sections.noise(table), sections.comparisons(table)
    if floors.empty or not compared:
        return "There is no noise floor: in no case did a contestant run beside the built-in."
    median, worst = floors["noise_floor"].median(), floors.iloc[0]
    noisy = " A quieter machine, or a grid with more `seconds`, would see more." if worst["noise_floor"] > NOISY else ""
    return (
        f"**Noise floor: {units.percent(median)}** in the median case, {units.percent(worst['noise_floor'])} in the "
        f"worst, {code(worst['case'])}: that far from itself was the built-in, entered twice. A ratio is called a "
        f"difference where it is further from 1, either way.{noisy} Of {compared:,} comparisons with the built-in "
        f"{seen:,} show a difference, with {units.share(1 - CHANCE)} confidence each: "
        f"at most {units.number(CHANCE * compared)} of the {compared:,} are to be expected to show one by chance."
    )


def budgets(budget_u: Mapping[str, float]) -> str:
    """The error budgets: "float32 16 u, bfloat16 131,072 u"."""
    return ", ".join(f"{dtype} {units.error(limit)}" for dtype, limit in budget_u.items())


def headlines(answer: pd.DataFrame, close_seconds: pd.DataFrame, winners: pd.DataFrame) -> list[str]:
    """The answer, a sentence a group, and what to know before."""
    same = close_seconds[close_seconds["why"] == SAME]
    return [
        f"**{name}**: {_decision(row)}{_rather(row, winners)}{_same(row, same)}{_start(row)}{_flags(row)}"
        for name, (_, row) in zip(group_names(answer), answer.iterrows(), strict=True)
    ]


def endings(table: pd.DataFrame, precision: float | None) -> str:
    """Why the rounds of the cases ended, and how many there were; "" where nothing was timed."""
    cases = sections.endings(table)
    if cases.empty:
        return ""
    precise = (cases["stop"] == "precision").sum()
    known = f"to ± {units.percent(precision)}" if precision else "as precisely as the grid asks for"
    return (
        f"Of {len(cases):,} cases, {precise:,} ended because every ratio was known {known}, "
        f"{len(cases) - precise:,} because their time was spent; {rounds(cases['rounds'])}."
    )


def rounds(counts: pd.Series) -> str:
    """How many rounds: "12 to 512 rounds"."""
    least, most = counts.min(), counts.max()
    return f"{most:,.0f} rounds" if least == most else f"{least:,.0f} to {most:,.0f} rounds"


def flag_counts(flags: pd.DataFrame) -> str:
    """How many records have which flag: "drift 12, few_rounds 3"."""
    return "Flagged records: " + ", ".join(f"{row.flag} {row.records:,}" for row in flags.itertuples())


def _decision(row: pd.Series) -> str:
    if row["cases"] == 0:
        return "nothing ran; the failures below say why."
    if pd.isna(row["implementation"]):
        return "nothing that ran every case stays within the error budget."
    facts = f"error at most {units.error(row['error_u'])}"
    if row["implementation"] != row["builtin"]:
        facts += f" (the built-in: {units.error(row['builtin_error_u'])})" if pd.notna(row["builtin_error_u"]) else ""
        facts += f", {units.share(row['memory'])} of its peak memory" if pd.notna(row["memory"]) else ""
    part = "" if row["ran"] == row["cases"] else f" Nobody ran all {row['cases']:.0f} cases; it ran {row['ran']:.0f}."
    return f"{_advice(row)}, {facts}.{part}"


def _advice(row: pd.Series) -> str:
    ship, builtin = code(row["implementation"]), code(str(row["builtin"]))
    if row["implementation"] == row["builtin"]:
        return f"stay with {ship}: nothing within the budget is seen to be faster over all cases"
    if row["compared"] == 0:
        return f"ship {ship}: the fastest; the built-in has no time to compare with"
    said = claims(row)
    if row["compared"] == 1:
        return f"ship {ship}: {said} {'than' if row['same'] == 0 else 'from'} {builtin}"
    return f"ship {ship}: {said} ({span(row)} the speed of {builtin})"


def _start(row: pd.Series) -> str:
    if pd.isna(row["implementation"]) or not row["slow_start"]:
        return ""
    first = f" Its first call takes up to {units.seconds(row['first_call_s'])}"
    if pd.isna(row["pays_after"]):
        return f"{first}, never paid for." if row["never"] else f"{first}."
    return f"{first}, paid for {paid(row)}."


def _flags(row: pd.Series) -> str:
    return f" Flagged: {codes(row['flags'].split(', '))}." if row["flags"] else ""


def _same(row: pd.Series, same: pd.DataFrame) -> str:
    chosen = code(str(row["implementation"]))
    others = [name for name in of_group(same, row)["implementation"] if name != row["builtin"]]
    return f" Over all cases no difference is seen between {chosen} and {codes(others, 3)}." if others else ""


def _rather(row: pd.Series, winners: pd.DataFrame) -> str:
    others = of_group(winners, row)
    others = others[others["implementation"] != row["implementation"]]
    parts = [f"{code(rows.implementation)} for {codes(rows.labels, 2)}" for rows in others.itertuples()]
    return f" Rather {', '.join(parts)}." if parts else ""
