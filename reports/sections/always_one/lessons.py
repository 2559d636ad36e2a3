"""Which advice against "my cosine similarity is always 1" helps and which doesn't."""

import math
from collections.abc import Iterable, Iterator

import pandas as pd

from reports import units
from reports.markdown import code, codes, escape
from reports.sections.always_one.effects import BEFORE, CODE, FALSE, HELPS, HURTS, NO_TRAINING, NOTICEABLE, SAME, UNTOLD

AS_WRITTEN, CORRECT = "as_written", "correct_code"
TITLES = {AS_WRITTEN: "the loop as it is written", CORRECT: "correct code", NO_TRAINING: "no training"}
HIGHEST = 1 / (1 + math.exp(-1))
"""The sigmoid of 1: that of a cosine lies between 1 minus it, and it."""
ONE = 0.99
NAMES = 20
MOSTLY = 0.5
"""From this share of zero vectors on, a low cosine means nothing."""


def lessons(rows: pd.DataFrame, trainings: pd.DataFrame) -> Iterator[str]:
    """The results of the loops that were trained, a line of Markdown each."""
    yield from _ends(rows)
    yield from _still_one(rows)
    yield from _told(rows, CORRECT, rows["advice"] == "fault", "Each fault of the code put back alone into")
    yield from _told(rows, AS_WRITTEN, rows["advice"] == "repair", "Each repair alone in")
    for loop in (AS_WRITTEN, CORRECT):
        yield from _told(rows, loop, ~rows["advice"].isin([*CODE, ""]), "Advice, each alone in")
    yield from _low_cosines(rows)
    yield from _detach(rows)
    yield from _floor(trainings)


def sureness(rows: pd.DataFrame) -> str:
    """How sure the differences are; "" where nothing was compared."""
    told = rows[compared(rows)]
    if told.empty:
        return ""
    return (
        "AUC: how well the cosine separates positive from negative pairs of unseen images; 0.5 is guessing, 1 perfect. "
        f"Differences are paired over {units.counted(told['seeds'].max(), 'seed')}, with Student's t intervals of "
        f"{told['confidence'].iloc[0] * 100:.3g} %. At that confidence an interval excludes 0 where the "
        f"Benjamini-Hochberg procedure over {units.counted(len(told), 'comparison')} finds a difference; at most "
        f"{units.share(FALSE)} of these are expected to be false. *{SAME}* is within ± {NOTICEABLE}. All other "
        "intervals have 95 %. The loop as it is written (*none*) is compared with the untrained network, and correct "
        "code with the loop as it is written. A seed is a split, initial weights and an order of the images of one "
        "small data set. The intervals cover nothing else."
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
    """What a change makes of the AUC: +0.078 (+0.051 to +0.105)."""
    return interval(row["difference"], row["low"], row["high"], "+z.3f")


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """The changes of one loop side by side."""
    columns: dict[str, Iterable[object]] = {
        "change": rows["change"].where(rows["change"] != "", "none"),
        "what": rows["what"],
        "AUC": _intervals(rows, "auc", ".3f"),
        "difference": [difference(row) for _, row in rows.iterrows()],
        "verdict": rows["verdict"].where(compared(rows), units.MISSING),
        "cosine of negative pairs": _intervals(rows, "unlike", ".3f"),
        "effective rank": _intervals(rows, "effective_rank", ".1f"),
        "all zero": rows["zeros"].map(units.share),
        "time of a step": rows["time"].map(units.times),
        "its memory": rows["memory"].map(units.times),
        "diverged": rows["diverged"],
    }
    empty = [name for name, cells in columns.items() if not any(cell not in ("", 0, units.MISSING) for cell in cells)]
    return pd.DataFrame(columns).drop(columns=empty)


def _ends(rows: pd.DataFrame) -> Iterator[str]:
    for _, row in rows[(rows["change"] == "") & rows["auc"].notna()].iterrows():
        other = TITLES[BEFORE[row["loop"]][0]] if row["loop"] in BEFORE else ""
        against = "" if math.isnan(row["low"]) else f"; against {other}: AUC {difference(row)}, {row['verdict']}"
        yield f"**{escape(title(row['loop']))}** ends with {_state(row)}{against}."
    untrained = rows[rows["loop"] == NO_TRAINING]
    if told := [f"{code(row['change'])} with {_state(row)}" for _, row in untrained.iterrows()]:
        yield f"Without training: {'; '.join(told)}."


def _still_one(rows: pd.DataFrame) -> Iterator[str]:
    for loop in (AS_WRITTEN, CORRECT):
        changed = rows[(rows["loop"] == loop) & (rows["change"] != "") & rows["unlike"].notna()]
        still = changed.loc[changed["unlike"] > ONE, "change"]
        if len(still):
            yield (
                f"**Still 1** (the cosine of negative pairs is above {ONE}) in {TITLES[loop]} with {len(still)} of "
                f"{units.counted(len(changed), 'change')}, each alone: {codes(still, NAMES)}."
            )


def _told(rows: pd.DataFrame, loop: str, which: pd.Series, lead: str) -> Iterator[str]:
    rows = rows[(rows["loop"] == loop) & which & compared(rows)].sort_values("difference", ascending=False)
    told = []
    for verdict in (HELPS, HURTS, SAME, UNTOLD):
        some = rows[rows["verdict"] == verdict]
        some = some[::-1] if verdict == HURTS else some
        seen = verdict in (HELPS, HURTS)
        if parts := [code(row["change"]) + (f" {difference(row)}" if seen else "") for _, row in some.iterrows()]:
            told.append(f"*{verdict}*: {', '.join(parts)}")
    if told:
        yield f"**{lead} {TITLES[loop]}**: {'; '.join(told)}."


def _low_cosines(rows: pd.DataFrame) -> Iterator[str]:
    dead = rows[rows["zeros"] > MOSTLY].sort_values("auc")
    if len(dead):
        worst = dead.iloc[0]
        yield (
            f"**A low cosine is no cure.** In {units.counted(len(dead), 'loop')} of {len(rows)} most vectors end as "
            f"all zero, with a cosine of 0 to everything: {code(worst['change'] or 'none')} in "
            f"{escape(TITLES.get(worst['loop'], worst['loop']))} has {_state(worst)}."
        )


def _detach(rows: pd.DataFrame) -> Iterator[str]:
    """What the guide blames, and what it should."""
    own = rows[(rows["loop"] == AS_WRITTEN) & (rows["change"] == "") & rows["second_cosine"].notna()]
    changed = rows[(rows["loop"] == CORRECT) & compared(rows)]
    detached, carried = (changed[changed["change"] == f"{name}_vectors"] for name in ("detached", "carried"))
    if own.empty or detached.empty or carried.empty:
        return
    first, second = own[["first_cosine", "second_cosine"]].iloc[0]
    worth = [f"AUC {difference(row)}, {row['verdict']}" for row in (detached.iloc[0], carried.iloc[0])]
    yield (
        f"**{code('vector2 = vector1.detach()')} does not compare a vector with itself**: the pairs of step 0, where "
        f"{code('image2 = image1')}, have a mean cosine of {first:.4f}, those of step 1 one of {second:.4f}. In "
        f"correct code, to detach a fresh vector: {worth[0]}. To carry over one that the weights of a step ago have "
        f"made: {worth[1]}."
    )


def _floor(trainings: pd.DataFrame) -> Iterator[str]:
    lowest = trainings[(trainings["loop"] == AS_WRITTEN) & (trainings["change"] == "")]["lowest_loss"].min()
    if not math.isnan(lowest):
        yield (
            f"**The guide's loss has a floor**: the sigmoid of a cosine lies in [{1 - HIGHEST:.3f}, {HIGHEST:.3f}], "
            f"and its BCE is never below {-math.log(HIGHEST):.4f} for any pair; the lowest seen is {lowest:.4f}."
        )


def _state(row: pd.Series) -> str:
    return (
        f"a cosine of negative pairs of {row['unlike']:.3f}, an effective rank of {row['effective_rank']:.1f} and an "
        f"AUC of {interval(row['auc'], row['auc_low'], row['auc_high'], '.3f')}"
    )


def _intervals(rows: pd.DataFrame, name: str, digits: str) -> list[str]:
    ends = zip(rows[name], rows[f"{name}_low"], rows[f"{name}_high"], strict=True)
    return [interval(middle, low, high, digits) for middle, low, high in ends]
