"""Sections as people read them: sentences, and tables whose cells have units."""

import textwrap
from collections.abc import Mapping

import pandas as pd

from reports import units
from reports.markdown import code, codes
from reports.sections import AS_FAST, group_names, of_group

LONGEST_REASON = 300


def budgets(budget_u: Mapping[str, float]) -> str:
    """The error budgets: "float32 16 u, bfloat16 131,072 u"."""
    return ", ".join(f"{dtype} {units.error(limit)}" for dtype, limit in budget_u.items())


def headlines(answer: pd.DataFrame, close_seconds: pd.DataFrame, winners: pd.DataFrame) -> list[str]:
    """The answer, a sentence a group, with those that are as fast and those that suit some sizes better."""
    as_fast = close_seconds[close_seconds["why"] == AS_FAST]
    return [
        f"**{name}**: {_decision(row, list(of_group(as_fast, row)['implementation']))}{_rather(row, winners)}"
        for name, (_, row) in zip(group_names(answer), answer.iterrows(), strict=True)
    ]


def answers(answer: pd.DataFrame) -> pd.DataFrame:
    """The answer as a table."""
    rows = answer.dropna(subset=["implementation"])
    return pd.DataFrame(
        {
            "cases": group_names(answer)[rows.index],
            "fastest within the budget": rows["implementation"],
            "against the built-in": _speeds(rows),
            "speed, least to most": _ranges(rows),
            "peak memory of the built-in's": rows["memory"].map(units.share),
            "largest error": rows["error_u"].map(units.error),
            "budget": rows["budget_u"].map(units.error),
            "ran": _counts(rows),
        }
    )


def close_seconds(rows: pd.DataFrame) -> pd.DataFrame:
    """Who was faster, and why it is not the answer."""
    rows = rows[rows["why"] != AS_FAST]
    return pd.DataFrame(
        {
            "cases": group_names(rows),
            "implementation": rows["implementation"],
            "why not": rows["why"],
            "against the answer": [units.speed(factor, factor, factor) for factor in rows["against_answer"]],
            "against the built-in": _speeds(rows),
            "largest error": rows["error_u"].map(units.error),
            "budget": rows["budget_u"].map(units.error),
            "ran": _counts(rows),
        }
    )


def winners(rows: pd.DataFrame) -> pd.DataFrame:
    """Who wins which shapes."""
    return pd.DataFrame(
        {
            "cases": group_names(rows),
            "fastest": rows["implementation"],
            "speed, least to most": _ranges(rows),
            "shapes": rows["labels"],
        }
    )


def failures(rows: pd.DataFrame) -> pd.DataFrame:
    """What did not end well."""
    return pd.DataFrame(
        {
            "status": rows["status"].str.replace("_", " "),
            "why": [textwrap.shorten(reason, LONGEST_REASON, placeholder=" …") for reason in rows["reason"]],
            "records": rows["records"],
            "implementations": rows["implementations"],
            "cases": rows["cases"],
        }
    )


def operators(rows: pd.DataFrame) -> pd.DataFrame:
    """Where the time and the memory of one case went."""
    return pd.DataFrame(
        {
            "implementation": rows["implementation"],
            "operator": rows["operator"],
            "calls": rows["calls"],
            "own time": rows["self_s"].map(units.seconds),
            "share": rows["share"].map(units.share),
            "allocated": rows["allocated_bytes"].map(units.size),
        }
    )


def phases(rows: pd.DataFrame) -> pd.DataFrame:
    """What the wall time went to."""
    return pd.DataFrame(
        {
            "phase": rows["phase"],
            "time": rows["seconds"].map(units.seconds),
            "share": rows["share"].map(units.share),
        }
    )


def _decision(row: pd.Series, as_fast: list[str]) -> str:
    if pd.isna(row["implementation"]):
        return "nothing that ran stays within the error budget."
    facts = f"error at most {units.error(row['error_u'])}"
    if row["implementation"] != row["builtin"]:
        facts += f" (the built-in: {units.error(row['builtin_error_u'])})" if pd.notna(row["builtin_error_u"]) else ""
        facts += f", {units.share(row['memory'])} of its peak memory" if pd.notna(row["memory"]) else ""
    part = "" if row["ran"] == row["cases"] else f" Nobody ran all {row['cases']:.0f} cases; it ran {row['ran']:.0f}."
    others = [name for name in as_fast if name != row["builtin"]]
    also = f" As fast: {codes(others)}." if others else ""
    return f"{_advice(row, stay=row['builtin'] in as_fast)}, {facts}.{part}{also}"


def _advice(row: pd.Series, stay: bool) -> str:
    ship, builtin = code(row["implementation"]), code(str(row["builtin"]))
    if row["implementation"] == row["builtin"]:
        return f"ship {ship}: nothing within the budget is faster"
    if pd.isna(row["ratio"]):
        return f"ship {ship}: the fastest; the built-in has no time to compare with"
    seen = units.speed(row["ratio"], row["ratio_low"], row["ratio_high"])
    over = f" ({_range(row['best'], row['worst'])} its speed over {row['compared']:.0f} cases)"
    over = over if row["compared"] > 1 else ""
    if stay:
        return f"stay with {builtin}: {seen} between it and the fastest, {ship}{over}"
    return f"ship {ship}: {seen} {'than' if seen[0].isdigit() else 'from'} {builtin}{over}"


def _rather(row: pd.Series, winners: pd.DataFrame) -> str:
    others = of_group(winners, row)
    others = others[others["implementation"] != row["implementation"]]
    parts = [f"{code(rows.implementation)} for {codes(rows.labels, 2)}" for rows in others.itertuples()]
    return f" Rather {', '.join(parts)}." if parts else ""


def _range(best: float, worst: float) -> str:
    least, most = units.times(1 / worst), units.times(1 / best)
    return least if least == most else f"{least} to {most}"


def _ranges(rows: pd.DataFrame) -> list[str]:
    return [_range(best, worst) for best, worst in zip(rows["best"], rows["worst"], strict=True)]


def _speeds(rows: pd.DataFrame) -> list[str]:
    columns = rows[["ratio", "ratio_low", "ratio_high", "baseline"]].itertuples(index=False)
    return ["is the built-in" if row.baseline else units.speed(*row[:3]) for row in columns]


def _counts(rows: pd.DataFrame) -> list[str]:
    return [f"{ran:.0f} of {cases:.0f}" for ran, cases in zip(rows["ran"], rows["cases"], strict=True)]
