"""The answer with a line for each winner, for a summary of many cases."""

import pandas as pd

from reports import units
from reports.markdown import code, codes, escape
from reports.sections.speed.claims import IS_BASELINE, doubted, prepared_once
from reports.sections.speed.references import fastest, is_fastest
from reports.sections.speed.table import FASTER, SAME, SLOWER, group_names

WINNERS, PLACES, LABELS = 4, 4, 2
"""How many winners have a line, and how many groups and shapes it names."""


def by_winner(shapes: pd.DataFrame) -> list[str]:
    """What to use where, a line of Markdown each: "`x` for 64x256, 1024x256: 2.1× to 5× faster than `builtin`".

    The winners of most cases come first. `shapes` are the rows of `by_shape`.
    """
    won = shapes.assign(place=group_names(shapes))
    names = list(won.groupby("implementation", sort=False).size().sort_values(ascending=False, kind="stable").index)
    lines = [_line(name, won) for name in names[:WINNERS]]
    lines += [f"{codes(names[WINNERS:])} for the rest: see the report."] if len(names) > WINNERS else []
    none = won[won["implementation"].isna()]
    return [*lines, f"Nothing is within the error budget for {_where(none, won)}."] if len(none) else lines


def _line(name: str, won: pd.DataFrame) -> str:
    mine = won[won["implementation"] == name]
    facts = [doubted(_how(mine), bool(mine["provisional"].any())), prepared_once(mine)]
    facts.append(f"largest error {units.absolute(mine['error_u'].max())}")
    return f"{code(name)} for {_where(mine, won)}: {', '.join(filter(None, facts))}."


def _where(rows: pd.DataFrame, won: pd.DataFrame) -> str:
    """The groups of these rows, each with its shapes: "paired, float32, cpu (64x256, 1024x256)"."""
    if len(rows) == len(won):
        return f"all {len(won)} cases"
    sizes = won["place"].value_counts()
    parts = [
        escape(str(place)) if len(here) == sizes[place] else f"{escape(str(place))} ({codes(here['label'], LABELS)})"
        for place, here in rows.groupby("place", sort=False)
    ]
    more = f" and {len(parts) - PLACES} more" if len(parts) > PLACES else ""
    return "; ".join(parts[:PLACES]) + more


def _how(mine: pd.DataFrame) -> str:
    """How the winner of these cases compares with their baselines."""
    one, others = mine.iloc[0], mine[mine["implementation"] != mine["reference"]]
    if others.empty:
        if is_fastest(one):
            return f"{fastest(mine)}; no baseline was timed"
        noisy = mine["rival"].notna().sum()
        return IS_BASELINE + (f" (too noisy to tell in {noisy} of {units.counted(len(mine), 'case')})" if noisy else "")
    seen = others[others["verdict"].isin([FASTER, SLOWER])]
    if seen.empty:
        return SAME if others["ratio"].notna().any() else "the fastest; its baseline has no time"
    return f"{units.speeds(seen['ratio'].max(), seen['ratio'].min())} than {codes(seen['reference'].unique())}"
