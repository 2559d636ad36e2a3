"""The table that every section starts from: the loaded records with columns for comparison."""

import math

import numpy as np
import pandas as pd

from results.references import FASTEST
from suites.records.case import ALL_PAIRS

GROUP = ["task", "device", "dtype", "direction", "cache", "apart"]
"""The axes of a group. Cases of a group differ only in size, memory format and inputs, and share one decision.

`apart` is "", or the reference of the cases that have one of their own, since the baseline has no time there.
"""

MEMBER = [*GROUP, "implementation"]

FASTER, SLOWER, SAME = "faster", "slower", "no difference seen"
"""The verdicts on a record against its baseline; "" without a comparison."""

PROVISIONAL = "provisional: "
"""What begins the verdicts of a case that other work on the machine disturbed."""

SLOW_START_S, SLOW_START = 0.1, 10
"""A start is slow if the first call takes longer than this, and longer than this many later calls."""

BYTES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2}


def prepare(table: pd.DataFrame) -> pd.DataFrame:
    """Add the columns that sections compare by.

    `apart` is an axis of `GROUP`. `label` is a case's name inside its group, and `input_bytes` the size of x and y
    together. `size` orders cases: it is `input_bytes`, except for `ALL_PAIRS`, where it is the size of the rows of
    every pair. `time`, `time_low` and `time_high` rank inside a case: they are the ratio to the baseline; the latency
    over the baseline's where the baseline has fewer rounds than others; or the latency without a baseline.
    `slow_start` marks a first call that compiles, tunes or initialises. `pays_after` is the number of calls until
    break-even with the baseline, infinite where no call is seen to be faster. `provisional` marks the
    records of a disturbed case; their verdicts lose that prefix.
    """
    disturbed = table["verdict"].str.startswith(PROVISIONAL) | table["flags"].str.contains("disturbed")
    table = table.assign(
        provisional=table["case"].isin(table.loc[disturbed, "case"]),
        verdict=table["verdict"].str.removeprefix(PROVISIONAL),
    )
    cases = table.drop_duplicates("case").set_index("case")
    sizes = _sizes(cases)
    return table.assign(
        apart=_apart(table),
        label=table["case"].map(_labels(cases)),
        input_bytes=table["case"].map(sizes["input_bytes"]).astype(float),
        size=table["case"].map(sizes["size"]).astype(float),
        peak_bytes=table["peak_bytes"].astype("float64"),
        slow_start=table["first_call_s"] > (SLOW_START * table["latency_s"]).clip(lower=SLOW_START_S),
        pays_after=_pays_after(table),
        **_times(table),
    )


def group_names(table: pd.DataFrame) -> pd.Series:
    """The name of the group of each row: "paired, float32, cpu", and any unusual direction, cache or reference."""
    names = table["task"] + ", " + table["dtype"] + ", " + table["device"]
    for axis, usual, words in (("direction", "forward", ""), ("cache", "warm", " cache")):
        names = names + (", " + table[axis] + words).where(table[axis] != usual, "")
    return names + (", against " + table["apart"]).where(table["apart"] != "", "")


def _apart(table: pd.DataFrame) -> pd.Series:
    """The reference of each case for want of a time of the baseline that other cases of its group have; else ""."""
    axes = [table[axis] for axis in GROUP if axis != "apart"]
    others = (table["reference_why"] != FASTEST).groupby(axes).transform("any")
    return table["reference"].where((table["reference_why"] == FASTEST) & others, "")


def _times(table: pd.DataFrame) -> dict[str, pd.Series]:
    base_s, rounds = _of_baseline(table, "latency_s"), _of_baseline(table, "rounds")
    rarely = rounds < table.groupby("case")["rounds"].transform("max")
    times = {
        "time": ("ratio", "latency_s"),
        "time_low": ("ratio_low", "latency_low"),
        "time_high": ("ratio_high", "latency_high"),
    }
    return {
        name: table[ratio].mask(rarely, table[latency] / base_s).fillna(table[latency])
        for name, (ratio, latency) in times.items()
    }


def _pays_after(table: pd.DataFrame) -> pd.Series:
    extra_s = (table["first_call_s"] - _of_baseline(table, "first_call_s")).clip(lower=0)
    saved_s = _of_baseline(table, "latency_s") * (1 - table["ratio"])  # from the ratio, like the verdict
    calls = (extra_s / saved_s).where(table["verdict"] == FASTER, np.inf)
    return calls.mask(extra_s.isna() | table["baseline"]).apply(np.ceil)


def _of_baseline(table: pd.DataFrame, column: str) -> pd.Series:
    base = table[table["baseline"]].drop_duplicates("case").set_index("case")[column]
    return table["case"].map(base).astype(float)


def _labels(cases: pd.DataFrame) -> pd.Series:
    labels = cases["shape"] + (" k=" + cases["k"].astype(str)).where(cases["k"] > 0, "")
    for axis, usual in (("memory_format", "contiguous"), ("inputs", "prescribed")):
        labels = labels + (" " + cases[axis]).where(cases[axis] != usual, "")
    return labels


def _sizes(cases: pd.DataFrame) -> pd.DataFrame:
    shapes = [tuple(map(int, str(shape).split("x"))) for shape in cases["shape"]]
    of_pairs = [2 * math.prod(shape) for shape in shapes]
    inputs = [
        (shape[0] + shape[1]) * shape[2] if task in ALL_PAIRS else each_pairs
        for task, shape, each_pairs in zip(cases["task"], shapes, of_pairs, strict=True)
    ]
    sizes = pd.DataFrame({"input_bytes": inputs, "size": of_pairs}, cases.index, dtype=float)
    return sizes.mul(cases["dtype"].map(BYTES).astype(float), axis="index")
