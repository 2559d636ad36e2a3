"""A record as a row of plain values, before any statistics."""

import functools
import math
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from results.files import body, head
from suites.records.case import DIM, Case
from suites.records.jsonl import from_line
from suites.records.record import Flag, Latency, Record
from suites.statistics import Array


class Process(NamedTuple):
    """One process's samples: seconds a call, those of the control, and the stride between its pairs of rounds."""

    samples_s: Array
    control_s: Array
    stride: int


class Row(NamedTuple):
    """A flat record; NaN and empty samples if nothing was measured."""

    run: str
    implementation: str
    baseline: bool
    task: str
    shape: str
    dim: str
    dtype: str
    device: str
    memory_format: str
    direction: str
    inputs: str
    cache: str
    k: int
    case: str
    status: str
    reason: str
    samples_s: Array
    processes: tuple["Process", ...]
    rounds: float
    calls: float
    stop: str
    page_faults: float
    first_call_s: float
    host_s: float
    graph_s: float
    prepare_s: float
    prepared_bytes: int | None
    peak_bytes: int | None
    error_abs: float
    error_rms: float
    flags: tuple[Flag, ...]


def rows(path: Path) -> Iterable[Row]:
    """The rows of one run. If a resumed run measured something twice, the last record counts.

    A file or line that is not of a run gives a warning and is left out.
    """
    try:
        head(path)
    except (ValueError, OSError) as error:
        warnings.warn(f"skipped: {error}", stacklevel=3)
        return ()
    parsed = body(path, functools.partial(_row, path.stem))
    return {(row.implementation, row.case): row for row in parsed if row}.values()


def _row(run: str, line: str) -> Row | None:
    record = from_line(line)
    return _flat(run, record) if isinstance(record, Record) else None


def _flat(run: str, record: Record) -> Row:
    latency, error = record.latency, record.error
    processes = tuple(map(_process, (latency, *record.replicates))) if latency else ()
    samples = processes[0].samples_s if len(processes) == 1 else np.concatenate([(), *(p.samples_s for p in processes)])
    return Row(
        run,
        _text(record.implementation),
        bool(record.baseline),
        *_axes(record.case),
        record.status.value,
        _text(record.reason),
        samples,
        processes,
        len(samples) if latency else math.nan,
        float(latency.calls) if latency else math.nan,
        _text(latency.stop) if latency else "",
        float(latency.page_faults) if latency else math.nan,
        float(latency.first_call_s) if latency else math.nan,
        _seconds(latency.host_s if latency else None),
        _seconds(latency.graph_s if latency else None),
        _seconds(latency.prepare_s if latency else None),
        latency.prepared_bytes if latency else None,
        record.peak_bytes,
        float(error.error_abs) if error else math.nan,
        float(error.error_rms) if error else math.nan,
        tuple(Flag(name=_text(flag.name), evidence=_text(flag.evidence)) for flag in record.flags),
    )


def _process(latency: Latency) -> Process:
    times = latency.samples_s + latency.control_s
    if not (latency.stride >= 1 and latency.samples_s and min(times) > 0 and sum(times) < math.inf):
        raise ValueError(f"samples that are not times, or the stride {latency.stride}")
    samples, control = (np.array(seconds, dtype=np.float64) for seconds in (latency.samples_s, latency.control_s))
    return Process(samples, control, latency.stride)


def _seconds(measured: float | None) -> float:
    return math.nan if measured is None else float(measured)


@functools.lru_cache(maxsize=1024)
def _axes(case: Case) -> tuple[str, str, str, str, str, str, str, str, str, int, str]:
    if case.task not in DIM:
        raise ValueError(f"unknown task {case.task!r}; known: {', '.join(DIM)}")
    shape, dims = "x".join(map(str, case.shape)), ",".join(map(str, DIM[case.task]))
    dtype, device, inputs = _text(case.dtype), _text(case.device), _text(case.inputs)
    memory_format, direction = _text(case.memory_format), _text(case.direction)
    name = _text(f"{case.task}-{case.id}")
    return case.task, shape, dims, dtype, device, memory_format, direction, inputs, _text(case.cache), case.k, name


def _text(value: str) -> str:
    return str(value).encode(errors="replace").decode()  # a file's name in a reason may hold lone surrogates
