"""The table that every section starts from: what was loaded, and the columns to compare by."""

import numpy as np
import pandas as pd

GROUP = ["task", "device", "dtype", "direction"]
"""Cases that differ in nothing but size, memory format and inputs: one decision each."""

BYTES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2}


def prepare(table: pd.DataFrame) -> pd.DataFrame:
    """Add what sections compare by.

    `label` is a case's name inside its group, `input_bytes` the size of x and y together.
    `time`, `time_low` and `time_high` are the ratio to the baseline, or the latency where the
    baseline has none: inside one case both rank alike.
    """
    cases = table.drop_duplicates("case").set_index("case")
    ratios = table[["ratio", "ratio_low", "ratio_high"]].to_numpy(float, na_value=np.nan)
    latencies = table[["latency_s", "latency_low", "latency_high"]].to_numpy(float, na_value=np.nan)
    time = np.where(np.isnan(ratios[:, :1]), latencies, ratios)
    return table.assign(
        label=table["case"].map(_labels(cases)),
        input_bytes=table["case"].map(_input_bytes(cases)).astype(float),
        peak_bytes=table["peak_bytes"].astype("float64"),
        time=time[:, 0],
        time_low=time[:, 1],
        time_high=time[:, 2],
    )


def group_names(table: pd.DataFrame) -> pd.Series:
    """What to call the group of each row: "paired, float32, cpu", and the direction unless it is forward."""
    names = table["task"] + ", " + table["dtype"] + ", " + table["device"]
    return names + (", " + table["direction"]).where(table["direction"] != "forward", "")


def baseline_of(table: pd.DataFrame) -> pd.Series:
    """The baseline of each case that has one."""
    return table[table["baseline"]].drop_duplicates("case").set_index("case")["implementation"]


def _labels(cases: pd.DataFrame) -> pd.Series:
    labels = cases["shape"]
    for axis, usual in (("memory_format", "contiguous"), ("inputs", "prescribed")):
        labels = labels + (" " + cases[axis]).where(cases[axis] != usual, "")
    return labels


def _input_bytes(cases: pd.DataFrame) -> pd.Series:
    elements = [_elements(str(task), str(shape)) for task, shape in zip(cases["task"], cases["shape"], strict=True)]
    return pd.Series(elements, cases.index, dtype=float) * cases["dtype"].map(BYTES).astype(float)


def _elements(task: str, shape: str) -> int:
    sizes = [int(size) for size in shape.split("x")]
    if task == "pairwise":
        n, m, length = sizes
        return (n + m) * length
    return 2 * int(np.prod(sizes))
