"""Where a run was measured, how long its cases were timed, and what its wall time went to."""

import dataclasses
from collections.abc import Mapping

import pandas as pd

from reports import units
from results import Run
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


def sampling(run: Run, table: pd.DataFrame) -> str:
    """In how many processes the cases ran, why their rounds ended, and how many there were; "" where none ran."""
    cases = endings(table)
    if cases.empty:
        return ""
    precise = (cases["stop"] == "precision").sum()
    known = f"to ± {units.percent(run.precision)}" if run.precision else "as precisely as the grid asks for"
    spent = f"{run.seconds:g} s a contestant were spent" if run.seconds else "the time for it was spent"
    return (
        f"Each case ran in {run.processes} process{'es' if run.processes > 1 else ''} until every ratio was known "
        f"{known}, as in {precise:,} of {units.counted(len(cases), 'case')}, or {spent}; {rounds(cases['rounds'])}."
    )


def rounds(counts: pd.Series) -> str:
    """How many rounds: "12 to 512 rounds"."""
    least, most = counts.min(), counts.max()
    return f"{most:,.0f} rounds" if least == most else f"{least:,.0f} to {most:,.0f} rounds"


def phase_table(rows: pd.DataFrame) -> pd.DataFrame:
    """What the wall time went to."""
    return pd.DataFrame(
        {
            "phase": rows["phase"],
            "time": rows["seconds"].map(units.seconds),
            "share": rows["share"].map(units.share),
        }
    )


def _facts(machine: Environment) -> dict[str, str]:
    facts = {f.name: str(getattr(machine, f.name)) for f in dataclasses.fields(machine) if f.name != "packages"}
    return facts | {f"package {name}": version for name, version in sorted(machine.packages.items())}
