"""The answer in sentences: what to ship, how far to trust it, and what to know first."""

from collections.abc import Mapping

import pandas as pd

from reports import units
from reports.markdown import code, codes
from reports.sections.speed.answer import FLAWS
from reports.sections.speed.by_case import of_group
from reports.sections.speed.table import SAME, group_names
from reports.sections.speed.verdicts import CHANCE, NOTICEABLE, comparisons, noise

QUIETER = "A quieter machine, or more `--seconds`, would"


def sureness(table: pd.DataFrame) -> list[str]:
    """How far to trust the answer: the noise floor, verdicts that may be chance, a busy machine; a sentence each."""
    floors, (compared, seen) = noise(table), comparisons(table)
    if floors.empty or not compared:
        return ["**There is no noise floor**: no case ran both an implementation and its baseline."]
    median, worst = floors["noise_floor"].median(), floors.iloc[0]
    baselines = codes(table.loc[table["baseline"], "implementation"].unique())
    lines = [
        f"**Noise floor: {units.percent(median)}** (median case), {units.percent(worst['noise_floor'])} (worst case, "
        f"{code(worst['case'])}). The baseline ({baselines}) was timed twice in the same rounds, and its two times "
        "differed by that much. Smaller differences are not reported.",
        f"**Chance**: {seen:,} of {units.counted(compared, 'comparison')} {'shows' if compared == 1 else 'show'} a "
        f"difference from the baseline, each at {units.share(1 - CHANCE)} confidence. Expect at most "
        f"{units.number(CHANCE * compared)} of them to be false.",
    ]
    noisy = worst["noise_floor"] > NOTICEABLE
    return [*lines, f"**The machine was noisy.** {QUIETER} resolve smaller differences."] if noisy else lines


def budgets(budget: Mapping[str, float]) -> str:
    """The error budgets: "float32 16 u, bfloat16 0.02"."""
    return ", ".join(f"{dtype} {units.budget(limit)}" for dtype, limit in budget.items())


def headlines(answer: pd.DataFrame, winners: pd.DataFrame, close_seconds: pd.DataFrame) -> list[str]:
    """The answer, a sentence for each group."""
    return [
        f"**{name}**: {_decision(row, flaw(row, close_seconds))}{_instead(row, winners)}"
        for name, (_, row) in zip(group_names(answer), answer.iterrows(), strict=True)
    ]


def claims(tally: pd.Series) -> str:
    """A tally in words, "6.4× faster in 3 of 4 cases, 2.2× slower in 1": the mean over the cases of each verdict."""
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
    """The tally of an answer in words, or "too noisy to tell" where noise may hide a faster implementation."""
    return claims(row) if pd.isna(row["rival"]) else "too noisy to tell"


def span(tally: pd.Series) -> str:
    """The lowest to the highest speed over the cases of a tally, or the interval of its only case: "0.45× to 15×"."""
    slowest, fastest = ("high", "low") if tally["compared"] == 1 else ("worst", "best")
    least, most = units.times(1 / tally[slowest]), units.times(1 / tally[fastest])
    return least if least == most else f"{least} to {most}"


def break_even(start: pd.Series) -> str:
    """When an implementation breaks even with the baseline: "at most 41,000 calls, never in 1 of 4 cases"."""
    if pd.isna(start["pays_after"]):
        return "never" if start["never"] else units.MISSING
    most = f"at most {units.calls(start['pays_after'])}" if start["pays_after"] else "at once"
    return f"{most}, never in {start['never']:.0f} of {start['ran']:.0f} cases" if start["never"] else most


def _decision(row: pd.Series, why_not: str) -> str:
    if row["cases"] == 0:
        return "nothing ran; see the failures below."
    if pd.isna(row["implementation"]):
        return "no implementation that ran every case stays within the error budget."
    facts = f"largest error {units.error(row['error_u'])}"
    if row["implementation"] != row["reference"]:
        theirs = f" ({code(str(row['reference']))}: {units.error(row['reference_error_u'])})"
        facts += theirs if pd.notna(row["reference_error_u"]) else ""
        share = units.share(row["memory"])
        peak = share if share.startswith("under") else f"at most {share}"
        facts += f", peak memory {peak} of that of {code(str(row['reference']))}" if pd.notna(row["memory"]) else ""
    part = (
        ""
        if row["ran"] == row["cases"]
        else f" No implementation ran all {row['cases']:.0f} cases; this one ran {row['ran']:.0f}."
    )
    return f"{_advice(row, why_not)}; {facts}.{part}"


def _advice(row: pd.Series, why_not: str) -> str:
    ship, reference = code(row["implementation"]), code(str(row["reference"]))
    if pd.notna(row["rival"]):
        return f"too noisy to tell {_hidden(row)}. {QUIETER} decide it; until then stay with {reference}"
    if row["implementation"] == row["reference"]:
        return f"stay with {ship}: no implementation within the error budget is seen to be faster over all cases"
    if row["compared"] == 0:
        return f"ship {ship}: the fastest; {reference} has no time to compare with"
    said, speed, which = claims(row), span(row), f", which {why_not}" if why_not else ""
    if row["compared"] == 1:
        word = "than" if row["same"] == 0 else "from"
        return f"ship {ship}: {said} {word} {reference}{which} (95 % interval of its speed: {speed})"
    return f"ship {ship}: against {reference}{which}, {said} (speed by case: {speed})"


def flaw(row: pd.Series, close_seconds: pd.DataFrame) -> str:
    """Why the baseline of a row of the answer, though faster, is not the answer: "is wrong on ordinary inputs"."""
    mine = of_group(close_seconds, row)
    whys = mine.loc[(mine["implementation"] == row["reference"]) & (mine["why"] != SAME), "why"]
    return FLAWS[whys.iloc[0]] if len(whys) else ""


def _hidden(row: pd.Series) -> str:
    time, low, high = (units.times(row[f"rival_{end}"]) for end in ("time", "low", "high"))
    rival, whose, floor = code(row["rival"]), code(str(row["reference"])), units.percent(row["noise"] - 1)
    took = f"it took {time} the time of {whose} ({low} to {high}), at a noise floor of {floor}"
    return f"whether {rival} is faster: {took}"


def _instead(row: pd.Series, winners: pd.DataFrame) -> str:
    others = of_group(winners, row)
    others = others[others["implementation"] != row["implementation"]]
    parts = [f"{code(rows.implementation)} for {codes(rows.labels, 2)}" for rows in others.itertuples()]
    return f" Instead, ship {', '.join(parts)}." if parts else ""
