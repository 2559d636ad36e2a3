"""The page that shows the rates: docs/validity.md."""

import math
from collections.abc import Sequence

import pandas as pd

from suites.record import Environment
from suites.validity.figures import Figure

_HEAD = """# How often is it wrong?

Two functions, identical or with B slower by an exactly known 1, 2, 5 or 10 %, compared by our paired rounds and by
what people use. Each cell is a share of trials, with its 95 % interval by Clopper and Pearson. Identical functions
that are called different are false alarms; a planted slowdown that is seen, as a slowdown, is power.

Measured on {cpu}, {cores} cores, torch {torch}, one thread: by our rounds {identical} trials of identical functions
a cell and {planted} of each slowdown, by the methods of others, whose rates are far from 0 and 1, {others}. Each
method has {seconds:g} s a pair. On the loaded machine a second process multiplies matrices without pause. Again on your
machine: `python -m suites.validity --trials {identical} --seconds {seconds:g}`.
The numbers are in [validity.csv](validity.csv).
"""


def page(table: pd.DataFrame, figures: Sequence[Figure], environment: Environment, seconds: float) -> str:
    """The whole page, Markdown."""
    ours, planted = table["method"].str.startswith("ours"), table["slowdown"] > 0
    parts = [
        _HEAD.format(
            cpu=environment.cpu,
            cores=environment.cores,
            torch=environment.torch,
            identical=_fewest(table[ours & ~planted]),
            planted=_fewest(table[ours & planted]),
            others=_fewest(table[~ours]),
            seconds=seconds,
        )
    ]
    parts += ["## Figures\n", pd.DataFrame(figures).to_markdown(index=False) + "\n"]
    for (machine, calls), cell in table.groupby(["machine", "calls"], sort=False):
        parts += [f"## {calls} calls, {machine} machine\n", seen(cell).to_markdown() + "\n"]
    parts += ["## Ratios, intervals, seconds\n", quality(table).to_markdown(index=False) + "\n"]
    return "\n".join(parts)


def _fewest(cells: pd.DataFrame) -> int:
    return int(cells["trials"].min())


def seen(cell: pd.DataFrame) -> pd.DataFrame:
    """Methods by slowdowns: the share in which a difference was seen."""
    text = cell.assign(
        share=_shares(cell, "seen"),
        column=cell["slowdown"].map(lambda s: "identical: false alarms" if s == 0 else f"+{s:.0%}: seen"),
    )
    shown = text.pivot(index="method", columns="column", values="share")
    return shown[text["column"].drop_duplicates().tolist()].fillna("")


def quality(table: pd.DataFrame) -> pd.DataFrame:
    """How far the estimated ratio is off, how often the interval holds the truth, how long a pair takes."""
    rows = pd.DataFrame(
        {
            "calls": table["calls"],
            "machine": table["machine"],
            "slowdown": table["slowdown"].map("{:.0%}".format),
            "method": table["method"],
            "error of the ratio, median": table["error_median"].map("{:.2%}".format),
            "interval holds the truth": _shares(table, "coverage"),
            "seconds a pair": table["seconds_median"].map("{:.2g}".format),
        }
    )
    return rows.sort_values("method", key=lambda method: ~method.str.startswith("ours"), kind="stable")


def _shares(table: pd.DataFrame, column: str) -> list[str]:
    """Each share with its interval, in percent; "" where there is none."""
    columns = table[[column, f"{column}_low", f"{column}_high"]].to_numpy() * 100
    return ["" if math.isnan(share) else f"{share:.3g} % ({low:.3g} to {high:.3g})" for share, low, high in columns]
