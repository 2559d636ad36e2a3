"""Which advice against "my cosine similarity is always 1" helps, and which doesn't."""

import math
from collections.abc import Iterable, Iterator

import pandas as pd

from reports import units
from reports.markdown import code, codes, escape
from reports.sections.always_one.effects import (
    BEFORE,
    CODE,
    FALSE,
    HELPS,
    HURTS,
    NO_TRAINING,
    NOTICEABLE,
    SAME,
    UNCLEAR,
)

AS_WRITTEN, CORRECT = "as_written", "correct_code"
TITLES = {AS_WRITTEN: "the loop as written", CORRECT: "correct code", NO_TRAINING: "no training"}
HIGHEST = 1 / (1 + math.exp(-1))
"""The sigmoid of 1: the sigmoid of a cosine lies between 1 - HIGHEST and HIGHEST."""
ONE = 0.99
NAMES = 20
MOSTLY = 0.5
"""From this share of all-zero vectors on, a loop has lost its vectors."""


def lessons(rows: pd.DataFrame, trainings: pd.DataFrame) -> Iterator[str]:
    """The findings of the loops, a line of Markdown each; changes that were not trained are left out."""
    yield from _ends(rows)
    yield from _still_one(rows)
    yield from _effects(rows, CORRECT, rows["advice"] == "fault", "one fault put back")
    yield from _effects(rows, AS_WRITTEN, rows["advice"] == "repair", "one repair")
    for loop in (AS_WRITTEN, CORRECT):
        yield from _effects(rows, loop, ~rows["advice"].isin([*CODE, ""]), "one piece of advice")
    yield from _low_cosines(rows)
    yield from _detach(rows)
    yield from _floor(trainings)


def sureness(rows: pd.DataFrame) -> str:
    """How far to trust the differences; "" where nothing was compared."""
    changes = rows[compared(rows)]
    if changes.empty:
        return ""
    return (
        "AUC: how well the cosine separates unseen alike pairs (of one class) from unlike pairs (of two classes); 0.5 "
        "is guessing, 1 is perfect. The effective rank is the number of dimensions that the vectors use. "
        f"Differences in AUC are paired over {units.counted(changes['seeds'].max(), 'seed')}. Their intervals are "
        f"Student's t at {changes['confidence'].iloc[0] * 100:.3g} %, adjusted for "
        f"{units.counted(len(changes), 'comparison')} by Benjamini and Hochberg's procedure: at most "
        f"{units.share(FALSE)} of the differences found are expected to be false. *{SAME}*: the interval is within "
        f"± {NOTICEABLE}. *{UNCLEAR}*: the interval is wider and contains 0. All other intervals are at 95 %. "
        "The loop as written (*none*) is compared with the untrained network, and correct code with the loop as "
        "written. A seed sets the split, the initial weights and the order of the images of one small data set. The "
        "intervals cover no other variation."
    )


def compared(rows: pd.DataFrame) -> pd.Series:
    """Whether a row has a change and a difference."""
    return (rows["change"] != "") & rows["low"].notna()


def title(loop: str) -> str:
    """A loop in words."""
    words = TITLES.get(loop, loop)
    return words[:1].upper() + words[1:]


def interval(middle: float, low: float, high: float, digits: str) -> str:
    """A number and its interval: 0.744 (0.691 to 0.797)."""
    if math.isnan(middle):
        return units.MISSING
    return f"{middle:{digits}}" + ("" if math.isnan(low) else f" ({low:{digits}} to {high:{digits}})")


def difference(row: pd.Series) -> str:
    """The effect of a change on the AUC: +0.078 (+0.051 to +0.105)."""
    return interval(row["difference"], row["low"], row["high"], "+z.3f")


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """The changes of one loop as a table."""
    columns: dict[str, Iterable[object]] = {
        "change": rows["change"].where(rows["change"] != "", "none"),
        "what it does": rows["what"],
        "AUC": _intervals(rows, "auc", ".3f"),
        "difference in AUC": [difference(row) for _, row in rows.iterrows()],
        "verdict": rows["verdict"].where(compared(rows), units.MISSING),
        "mean cosine of unlike pairs": _intervals(rows, "unlike", ".3f"),
        "effective rank": _intervals(rows, "effective_rank", ".1f"),
        "vectors all zero": rows["zeros"].map(units.share),
        "step time": rows["time"].map(_step_time),
        "step memory, relative": rows["memory"].map(units.times),
        "diverged runs": rows["diverged"],
    }
    empty = [name for name, cells in columns.items() if not any(cell not in ("", 0, units.MISSING) for cell in cells)]
    return pd.DataFrame(columns).drop(columns=empty)


def _step_time(ratio: float) -> str:
    """How much faster or slower a step is; a few per cent are noise."""
    return "within 10 %" if 1 / 1.1 < ratio < 1.1 else units.speed(ratio)


def _ends(rows: pd.DataFrame) -> Iterator[str]:
    for _, row in rows[(rows["change"] == "") & rows["auc"].notna()].iterrows():
        other = TITLES[BEFORE[row["loop"]][0]] if row["loop"] in BEFORE else ""
        against = "" if math.isnan(row["low"]) else f"; against {other}: {difference(row)}, {row['verdict']}"
        yield f"**{escape(title(row['loop']))}** ends at {_state(row)}{against}."
    untrained = rows[rows["loop"] == NO_TRAINING]
    if parts := [f"{code(row['change'])} has {_state(row)}" for _, row in untrained.iterrows()]:
        yield f"**Without training**: {'; '.join(parts)}."


def _still_one(rows: pd.DataFrame) -> Iterator[str]:
    for loop in (AS_WRITTEN, CORRECT):
        changed = rows[(rows["loop"] == loop) & (rows["change"] != "") & rows["unlike"].notna()]
        still = changed.loc[changed["unlike"] > ONE, "change"]
        if len(still):
            yield (
                f"**Still 1** (mean cosine of unlike pairs above {ONE}) in {TITLES[loop]} with {len(still)} of "
                f"{units.counted(len(changed), 'single change')}: {codes(still, NAMES)}."
            )


def _effects(rows: pd.DataFrame, loop: str, which: pd.Series, change: str) -> Iterator[str]:
    rows = rows[(rows["loop"] == loop) & which & compared(rows)].sort_values("difference", ascending=False)
    parts = []
    for verdict in (HELPS, HURTS, SAME, UNCLEAR):
        some = rows[rows["verdict"] == verdict]
        some = some[::-1] if verdict == HURTS else some
        seen = verdict in (HELPS, HURTS)
        if named := [code(row["change"]) + (f" {difference(row)}" if seen else "") for _, row in some.iterrows()]:
            parts.append(f"*{verdict}*: {', '.join(named)}")
    if parts:
        yield f"**{title(loop)} with {change}**, difference in AUC: {'; '.join(parts)}."


def _low_cosines(rows: pd.DataFrame) -> Iterator[str]:
    dead = rows[rows["zeros"] > MOSTLY].sort_values("auc")
    if len(dead):
        worst = dead.iloc[0]
        yield (
            f"**A low cosine is no cure.** In {len(dead)} of {units.counted(len(rows), 'loop')} most vectors end up "
            f"all zero, so their cosine with any vector is 0. The worst is {code(worst['change'] or 'none')} in "
            f"{escape(TITLES.get(worst['loop'], worst['loop']))}, with {_state(worst)}."
        )


def _detach(rows: pd.DataFrame) -> Iterator[str]:
    """The guide blames a detached vector; a vector from the step before is the fault."""
    own = rows[(rows["loop"] == AS_WRITTEN) & (rows["change"] == "") & rows["second_cosine"].notna()]
    changed = rows[(rows["loop"] == CORRECT) & compared(rows)]
    detached, carried = (changed[changed["change"] == f"{name}_vectors"] for name in ("detached", "carried"))
    if own.empty or detached.empty or carried.empty:
        return
    first, second = own[["first_cosine", "second_cosine"]].iloc[0]
    effect = [f"{difference(row)}, {row['verdict']}" for row in (detached.iloc[0], carried.iloc[0])]
    yield (
        f"**{code('vector2 = vector1.detach()')} does not compare a vector with itself.** The mean cosine of the pairs "
        f"is {first:.4f} in step 0, where {code('image2 = image1')}, and {second:.4f} in step 1. In correct code, "
        f"detaching a fresh vector changes the AUC by {effect[0]}. Reusing a vector of the step before changes it by "
        f"{effect[1]}."
    )


def _floor(trainings: pd.DataFrame) -> Iterator[str]:
    lowest = trainings[(trainings["loop"] == AS_WRITTEN) & (trainings["change"] == "")]["lowest_loss"].min()
    if not math.isnan(lowest):
        yield (
            f"**The guide's loss has a floor**: the sigmoid of a cosine lies in [{1 - HIGHEST:.3f}, {HIGHEST:.3f}], "
            f"so its BCE is at least {-math.log(HIGHEST):.4f} for any pair. The lowest loss seen is {lowest:.4f}."
        )


def _state(row: pd.Series) -> str:
    return (
        f"AUC {interval(row['auc'], row['auc_low'], row['auc_high'], '.3f')}, mean cosine of unlike pairs "
        f"{row['unlike']:.3f}, effective rank {row['effective_rank']:.1f}"
    )


def _intervals(rows: pd.DataFrame, name: str, digits: str) -> list[str]:
    ends = zip(rows[name], rows[f"{name}_low"], rows[f"{name}_high"], strict=True)
    return [interval(middle, low, high, digits) for middle, low, high in ends]
