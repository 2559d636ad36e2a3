"""The read side of findings: what was found beside the records, as pandas tables."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd

from results.files import ROOT, body, find, head
from suites.case import FAMILIES, ROUNDOFFS
from suites.findings import Accuracy, Contract, Deviation, Finding, KnownBug, Resolution, Training, key
from suites.lines import from_line
from suites.record import UNIT_ROUNDOFF

_ERRORS = ("error_max", "error_rms", "error_p999", "bound")


def load_accuracy(run: str, root: Path = ROOT) -> pd.DataFrame:
    """How far each implementation is from the truth on each family, in the order of the families.

    One row an `Accuracy`, the fields of its `Deviation` beside it, NaN where there is none. `error_max_u`,
    `error_rms_u`, `error_p999_u` and `bound_u` are in u = 2**-24, those that end in `_own` in the unit roundoff of
    the answers' dtype.

    Raises:
        UnknownRun: it is not there.
        ValueError: the file does not start with the head of a run.
    """
    table = _table(Accuracy, run, root, Deviation)
    own = table["output_dtype"].map(ROUNDOFFS).astype(float)
    for name in _ERRORS:
        table[f"{name}_u"], table[f"{name}_own"] = table[name] / UNIT_ROUNDOFF, table[name] / own
    order = {name: number for number, name in enumerate(FAMILIES)}  # those of another version come last
    return table.sort_values("family", key=lambda names: names.map(order), kind="stable", ignore_index=True)


def load_contracts(run: str, root: Path = ROOT) -> pd.DataFrame:
    """What each implementation does where there is no cosine: one row an implementation, dtype and question.

    The columns are those of `Contract`, with `question` and `answer` for its `answers`. Raises: as `load_accuracy`.
    """
    table = _table(Contract, run, root)
    answers = table["answers"].map(dict.items).map(list)
    long = table.drop(columns="answers").assign(asked=answers).explode("asked", ignore_index=True)
    pairs = long["asked"].map(lambda pair: pair if isinstance(pair, tuple) else ("", ""))
    return long.drop(columns="asked").assign(question=pairs.str[0], answer=pairs.str[1])


def load_resolution(run: str, root: Path = ROOT) -> pd.DataFrame:
    """How fine each implementation's answers are: one row a `Resolution`. Raises: as `load_accuracy`."""
    return _table(Resolution, run, root)


def load_known_bugs(run: str, root: Path = ROOT) -> pd.DataFrame:
    """Which upstream bugs were found again: one row a `KnownBug`. Raises: as `load_accuracy`."""
    return _table(KnownBug, run, root)


def load_always_one(run: str, root: Path = ROOT) -> pd.DataFrame:
    """What training Siamese loops came to: one row a `Training`. Raises: as `load_accuracy`."""
    return _table(Training, run, root)


def _table(kind: type[Finding], run: str, root: Path, part: type | None = None) -> pd.DataFrame:
    path = find(run, root)
    head(path)
    lines = body(path, from_line, kind=f'"kind": "{kind.__name__.lower()}"')
    latest = {key(line): line for line in lines if isinstance(line, kind)}  # a resumed run may have one again
    columns = [field.name for field in dataclasses.fields(kind) if not part or field.name != "deviation"]
    inner = [field.name for field in dataclasses.fields(part)] if part else []
    rows = [[*(getattr(line, name) for name in columns), *_of(line, inner)] for line in latest.values()]
    table = pd.DataFrame(rows, columns=[*columns, *inner])
    return table.assign(status=table["status"].map(str)) if "status" in table else table


def _of(line: Finding, fields: list[str]) -> list[object]:
    deviation = getattr(line, "deviation", None)
    return [getattr(deviation, name) if deviation else np.nan for name in fields]
