"""The answer in sentences: what to ship, how sure that is, and what to know before."""

from collections.abc import Mapping

import pandas as pd

from reports import sections, units
from reports.claims import claims, span
from reports.markdown import code, codes
from reports.sections import CHANCE, NOTICEABLE, group_names, of_group
from results import Run

QUIETER = "A quieter machine, or more `--seconds`, would"


def sureness(table: pd.DataFrame) -> str:
    """The noise floor of a run, and how many of its verdicts are to be expected to be chance."""
    floors, (compared, seen) = sections.noise(table), sections.comparisons(table)
    if floors.empty or not compared:
        return "There is no noise floor: in no case did a contestant run beside the baseline."
    median, worst = floors["noise_floor"].median(), floors.iloc[0]
    baselines = codes(table.loc[table["baseline"], "implementation"].unique())
    noisy = f" {QUIETER} show more." if worst["noise_floor"] > NOTICEABLE else ""
    return (
        f"**Noise floor: {units.percent(median)}** in the median case, {units.percent(worst['noise_floor'])} in the "
        f"worst, {code(worst['case'])}: that far from itself was the baseline ({baselines}), entered twice. A ratio to "
        f"it is called a difference where it is further from 1, either way: in {seen:,} of "
        f"{units.counted(compared, 'comparison')}, with {units.share(1 - CHANCE)} confidence each, so that "
        f"at most {units.number(CHANCE * compared)} are to be expected by chance.{noisy}"
    )


def budgets(budget_u: Mapping[str, float]) -> str:
    """The error budgets: "float32 16 u, bfloat16 131,072 u"."""
    return ", ".join(f"{dtype} {units.error(limit)}" for dtype, limit in budget_u.items())


def headlines(answer: pd.DataFrame, winners: pd.DataFrame) -> list[str]:
    """The answer, a sentence a group."""
    return [
        f"**{name}**: {_decision(row)}{_rather(row, winners)}"
        for name, (_, row) in zip(group_names(answer), answer.iterrows(), strict=True)
    ]


def sampling(run: Run, table: pd.DataFrame) -> str:
    """In how many processes the cases ran, why their rounds ended, and how many there were; "" where none ran."""
    cases = sections.endings(table)
    if cases.empty:
        return ""
    precise = (cases["stop"] == "precision").sum()
    known = f"to ± {units.percent(run.precision)}" if run.precision else "as precisely as the grid asks for"
    spent = f"{run.seconds:g} s a contestant were spent" if run.seconds else "the time for it was spent"
    return (
        f"Each case ran in {run.processes} process{'es' if run.processes > 1 else ''} until every ratio was known "
        f"{known}, as in {precise:,} of {units.counted(len(cases), 'case')}, or {spent}; {rounds(cases['rounds'])}."
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
    if row["implementation"] != row["reference"]:
        theirs = f" ({code(str(row['reference']))}: {units.error(row['reference_error_u'])})"
        facts += theirs if pd.notna(row["reference_error_u"]) else ""
        share = units.share(row["memory"])
        peak = share if share.startswith("under") else f"at most {share}"
        facts += f", {peak} of its peak memory" if pd.notna(row["memory"]) else ""
    part = "" if row["ran"] == row["cases"] else f" Nobody ran all {row['cases']:.0f} cases; it ran {row['ran']:.0f}."
    return f"{_advice(row)}, {facts}.{part}"


def _advice(row: pd.Series) -> str:
    ship, reference = code(row["implementation"]), code(str(row["reference"]))
    if pd.notna(row["rival"]):
        return f"too noisy to tell: {_hidden(row)}. {QUIETER} tell; until then stay with {reference}"
    if row["implementation"] == row["reference"]:
        return f"stay with {ship}: nothing within the budget is seen to be faster over all cases"
    if row["compared"] == 0:
        return f"ship {ship}: the fastest; there is no time of {reference} to compare with"
    said, speed = claims(row), span(row)
    if row["compared"] == 1:
        return f"ship {ship}: {said} {'than' if row['same'] == 0 else 'from'} {reference} ({speed})"
    return f"ship {ship}: {said} ({speed} the speed of {reference})"


def _hidden(row: pd.Series) -> str:
    time, low, high = (units.times(row[f"rival_{end}"]) for end in ("time", "low", "high"))
    rival, whose, floor = code(row["rival"]), code(str(row["reference"])), units.percent(row["noise"] - 1)
    return f"at a noise floor of {floor}, {rival} may be faster, at {time} the time of {whose} ({low} to {high})"


def _rather(row: pd.Series, winners: pd.DataFrame) -> str:
    others = of_group(winners, row)
    others = others[others["implementation"] != row["implementation"]]
    parts = [f"{code(rows.implementation)} for {codes(rows.labels, 2)}" for rows in others.itertuples()]
    return f" Rather {', '.join(parts)}." if parts else ""
