"""Reads runs as pandas tables; each load derives summaries and ratios from the raw samples."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd

from results.files import ROOT, body, end, find, head, heads, names
from results.ratios import controls, ratios
from results.references import NONE, references, require_timed
from results.rows import Row, rows
from suites.records.jsonl import from_line
from suites.records.record import UNIT_ROUNDOFF, End, Operator, Record, Run, Status
from suites.statistics import blocked, medians, noise_floors, summaries, verdicts

DTYPES = {
    **dict.fromkeys(("run", "implementation"), "str"),
    "baseline": "bool",
    **dict.fromkeys(
        ("task", "shape", "dim", "dtype", "device", "memory_format", "direction", "inputs", "cache"), "str"
    ),
    **dict.fromkeys(("case", "status", "reason"), "str"),
    **dict.fromkeys(("latency_s", "latency_low", "latency_high", "rounds", "calls"), "float64"),
    "stop": "str",
    **dict.fromkeys(("page_faults", "first_call_s", "host_s", "device_s", "graph_s"), "float64"),
    "peak_bytes": "Int64",
    **dict.fromkeys(("error_abs", "error_rms", "error_u"), "float64"),
    **dict.fromkeys(("reference", "reference_why"), "str"),
    **dict.fromkeys(("ratio", "ratio_low", "ratio_high", "noise_floor"), "float64"),
    **dict.fromkeys(("verdict", "flags"), "str"),
}
COLUMNS = tuple(DTYPES)
FLAG_COLUMNS = ("implementation", "case", "flag", "evidence")
OPERATOR_COLUMNS = ("implementation", "baseline", "case", "operator", "calls", "self_s", "allocated_bytes")
_COUNTS = ("cases", "implementations", "records", "ok", "not_ok")
RUN_COLUMNS = ("run", "started", "grid", "devices", *_COUNTS, "complete")


def load(
    run: str | Sequence[str] | None = None,
    *,
    baseline: str = "",
    root: Path = ROOT,
    samples: bool = False,
    evidence: bool = False,
) -> pd.DataFrame:
    """All records, one row for each implementation on each case.

    `run` is a name, "latest", the path of a `.jsonl` file, or several of these; None means every run. The columns are
    `COLUMNS`. `samples=True` adds `samples_s`: each row's raw seconds a call, float64, empty if nothing was timed.
    `evidence=True` adds `evidence`: each row's `Flag`s. Missing numbers are NaN, a missing `peak_bytes` is NA.

    `latency_s` is the median, and `latency_low` to `latency_high` its 95 % confidence interval. On CUDA it is the
    device's time, `device_s`; `host_s` is the host's time for a call, and `graph_s` the device's in a CUDA graph.

    `ratio` is the time over that of `reference` in the same rounds of the same run and case: the median over all pairs
    of rounds with both. Above 1 is slower. Autocorrelated ratios are averaged in blocks first. For a run over several
    processes it is the geometric mean of their ratios, and its interval covers how they differ.

    `reference` is the baseline: torch's built-in form of the task, or an implementation that was asked for, here by
    `baseline` or with the run's `--baseline`. `baseline` counts for the tasks of its contract; others keep their own.
    Where the baseline of a group of cases has no time, the fastest is the reference. `reference_why` says which:
    "" for the built-in, "asked" or "fastest". The column `baseline` marks the rows of the reference.

    `noise_floor` is how far from 1 the ratio of a repeated contestant to itself may be in that case. `verdict` says
    whether a difference beyond it was seen. `flags` names reasons to distrust the numbers. `error_u` is `error_abs` in
    unit roundoffs of fp32.

    Unreadable files and lines give a warning and are left out. If a resumed run measured something twice, the last
    record counts.

    Raises:
        UnknownRun: there is no such run.
        UnknownBaseline: no run has a time of `baseline`.
    """
    if run is None:
        paths = [root / f"{name}.jsonl" for name in names(root)]
    else:
        paths = [find(name, root) for name in ([run] if isinstance(run, str) else run)]
    runs = {path: list(rows(path)) for path in dict.fromkeys(paths)}
    if baseline:
        require_timed(baseline, runs)
    measured = [row for run_rows in runs.values() for row in run_rows]
    known = [references(run_rows, _asked(path, baseline)) for path, run_rows in runs.items()]
    frame = pd.DataFrame.from_records(measured, columns=Row._fields)
    frame[["latency_s", "latency_low", "latency_high"]] = medians([row.samples_s for row in measured])
    paired = blocked([one for pair in zip(runs.values(), known, strict=True) for one in ratios(*pair)])
    repeated = blocked([one for run_rows in runs.values() for one in controls(run_rows)])
    of_processes = np.array([len(row.processes) > 1 for row in measured], dtype=bool)
    frame[["ratio", "ratio_low", "ratio_high"]] = summaries(paired, of_processes)
    frame["noise_floor"] = floors = noise_floors(summaries(repeated, of_processes))
    own = [of.get(row.case, NONE) for run_rows, of in zip(runs.values(), known, strict=True) for row in run_rows]
    frame[["reference", "reference_why"]] = np.array(own, dtype=object).reshape(-1, 2)
    frame["baseline"] = frame["reference"] == frame["implementation"]
    frame["verdict"] = np.where(frame["baseline"], "", verdicts(paired, floors, of_processes))
    frame["evidence"] = frame["flags"]
    frame["flags"] = [", ".join(flag.name for flag in row.flags) for row in measured]
    frame["error_u"] = frame["error_abs"] / UNIT_ROUNDOFF
    frame["device_s"] = frame["latency_s"].where(frame["device"] == "cuda")
    frame["host_s"] = frame["host_s"].where(frame["device"] != "cpu", frame["latency_s"])
    table = frame[list(COLUMNS)].astype(DTYPES)
    asked = {"samples_s": samples, "evidence": evidence}
    return table.assign(**{column: frame[column] for column, wanted in asked.items() if wanted})


def _asked(path: Path, baseline: str) -> list[str]:
    """The baselines that were asked for: here, and with the run; the first of a contract counts."""
    with suppress(ValueError):  # a file without a head has no rows either
        return [name for name in (baseline, head(path).baseline) if name]
    return []


def load_run(run: str, root: Path = ROOT) -> Run:
    """The head of a run: when, how and on which machine it started.

    Raises:
        UnknownRun: there is no such run.
        ValueError: the file does not start with the head of a run.
    """
    return head(find(run, root))


def load_end(run: str, root: Path = ROOT) -> End | None:
    """A run's wall time by phase; None if the run is incomplete.

    Raises:
        UnknownRun: there is no such run.
    """
    return end(find(run, root))


def load_flags(run: str, root: Path = ROOT) -> pd.DataFrame:
    """The flags of all records, with their evidence: one row for each flag; the columns are `FLAG_COLUMNS`.

    Raises:
        UnknownRun: there is no such run.
    """
    return flags(load(run, root=root, evidence=True))


def flags(table: pd.DataFrame) -> pd.DataFrame:
    """The flags of a table that was loaded with `evidence`, in the same columns."""
    flagged = table.loc[table["flags"] != "", ["implementation", "case", "evidence"]]
    found = [(*whose, flag.name, flag.evidence) for *whose, seen in flagged.to_numpy() for flag in seen]
    return pd.DataFrame(found, columns=FLAG_COLUMNS, dtype="str")


def load_operators(run: str, root: Path = ROOT) -> pd.DataFrame:
    """The cost of torch's operators in each profiled call; the columns are `OPERATOR_COLUMNS`.

    Raises:
        UnknownRun: there is no such run.
        ValueError: the file does not start with the head of a run.
    """
    path = find(run, root)
    head(path)
    lines = [line for line in body(path, from_line, kinds=["operator"]) if isinstance(line, Operator)]
    fields = ["case_id" if column == "case" else column for column in OPERATOR_COLUMNS]
    frame = pd.DataFrame(lines, columns=fields).rename(columns={"case_id": "case"})
    return frame.drop_duplicates(["implementation", "case", "operator"], keep="last", ignore_index=True)


def list_runs(root: Path = ROOT) -> pd.DataFrame:
    """All runs, newest first; the columns are `RUN_COLUMNS`."""
    return pd.DataFrame([_overview(name, run, root) for name, run in heads(root).items()], columns=RUN_COLUMNS)


def _overview(name: str, run: Run, root: Path) -> tuple[object, ...]:
    path = root / f"{name}.jsonl"
    records = (line for line in body(path, from_line) if isinstance(line, Record))
    status = {(record.implementation, record.case): record.status for record in records}
    ok = Counter(status.values())[Status.OK]
    implementations, cases = {key[0] for key in status}, {key[1] for key in status}
    devices = ", ".join(sorted({case.device for case in cases}))
    counts = (len(cases), len(implementations), len(status), ok, len(status) - ok)
    return name, run.started, run.grid, devices, *counts, end(path) is not None
