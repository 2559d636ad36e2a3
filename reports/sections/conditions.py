"""Where a run was measured, when each case ended, and what its wall time went to."""

import dataclasses
from collections.abc import Mapping

import pandas as pd

from suites.records.record import Environment


def environment(machine: Environment) -> pd.DataFrame:
    """One row a fact that is known of a run's environment: `what`, `value`. Packages come last."""
    rows = [(what, value) for what, value in _facts(machine).items() if value]
    return pd.DataFrame(rows, columns=["what", "value"])


def differences(old: Environment, new: Environment) -> pd.DataFrame:
    """One row a fact that two environments differ in: `what`, `old`, `new`."""
    before, after = _facts(old), _facts(new)
    names = dict.fromkeys([*before, *after])
    rows = [(what, before.get(what, ""), after.get(what, "")) for what in names]
    return pd.DataFrame([row for row in rows if row[1] != row[2]], columns=["what", "old", "new"])


def endings(table: pd.DataFrame) -> pd.DataFrame:
    """One row a case that was timed: why its rounds ended (`stop`), and how many the busiest took part in."""
    return table[table["status"] == "ok"].groupby("case").agg(stop=("stop", "first"), rounds=("rounds", "max"))


def phases(phases_s: Mapping[str, float]) -> pd.DataFrame:
    """One row a phase of the run, the longest first: `phase`, `seconds`, `share` of their sum."""
    rows = pd.DataFrame(phases_s.items(), columns=["phase", "seconds"])
    rows["share"] = rows["seconds"] / rows["seconds"].sum()
    return rows.sort_values(["seconds", "phase"], ascending=[False, True], ignore_index=True)


def _facts(machine: Environment) -> dict[str, str]:
    facts = {f.name: str(getattr(machine, f.name)) for f in dataclasses.fields(machine) if f.name != "packages"}
    return facts | {f"package {name}": version for name, version in sorted(machine.packages.items())}
