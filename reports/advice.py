"""A guide's advice against "my cosine similarity is always 1", measured: what the page says of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from reports import plots, units
from reports.sections.always_one import lessons
from reports.sections.always_one.effects import LOOP, effects, outcomes
from results import load_always_one


@dataclass(frozen=True, kw_only=True)
class Loop:
    """A loop and its changes as a table."""

    name: str
    table: pd.DataFrame


def values(run: str, root: Path, folder: Path) -> dict[str, object]:
    """What the page says of the loops that a run has trained, if any. Table and picture are saved in `folder`.

    Raises:
        UnknownRun: it is not there.
    """
    trainings = load_always_one(run, root)
    if trainings.empty:
        return {"trainings": 0}
    trainings.to_csv(folder / "always_one.csv", index=False)
    rows = outcomes(trainings).merge(effects(trainings), on=LOOP, how="left")
    return {
        "trainings": len(trainings),
        "lessons": list(lessons.lessons(rows, trainings)),
        "sureness_of_advice": lessons.sureness(rows),
        "picture_of_advice": plots.draw_always_one(rows, folder) if lessons.compared(rows).any() else None,
        "loops": [
            Loop(name=lessons.title(str(loop)), table=table(some)) for loop, some in rows.groupby("loop", sort=False)
        ],
    }


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """The changes of one loop side by side."""
    columns: dict[str, Iterable[object]] = {
        "change": rows["change"].where(rows["change"] != "", "none"),
        "what": rows["what"],
        "AUC": _intervals(rows, "auc", ".3f"),
        "difference": [lessons.difference(row) for _, row in rows.iterrows()],
        "verdict": rows["verdict"].where(lessons.compared(rows), units.MISSING),
        "cosine of unlike pairs": _intervals(rows, "unlike", ".3f"),
        "effective rank": _intervals(rows, "effective_rank", ".1f"),
        "all zero": rows["zeros"].map(units.share),
        "time of a step": rows["time"].map(units.times),
        "its memory": rows["memory"].map(units.times),
        "diverged": rows["diverged"],
    }
    empty = [name for name, cells in columns.items() if not any(cell not in ("", 0, units.MISSING) for cell in cells)]
    return pd.DataFrame(columns).drop(columns=empty)


def _intervals(rows: pd.DataFrame, name: str, digits: str) -> list[str]:
    ends = zip(rows[name], rows[f"{name}_low"], rows[f"{name}_high"], strict=True)
    return [lessons.interval(middle, low, high, digits) for middle, low, high in ends]
