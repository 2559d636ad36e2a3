"""The answer in sentences: what to ship, how sure that is, and what to know before."""

from collections.abc import Mapping

import pandas as pd

from reports import units
from reports.markdown import code, codes
from reports.sections.speed.by_case import of_group
from reports.sections.speed.table import SAME, group_names
from reports.sections.speed.verdicts import CHANCE, NOTICEABLE, comparisons, noise

QUIETER = "A quieter machine, or more `--seconds`, would"


def sureness(table: pd.DataFrame) -> list[str]:
    """How far to trust the answer: the noise floor, verdicts that may be chance, a busy machine; a sentence each."""
    floors, (compared, seen) = noise(table), comparisons(table)
    if floors.empty or not compared:
        return ["There is no noise floor: in no case did an implementation run beside the baseline."]
    median, worst = floors["noise_floor"].median(), floors.iloc[0]
    baselines = codes(table.loc[table["baseline"], "implementation"].unique())
    lines = [
        f"**Noise floor: {units.percent(median)}** (median case), {units.percent(worst['noise_floor'])} (worst case, "
        f"{code(worst['case'])}): how far the baseline ({baselines}) was from itself, entered twice. "
        "Smaller differences are not reported.",
        f"**Chance**: {seen:,} of {units.counted(compared, 'comparison')} {'shows' if compared == 1 else 'show'} a "
        f"difference, with {units.share(1 - CHANCE)} confidence each. Chance alone explains at most "
        f"{units.number(CHANCE * compared)}.",
    ]
    noisy = worst["noise_floor"] > NOTICEABLE
    return [*lines, f"**The machine was noisy.** {QUIETER} show more."] if noisy else lines


def budgets(budget_u: Mapping[str, float]) -> str:
    """The error budgets: "float32 16 u, bfloat16 131,072 u"."""
    return ", ".join(f"{dtype} {units.error(limit)}" for dtype, limit in budget_u.items())


def headlines(answer: pd.DataFrame, winners: pd.DataFrame) -> list[str]:
    """The answer, a sentence a group."""
    return [
        f"**{name}**: {_decision(row)}{_rather(row, winners)}"
        for name, (_, row) in zip(group_names(answer), answer.iterrows(), strict=True)
    ]


def claims(tally: pd.Series) -> str:
    """What a tally says: "6.4× faster in 3 of 4 cases, 2.2× slower in 1", each mean over the cases of its verdict."""
    found = {
        units.speed(tally["faster_ratio"]): tally["faster"],
        units.speed(tally["slower_ratio"]): tally["slower"],
        SAME: tally["same"],
    }
    counted = [f"{words} in {count:.0f}" for words, count in found.items() if count > 0]
    if not counted:
        return "is the baseline" if tally["compared"] else units.MISSING
    if tally["compared"] == 1:
        return counted[0].removesuffix(" in 1")
    counted[0] += f" of {tally['compared']:.0f} cases"
    return ", ".join(counted)


def against_baseline(row: pd.Series) -> str:
    """What a row of the answer says of its implementation: its tally, unless noise hides a faster one."""
    return claims(row) if pd.isna(row["rival"]) else "too noisy to tell"


def span(tally: pd.Series) -> str:
    """From the least to the most speed of a tally's cases, or the interval of its only one: "0.45× to 15×"."""
    slowest, fastest = ("high", "low") if tally["compared"] == 1 else ("worst", "best")
    least, most = units.times(1 / tally[slowest]), units.times(1 / tally[fastest])
    return least if least == most else f"{least} to {most}"


def paid(start: pd.Series) -> str:
    """When a standing breaks even with the baseline: "at most 41,000 calls, never in 1 of 4 cases"."""
    if pd.isna(start["pays_after"]):
        return "never" if start["never"] else units.MISSING
    most = f"at most {units.calls(start['pays_after'])}" if start["pays_after"] else "at once"
    return f"{most}, never in {start['never']:.0f} of {start['ran']:.0f} cases" if start["never"] else most


def _decision(row: pd.Series) -> str:
    if row["cases"] == 0:
        return "nothing ran; see the failures below."
    if pd.isna(row["implementation"]):
        return "nothing that ran every case stays within the error budget."
    facts = f"error at most {units.error(row['error_u'])}"
    if row["implementation"] != row["reference"]:
        theirs = f" ({code(str(row['reference']))}: {units.error(row['reference_error_u'])})"
        facts += theirs if pd.notna(row["reference_error_u"]) else ""
        share = units.share(row["memory"])
        peak = share if share.startswith("under") else f"at most {share}"
        facts += f", {peak} of its peak memory" if pd.notna(row["memory"]) else ""
    part = (
        ""
        if row["ran"] == row["cases"]
        else f" No implementation ran all {row['cases']:.0f} cases; this one ran {row['ran']:.0f}."
    )
    return f"{_advice(row)}, {facts}.{part}"


def _advice(row: pd.Series) -> str:
    ship, reference = code(row["implementation"]), code(str(row["reference"]))
    if pd.notna(row["rival"]):
        return f"too noisy to tell: {_hidden(row)}. {QUIETER} tell; until then stay with {reference}"
    if row["implementation"] == row["reference"]:
        return f"stay with {ship}: nothing within the budget is seen to be faster over all cases"
    if row["compared"] == 0:
        return f"ship {ship}: the fastest; {reference} has no time to compare with"
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
