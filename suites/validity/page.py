"""The page of the rates: docs/figures/validity.md."""

import math
from collections.abc import Iterable, Mapping

import pandas as pd

from suites.records.record import Environment
from suites.validity.methods import LONG_S, LONGER, OURS

_HEAD = """# How often are verdicts wrong?

We compare two functions, A and B, by our paired rounds and by common benchmarking tools. B is identical to A, or
slower by exactly 1, 2, 5 or 10 %. A false alarm calls identical functions different. Power is the share of planted
slowdowns that are reported. Each cell gives a share of trials with its 95 % Clopper-Pearson interval.

Measured on {cpu}, {cores} cores, torch {torch}, one thread. Our rounds have {identical} trials of identical functions
per cell and {planted} of each slowdown; the other methods have {others}, since their rates are far from 0 and 1. Each
method gets {seconds:g} s per pair. On the loaded machine a second process multiplies matrices all the time.
To repeat it on your machine: `python -m suites.validity --trials {identical} --seconds {seconds:g}`.
The numbers are in [validity.csv](validity.csv).
"""


def page(
    table: pd.DataFrame, properties: Iterable[Mapping[str, object]], environment: Environment, seconds: float
) -> str:
    """The whole page in Markdown; `properties` have the keys figure, goal and measured."""
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
    parts += ["## In short\n", summary(table).to_markdown(index=False) + "\n"]
    parts += [pd.DataFrame(list(properties)).to_markdown(index=False) + "\n"]
    for (machine, calls), cell in table.groupby(["machine", "calls"], sort=False):
        parts += [f"## {calls} calls, {machine} machine\n", seen(cell).to_markdown() + "\n"]
    parts += ["## Ratios, intervals, seconds\n", quality(table).to_markdown(index=False) + "\n"]
    return "\n".join(parts)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Our goals with the measured values for each call length, and the range of the other methods."""
    ours, longer = (table[table["method"] == method] for method in (OURS, LONGER))
    others = table[~table["method"].str.startswith("ours")]
    fixed = others[others["method"].str.endswith("5 %")]
    quiet, loaded, one, two = "machine == 'quiet'", "machine == 'loaded'", "slowdown == 0.01", "slowdown == 0.02"
    rows = [
        ("identical, called different", "≤ 1 %", ours.query("slowdown == 0"), others.query("slowdown == 0"), "seen"),
        ("+2 % seen, quiet", "≥ 95 %", ours.query(quiet).query(two), fixed.query(quiet).query(two), "seen"),
        ("+2 % seen, loaded", "≥ 80 %", ours.query(loaded).query(two), fixed.query(loaded).query(two), "seen"),
        (f"+1 % seen in {LONG_S:g} s, quiet", "≥ 90 %", longer.query(one), fixed.query(quiet).query(one), "seen"),
        ("median error of the ratio", "≤ 0.3 %", ours, others, "error_median"),
        ("the 95 % interval holds the truth", "93 to 97 %", ours, others, "coverage"),
    ]
    return pd.DataFrame(
        [(what, goal, _by_length(mine, column), _range(theirs[column])) for what, goal, mine, theirs, column in rows],
        columns=["", "goal", "ours", "others"],
    )


def _by_length(cells: pd.DataFrame, column: str) -> str:
    return "; ".join(f"{calls}: {_range(of_one[column])}" for calls, of_one in cells.groupby("calls", sort=False))


def _range(values: pd.Series) -> str:
    """Minimum and maximum in percent; "" if there are no values."""
    percents = list(dict.fromkeys(f"{value:.3g}" for value in (values.min() * 100, values.max() * 100)))
    return "" if values.isna().all() else " to ".join(percents) + " %"


def _fewest(cells: pd.DataFrame) -> int:
    return int(cells["trials"].min())


def seen(cell: pd.DataFrame) -> pd.DataFrame:
    """A table of methods by slowdowns: the share of pairs called different."""
    text = cell.assign(
        share=_shares(cell, "seen"),
        column=cell["slowdown"].map(lambda s: "identical: false alarms" if s == 0 else f"+{s:.0%}: seen"),
    )
    shown = text.pivot(index="method", columns="column", values="share")
    return shown[text["column"].drop_duplicates().tolist()].fillna("")


def quality(table: pd.DataFrame) -> pd.DataFrame:
    """Error of the estimated ratio, coverage of the interval, and seconds per pair."""
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
    """Each share with its interval in percent; "" for a missing share."""
    columns = table[[column, f"{column}_low", f"{column}_high"]].to_numpy() * 100
    return ["" if math.isnan(share) else f"{share:.3g} % ({low:.3g} to {high:.3g})" for share, low, high in columns]
