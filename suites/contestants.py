"""Which implementations take part in a run, against which baseline, and what that leaves out of the grid."""

import dataclasses
from collections.abc import Collection, Sequence

from implementations import Implementation, registry
from nearest import some_of
from suites.records.case import CONTRACT, Case
from suites.words import listed


class PlanError(ValueError):
    """Options that cannot be satisfied."""


def chosen(option: str | None) -> tuple[Implementation, ...]:
    """The implementations that --implementations names, each once; all without the option."""
    if option is None:
        return tuple(map(registry.get, registry.names()))
    names = tuple(dict.fromkeys(name.strip() for name in option.split(",") if name.strip()))
    if not names:
        raise PlanError(f"--implementations names none; known: {some_of(registry.names())}; `{registry.ALL}` lists all")
    return tuple(map(registry.get, names))


def against(entry: Implementation, baseline: str) -> Implementation:
    """`entry` in a run against `baseline`: of the contract of `baseline`, that one alone is marked as the baseline."""
    if not baseline or entry.task != registry.get(baseline).task:
        return entry
    return dataclasses.replace(entry, baseline=entry.name == baseline)


def contestants(
    entries: Sequence[Implementation], cases: Sequence[Case], baseline: str, grid: str
) -> tuple[Implementation, ...]:
    """Those of `entries` with a case, and `baseline`, marked; "" leaves each contract its own baseline.

    Raises:
        PlanError: no implementation has a case, `baseline` is unknown or absent, or it has the contract of no
            contestant.
    """
    tasks = dict.fromkeys(case.task for case in cases)
    taking_part = [entry for entry in entries if any(entry.task == CONTRACT[task] for task in tasks)]
    if not taking_part:
        solving = dict.fromkeys(name for task in tasks for name in registry.names(CONTRACT[task]))
        raise PlanError(
            f"--implementations: {', '.join(entry.name for entry in entries)} solve none of the tasks "
            f"of the grid {grid!r}: {', '.join(tasks)}; these solve them: {some_of(solving, near_to=entries[0].name)}"
        )
    if baseline and not any(entry.name == baseline for entry in taking_part):
        taking_part = sorted([*taking_part, _baseline(baseline, taking_part, grid)], key=lambda entry: entry.name)
    return tuple(against(entry, baseline) for entry in taking_part)


def unsolved(cases: Sequence[Case], entries: Collection[Implementation]) -> dict[str, str]:
    """The tasks of `cases` that no contestant solves, with the reason to leave them out."""
    tasks, contracts = dict.fromkeys(case.task for case in cases), {entry.task for entry in entries}
    return {task: "none of the implementations solves it" for task in tasks if CONTRACT[task] not in contracts}


def _baseline(name: str, entries: Collection[Implementation], grid: str) -> Implementation:
    if "," in name:
        raise PlanError(f"--baseline: {name!r} is several names; choose one, and measure others by --implementations")
    try:
        asked = registry.get(name)
    except registry.RegistryError as error:
        raise PlanError(f"--baseline: {error}") from None
    contracts = dict.fromkeys(entry.task for entry in entries)
    if asked.task not in contracts:
        known = sorted(name for contract in contracts for name in registry.names(contract))
        raise PlanError(
            f"--baseline: {name!r} has the contract {asked.task!r}, and the contestants of the grid {grid!r} have "
            f"{listed(contracts)}; choose one of {some_of(known, near_to=name)}"
        )
    return asked
