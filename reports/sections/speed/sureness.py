"""How far to trust the answer: the noise floor, chance, a busy machine, and what the baseline is."""

from collections.abc import Mapping

import pandas as pd

from reports import units
from reports.markdown import code, codes
from reports.sections.speed.verdicts import CHANCE, NOTICEABLE, comparisons, noise

QUIETER = "A quieter machine, or more `--seconds`, would"
AGAIN = "Let the machine be idle, and measure again"


def sureness(table: pd.DataFrame) -> list[str]:
    """The noise floor, and whether it hides much; a sentence each."""
    floors = noise(table)
    if floors.empty or not comparisons(table)[0]:
        return ["**There is no noise floor**: no case ran both an implementation and its baseline."]
    median, worst = floors["noise_floor"].median(), floors.iloc[0]
    lines = [
        f"**Noise floor: {units.percent(median)}** (median case), {units.percent(worst['noise_floor'])} (worst case, "
        f"{code(worst['case'])}). Smaller differences are not reported. Ranges in parentheses are 95 % intervals."
    ]
    noisy = worst["noise_floor"] > NOTICEABLE
    return [*lines, f"**The machine was noisy.** {QUIETER} resolve smaller differences."] if noisy else lines


def chance(table: pd.DataFrame) -> str:
    """What the noise floor is, and how many verdicts may be chance; "" without a comparison."""
    compared, seen = comparisons(table)
    if not compared:
        return ""
    baselines = codes(table.loc[table["baseline"], "implementation"].unique())
    return (
        f"The baseline ({baselines}) was timed twice in the same rounds: the noise floor is how far its two times were "
        f"apart. {seen:,} of {units.counted(compared, 'comparison')} {'shows' if compared == 1 else 'show'} a "
        f"difference from the baseline, each at {units.share(1 - CHANCE)} confidence. Expect at most "
        f"{units.number(CHANCE * compared)} of them to be false."
    )


def references(answer: pd.DataFrame) -> list[str]:
    """What the baseline is where it is not the built-in; a sentence for each such baseline."""
    if "reference_why" not in answer:
        return []
    words = {
        "asked": "The baseline is {}, as `--baseline` says.",
        "fastest": "The built-in did not run: the baseline is the fastest, {}.",
    }
    pairs = answer.dropna(subset=["reference"]).drop_duplicates(["reference", "reference_why"])
    return [
        words[why].format(code(reference))
        for reference, why in zip(pairs["reference"], pairs["reference_why"], strict=True)
        if why in words
    ]


def disturbed(table: pd.DataFrame) -> tuple[str, ...]:
    """The cases whose answer is provisional, since other work disturbed them."""
    return tuple(table.loc[table["provisional"] & (table["status"] == "ok"), "case"].unique())


def budgets(budget_u: Mapping[str, float]) -> str:
    """The error budgets: "float32 16 u, bfloat16 131,072 u"."""
    return ", ".join(f"{dtype} {units.error(limit)}" for dtype, limit in budget_u.items())
