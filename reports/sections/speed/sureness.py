"""How far to trust the answer: the noise floor, chance, and a busy machine."""

from collections.abc import Collection, Mapping

import pandas as pd

from reports import units
from reports.markdown import code
from reports.sections.speed.verdicts import CHANCE, NOTICEABLE, comparisons, noise

QUIETER = "A quieter machine, or more `--seconds`, would"
AGAIN = "Let the machine be idle, and measure again"


def sureness(table: pd.DataFrame) -> list[str]:
    """The noise floor, and whether it hides much; a sentence each."""
    floors = noise(table)
    if floors.empty or not comparisons(table)[0]:
        return ["**There is no noise floor**: in no case were two implementations timed, one of them twice."]
    median, worst = floors["noise_floor"].median(), floors.iloc[0]
    lines = [
        f"**Noise floor: {units.percent(median)}** (median case), {units.percent(worst['noise_floor'])} (worst case, "
        f"{code(worst['case'])}). Smaller differences are not reported. Ranges in parentheses are 95 % intervals."
    ]
    if few := int(table["flags"].str.contains("few_rounds", regex=False).sum()):
        lines.append(
            f"**{units.counted(few, 'record')} had few rounds.** Fewer than 6 pairs have no interval: a range there "
            "goes from the least ratio over 1.5 to 1.5 times the largest."
        )
    noisy = worst["noise_floor"] > NOTICEABLE
    return [*lines, f"**The machine was noisy.** {QUIETER} resolve smaller differences."] if noisy else lines


def chance(table: pd.DataFrame) -> str:
    """What the noise floor is, and how many verdicts may be chance; "" without a comparison."""
    compared, seen = comparisons(table)
    if not compared:
        return ""
    return (
        "One implementation of each case was timed twice in the same rounds: the noise floor is how far its two times "
        f"were apart. {seen:,} of {units.counted(compared, 'comparison')} {'shows' if compared == 1 else 'show'} a "
        f"difference from the baseline, each at {units.share(1 - CHANCE)} confidence. Expect at most "
        f"{units.number(CHANCE * compared)} of them to be false."
    )


def disturbed(table: pd.DataFrame) -> tuple[str, ...]:
    """The cases whose answer is provisional, since other work disturbed them."""
    return tuple(table.loc[table["provisional"] & (table["status"] == "ok"), "case"].unique())


def budgets(budget: Mapping[str, float], dtypes: Collection[str]) -> str:
    """The error budgets of these dtypes: "float32 16 u (9.5e-7), bfloat16 0.02"; "0.001 in every dtype"."""
    if len({*budget.values()}) == 1:
        return f"{units.budget(next(iter(budget.values())))} in every dtype"
    return ", ".join(f"{dtype} {units.budget(limit)}" for dtype, limit in budget.items() if dtype in dtypes)
