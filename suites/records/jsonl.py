"""The format of a run's file: records and findings as lines of JSON, and back. Torch-free."""

import dataclasses
import functools
import json
import re
from collections.abc import Callable
from datetime import datetime
from types import NoneType
from typing import Any, TypeVar

from suites.records.case import Case
from suites.records.finding import Accuracy, Contract, Deviation, Finding, KnownBug, Resolution, Training
from suites.records.record import End, Environment, Error, Flag, Latency, Line, Operator, Record, Run, Status

SCHEMA = 2
_TEXTS = ("implementation", "task", "dtype", "device", "memory_format", "direction", "inputs", "status", "reason")
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
    row = json.loads(line)
    if not isinstance(row, dict) or "schema" not in row:
        raise ValueError("not a line of a run")
    if row["schema"] != SCHEMA:
        raise ValueError(
            f"it has schema {row['schema']!r:.20}, and this version reads schema {SCHEMA}; {_who_reads(row)}"
        )
    try:
        return _READERS[row["kind"]](row)
    except (KeyError, TypeError) as error:
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
    datetime.fromisoformat(row["started"])  # runs are sorted by it
    return Run(**(_fields(Run, row) | {"environment": Environment(**row["environment"])}))


def _record(row: dict[str, Any]) -> Record:
    _require_types(row)
    return Record(
        implementation=row["implementation"],
        baseline=row["baseline"],
        case=Case(**(_fields(Case, row) | {"shape": tuple(row["shape"])})),
        status=Status(row["status"]),
        reason=row["reason"],
        latency=_latency(row) if "samples_s" in row else None,
        error=Error(**_fields(Error, row)) if row.get("error_abs") is not None else None,
        peak_bytes=row["peak_bytes"],
        flags=tuple(Flag(**flag) for flag in row["flags"]),
        replicates=tuple(map(_latency, row.get("replicates", ()))),
    )


def _latency(row: dict[str, Any]) -> Latency:
    samples = {name: tuple(row[name]) for name in ("samples_s", "control_s")}
    return Latency(**(_fields(Latency, row) | samples))


def _require_types(row: dict[str, Any]) -> None:
    """Raise a `TypeError` for a value that would spoil the table of all records."""
    for name in _TEXTS:
        if not isinstance(row[name], str):
            raise TypeError(f"{name} is {row[name]!r}, not a text")
    if not isinstance(row.get("cache", ""), str):
        raise TypeError(f"cache is {row['cache']!r}, not a text")
    if type(row.get("k", 0)) is not int:
        raise TypeError(f"k is {row['k']!r}, not a whole number")
    for size in row["shape"] if isinstance(row["shape"], list) else [row["shape"]]:
        if type(size) is not int:
            raise TypeError(f"shape holds {size!r}, not a whole number")
    if type(row["peak_bytes"]) not in (int, NoneType):
        raise TypeError(f"peak_bytes holds {row['peak_bytes']!r}, not a whole number")


def _finding(cls: type[F], row: dict[str, Any]) -> F:
    return cls(**(_fields(cls, row) | {"status": Status(row["status"])}))


_READERS: dict[str, Callable[[dict[str, Any]], Line | Finding]] = {
    "run": _run,
    "record": _record,
    "operator": lambda row: Operator(**_fields(Operator, row)),
    "end": lambda row: End(**_fields(End, row)),
    "accuracy": lambda row: _finding(
        Accuracy, row | {"deviation": Deviation(**_fields(Deviation, row)) if "pairs" in row else None}
    ),
    "contract": lambda row: _finding(Contract, row),
    "resolution": lambda row: _finding(Resolution, row),
    "training": lambda row: _finding(Training, row),
    "knownbug": lambda row: KnownBug(**_fields(KnownBug, row)),
}


def _fields(cls: type, row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in _names(cls) if name in row}


@functools.cache  # a report may load 100,000 records
def _names(cls: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(cls))
