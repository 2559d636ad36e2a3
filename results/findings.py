"""Reads findings: what a run holds besides its records, as pandas tables."""

import dataclasses
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from results.files import ROOT, body, find, head
from suites.records.case import FAMILY_NAMES, ROUNDOFFS
from suites.records.finding import Accuracy, Contract, Deviation, Finding, KnownBug, Resolution, Training, key
from suites.records.jsonl import from_line
from suites.records.record import UNIT_ROUNDOFF

_ERRORS = ("error_max", "error_rms", "error_p999", "bound")


class Findings(NamedTuple):
    """The findings of a run, one table for each kind; any table may be empty.

    `accuracy`: the error of each implementation on each family, in the order of the families. A row is an `Accuracy`
    with the fields of its `Deviation`, NaN without one. `error_max_u`, `error_rms_u`, `error_p999_u` and `bound_u` are
    in u = 2**-24; columns that end in `_own` are in the unit roundoff of the answers' dtype.

    `contracts`: what each implementation does where no cosine is defined. A row is one `question` and `answer` of a
    `Contract`.

    `resolution`: how fine answers are; a row is a `Resolution`. `known_bugs`: which upstream bugs this build has; a row
    is a `KnownBug`. `always_one`: the outcome of each Siamese training; a row is a `Training`.
    """

    accuracy: pd.DataFrame
    contracts: pd.DataFrame
    resolution: pd.DataFrame
    known_bugs: pd.DataFrame
    always_one: pd.DataFrame


def load_findings(run: str, root: Path = ROOT, baseline: str = "") -> Findings:
    """All findings of a run. The implementation `baseline`, if any, is marked as the baseline of its contract.

    Raises:
        UnknownRun: there is no such run.
        ValueError: the file does not start with the head of a run.
    """
    path = find(run, root)
    head(path)
    kinds = [f'"kind": "{kind.__name__.lower()}"' for kind in (Accuracy, Contract, Resolution, KnownBug, Training)]
    lines = body(path, from_line, kinds=kinds)
    latest = {key(line): line for line in lines if isinstance(line, Finding)}  # a resumed run may hold one twice
    found = _against(list(latest.values()), baseline) if baseline else latest.values()
    return Findings(
        _accuracy(_table(Accuracy, found, Deviation)),
        _contracts(_table(Contract, found)),
        _table(Resolution, found),
        _table(KnownBug, found),
        _table(Training, found),
    )


def load_accuracy(run: str, root: Path = ROOT) -> pd.DataFrame:
    """The `accuracy` of `load_findings`."""
    return load_findings(run, root).accuracy


def load_contracts(run: str, root: Path = ROOT) -> pd.DataFrame:
    """The `contracts` of `load_findings`."""
    return load_findings(run, root).contracts


def load_resolution(run: str, root: Path = ROOT) -> pd.DataFrame:
    """The `resolution` of `load_findings`."""
    return load_findings(run, root).resolution


def load_known_bugs(run: str, root: Path = ROOT) -> pd.DataFrame:
    """The `known_bugs` of `load_findings`."""
    return load_findings(run, root).known_bugs


def load_always_one(run: str, root: Path = ROOT) -> pd.DataFrame:
    """The `always_one` of `load_findings`."""
    return load_findings(run, root).always_one


def _against(found: Sequence[Finding], baseline: str) -> list[Finding]:
    about = [one for one in found if isinstance(one, Accuracy | Contract | Resolution)]
    tasks = {one.task for one in about if one.implementation == baseline}
    marked = [replace(one, baseline=one.implementation == baseline) if one.task in tasks else one for one in about]
    return [*marked, *(one for one in found if isinstance(one, KnownBug | Training))]


def _accuracy(table: pd.DataFrame) -> pd.DataFrame:
    own = table["output_dtype"].map(ROUNDOFFS).astype(float)
    for name in _ERRORS:
        table[f"{name}_u"], table[f"{name}_own"] = table[name] / UNIT_ROUNDOFF, table[name] / own
    order = {name: number for number, name in enumerate(FAMILY_NAMES)}  # families of another version come last
    return table.sort_values("family", key=lambda names: names.map(order), kind="stable", ignore_index=True)


def _contracts(table: pd.DataFrame) -> pd.DataFrame:
    answers = table["answers"].map(dict.items).map(list)
    long = table.drop(columns="answers").assign(asked=answers).explode("asked", ignore_index=True)
    pairs = long["asked"].map(lambda pair: pair if isinstance(pair, tuple) else ("", ""))
    return long.drop(columns="asked").assign(question=pairs.str[0], answer=pairs.str[1])


def _table(kind: type[Finding], found: Collection[Finding], part: type | None = None) -> pd.DataFrame:
    columns = [field.name for field in dataclasses.fields(kind) if not part or field.name != "deviation"]
    inner = [field.name for field in dataclasses.fields(part)] if part else []
    lines = [line for line in found if isinstance(line, kind)]
    rows = [[*(getattr(line, name) for name in columns), *_of(line, inner)] for line in lines]
    table = pd.DataFrame(rows, columns=[*columns, *inner])
    return table.assign(status=table["status"].map(str)) if "status" in table else table


def _of(line: Finding, fields: list[str]) -> list[object]:
    deviation = getattr(line, "deviation", None)
    return [getattr(deviation, name) if deviation else np.nan for name in fields]
