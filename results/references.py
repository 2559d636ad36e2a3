"""The reference of each case: the implementation that its ratios are against."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import numpy as np

from results.files import head
from results.rows import Row
from suites.records.case import CONTRACT

BUILT_IN, ASKED, FASTEST = "", "asked", "fastest"
"""Why an implementation is the reference: torch's built-in form, asked for by `baseline`, or none of the two ran."""


class UnknownBaseline(ValueError):
    """A baseline that a run does not hold, or that was timed in none of its cases."""


class Reference(NamedTuple):
    """An implementation, and why it is the reference."""

    name: str
    why: str


NONE = Reference("", "")


def references(rows: Sequence[Row], asked: Collection[str]) -> dict[str, Reference]:
    """The reference of each case of one run; none in a group without a baseline and without a time.

    A group is a task on one device in one dtype, direction and cache. Its baseline is the implementation of `asked`
    that has its contract, else the one that was recorded as the baseline. In the cases without a time of that
    baseline, the reference is the implementation that was timed in most of them, and of those the fastest.
    """
    contracts = {name: {CONTRACT[row.task] for row in rows if row.implementation == name} for name in asked}
    groups = defaultdict[tuple[str, ...], list[Row]](list)
    for row in rows:
        groups[row.task, row.device, row.dtype, row.direction, row.cache].append(row)
    found: dict[str, Reference] = {}
    for (task, *_), group in groups.items():
        own = next((name for name in asked if CONTRACT[task] in contracts[name]), None)
        found |= _of_group(group, own or next((row.implementation for row in group if row.baseline), ""), asked)
    return found


def require_timed(baseline: str, runs: Mapping[Path, Sequence[Row]]) -> None:
    """Raise an `UnknownBaseline` unless one of the runs, files with their rows, has a time of this implementation."""
    mine = [row for rows in runs.values() for row in rows if row.implementation == baseline]
    if any(row.processes for row in mine):
        return
    timed = sorted({row.implementation for rows in runs.values() for row in rows if row.processes})
    absent = next((why for path in runs if (why := head(path).absent.get(baseline))), "")
    where = f"the run {next(iter(runs)).stem!r}" if len(runs) == 1 else f"any of {len(runs)} runs"
    near = get_close_matches(baseline, timed, n=1)
    if mine:
        why = f"{baseline!r} has no time in {where}: " + "; ".join(_failures(mine))
    elif absent:
        why = f"{baseline!r} is absent from {where}: {absent}"
    else:
        why = f"{baseline!r} is not in {where}" + (f"; did you mean {near[0]!r}?" if near else "")
    choose = f"choose one that was timed: {', '.join(timed)}" if timed else "nothing was timed there"
    raise UnknownBaseline(f"--baseline: {why}{'' if why.endswith('?') else ';'} {choose}")


def _of_group(rows: Sequence[Row], baseline: str, asked: Collection[str]) -> Iterator[tuple[str, Reference]]:
    timed: dict[str, set[str]] = {row.case: set() for row in rows}
    for row in rows:
        if row.processes:
            timed[row.case].add(row.implementation)
    without = [case for case, names in timed.items() if names and baseline not in names]
    usual = Reference(baseline, ASKED if baseline in asked else BUILT_IN)
    other = Reference(_fastest(row for row in rows if row.case in without and row.processes), FASTEST)
    anywhere = any(baseline in names for names in timed.values())
    for case, names in timed.items():
        reference = usual if baseline in names or (not names and (anywhere or not other.name)) else other
        if reference.name:
            yield case, reference


def _fastest(timed: Iterable[Row]) -> str:
    """Of the implementations that were timed in most cases, the one of the lowest geometric mean; "" of none."""
    logs = defaultdict[str, list[float]](list)
    for row in timed:
        logs[row.implementation].append(float(np.log(np.median(row.samples_s))))
    return min(logs, key=lambda name: (-len(logs[name]), fmean(logs[name]), name), default="")


def _failures(rows: Iterable[Row]) -> Iterator[str]:
    reasons = defaultdict[str, int](int)
    for row in rows:
        reasons[f"{row.status.replace('_', ' ')} ({row.reason})"] += 1
    return (f"{reason} in {count} case{'s' * (count > 1)}" for reason, count in reasons.items())
