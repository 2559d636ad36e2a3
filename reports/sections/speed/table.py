"""The table that every section starts from: what was loaded, and the columns to compare by."""

import math

import numpy as np
import pandas as pd

GROUP = ["task", "device", "dtype", "direction", "cache"]
"""Cases that differ in nothing but size, memory format and inputs: one decision each."""

MEMBER = [*GROUP, "implementation"]

FASTER, SLOWER, SAME = "faster", "slower", "no difference seen"
"""The verdicts on a record against its baseline; "" where there is nothing to compare."""

SLOW_START_S, SLOW_START = 0.1, 10
"""A start is slow where the first call takes longer than that, and than so many later ones."""

BYTES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2}


def prepare(table: pd.DataFrame) -> pd.DataFrame:
    """Add what sections compare by.

    `label` is a case's name inside its group, `input_bytes` the size of x and y together, and `size` what to order
    cases by: the same, but for all pairs, where it is that of every pair's rows.
    `time`, `time_low` and `time_high` rank inside a case: the ratio to the baseline; the latency over the
    baseline's where that took part in fewer rounds than others; the latency where there is no baseline.
    `slow_start` says that the first call compiles, tunes or initialises, and `pays_after` how many calls
    pay for what it took beyond the baseline's: infinitely many where no call is seen to be faster.
    """
    cases = table.drop_duplicates("case").set_index("case")
    sizes = _sizes(cases)
    return table.assign(
        label=table["case"].map(_labels(cases)),
        input_bytes=table["case"].map(sizes["input_bytes"]).astype(float),
        size=table["case"].map(sizes["size"]).astype(float),
        peak_bytes=table["peak_bytes"].astype("float64"),
        slow_start=table["first_call_s"] > (SLOW_START * table["latency_s"]).clip(lower=SLOW_START_S),
        pays_after=_pays_after(table),
        **_times(table),
    )


def group_names(table: pd.DataFrame) -> pd.Series:
    """What to call the group of each row: "paired, float32, cpu", and what differs from the usual."""
    names = table["task"] + ", " + table["dtype"] + ", " + table["device"]
    for axis, usual, words in (("direction", "forward", ""), ("cache", "warm", " cache")):
        names = names + (", " + table[axis] + words).where(table[axis] != usual, "")
    return names


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
    labels = cases["shape"]
    for axis, usual in (("memory_format", "contiguous"), ("inputs", "prescribed")):
        labels = labels + (" " + cases[axis]).where(cases[axis] != usual, "")
    return labels


def _sizes(cases: pd.DataFrame) -> pd.DataFrame:
    shapes = [tuple(map(int, str(shape).split("x"))) for shape in cases["shape"]]
    of_pairs = [2 * math.prod(shape) for shape in shapes]
    inputs = [
        (shape[0] + shape[1]) * shape[2] if task == "pairwise" else each_pairs
        for task, shape, each_pairs in zip(cases["task"], shapes, of_pairs, strict=True)
    ]
    sizes = pd.DataFrame({"input_bytes": inputs, "size": of_pairs}, cases.index, dtype=float)
    return sizes.mul(cases["dtype"].map(BYTES).astype(float), axis="index")
