"""The format of a run's file: records and findings as lines of JSON, and back. Torch-free."""

import dataclasses
import functools
import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from suites.records.case import CACHES, DIRECTIONS, MEMORY_FORMATS, RANK, ROUNDOFFS, Case
from suites.records.finding import Accuracy, Contract, Deviation, Examined, Finding, KnownBug, Resolution, Training
from suites.records.record import End, Environment, Error, Flag, Latency, Line, Operator, Record, Run, Status
from suites.records.typed import made

SCHEMA = 2
_KNOWN = {
    "dtype": tuple(ROUNDOFFS),
    "memory_format": MEMORY_FORMATS,
    "direction": DIRECTIONS,
    "cache": CACHES,
}
_WORD = re.compile(r"[A-Za-z0-9._+:-]*")
F = TypeVar("F", Accuracy, Contract, Resolution, Training)


def to_line(value: Line | Finding) -> str:
    """One line of JSON, without the newline; nested parts are flattened into the row."""
    row: dict[str, Any] = {"kind": type(value).__name__.lower(), "schema": SCHEMA}
    for field in dataclasses.fields(value):
        part = getattr(value, field.name)
        nested = isinstance(part, Case | Latency | Error | Deviation)
        row |= dataclasses.asdict(part) if nested else {field.name: _plain(part)}
    return json.dumps(row, allow_nan=False)


def from_line(line: str) -> Line | Finding:
    """What `to_line` wrote.

    Raises:
        ValueError: the line is not JSON, has another schema, or a value is missing or impossible.
    """
    try:
        row = json.loads(line)
        if "\\ud" in line.lower():  # half a character, as of a file's name that is no UTF-8: nothing could print it
            row = json.loads(json.dumps(row, ensure_ascii=False).encode(errors="replace"))
    except RecursionError:
        raise ValueError("not a line of a run: its brackets are nested too deeply") from None
    if not isinstance(row, dict) or "schema" not in row:
        raise ValueError("not a line of a run")
    if row["schema"] != SCHEMA:
        raise ValueError(
            f"it has schema {row['schema']!r:.20}, and this version reads schema {SCHEMA}; {_who_reads(row)}"
        )
    try:
        return _READERS[row["kind"]](row)
    except (LookupError, TypeError) as error:
        raise ValueError(f"a line of schema {SCHEMA} with a missing or wrong field: {error}") from error


def _plain(part: object) -> object:
    if isinstance(part, tuple):
        return [dataclasses.asdict(one) for one in part]
    return dataclasses.asdict(part) if isinstance(part, Environment) else part


def _who_reads(row: dict[str, Any]) -> str:
    environment = row.get("environment")
    commit = environment.get("commit") if isinstance(environment, dict) else None
    if isinstance(commit, str) and re.fullmatch("[0-9a-f]{40,64}", commit):
        return f"`git checkout {commit[:7]}` gets the version that wrote it"
    return "the version that wrote it reads it"


def _run(row: dict[str, Any]) -> Run:
    run: Run = made(Run, row | {"environment": made(Environment, row["environment"])})
    datetime.fromisoformat(run.started)  # runs are sorted by it
    return run


def _record(row: dict[str, Any]) -> Record:
    record: Record = made(
        Record,
        row
        | {
            "case": _case(row),
            "status": Status(row["status"]),
            "latency": _latency(row) if "samples_s" in row else None,
            "error": made(Error, row) if row.get("error_abs") is not None else None,
            "flags": tuple(made(Flag, flag) for flag in row["flags"]),
            "replicates": tuple(map(_latency, row.get("replicates", ()))),
        },
    )
    return record


def _case(row: dict[str, Any]) -> Case:
    case: Case = made(Case, row | {"shape": _tuple(row["shape"])})
    _require_axes(case)
    if len(case.shape) != RANK.get(case.task, len(case.shape)):
        raise TypeError(f"the task {case.task!r} has the shape {list(case.shape)}")
    return case


def _require_axes(line: Case | Examined) -> None:
    """Raise a `TypeError` for an axis of another version, or one that is no word: reports print them as they are."""
    for axis, known in _KNOWN.items():
        if (value := getattr(line, axis, known[0])) not in known:
            raise TypeError(f"unknown {axis} {value!r}; known: {', '.join(known)}")
    for axis in ("task", "device", "inputs"):
        if not _WORD.fullmatch(value := getattr(line, axis, "")):
            raise TypeError(f"{axis} is {value!r}, not a word")


def _latency(row: dict[str, Any]) -> Latency:
    samples = {name: _tuple(row[name]) for name in ("samples_s", "control_s")}
    latency: Latency = made(Latency, row | samples)
    return latency


def _tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _finding(cls: type[F], row: dict[str, Any]) -> F:
    finding: F = made(cls, row | {"status": Status(row["status"])})
    if isinstance(finding, Examined):
        _require_axes(finding)
    return finding


_READERS: dict[str, Callable[[dict[str, Any]], Line | Finding]] = {
    "run": _run,
    "record": _record,
    "operator": functools.partial(made, Operator),
    "end": functools.partial(made, End),
    "accuracy": lambda row: _finding(Accuracy, row | {"deviation": made(Deviation, row) if "pairs" in row else None}),
    "contract": lambda row: _finding(Contract, row),
    "resolution": lambda row: _finding(Resolution, row),
    "training": lambda row: _finding(Training, row),
    "knownbug": functools.partial(made, KnownBug),
}
