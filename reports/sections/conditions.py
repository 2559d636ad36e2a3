"""The machine of a run, how its cases were sampled, and how its wall time was spent."""

import dataclasses
from collections.abc import Mapping

import pandas as pd

from reports import units
from results import Run
from suites.records.record import Environment


def environment(machine: Environment) -> pd.DataFrame:
    """One row for each known fact of a run's environment: `what`, `value`. Packages come last."""
    rows = [(what, value) for what, value in _facts(machine).items() if value]
    return pd.DataFrame(rows, columns=["what", "value"])


def differences(old: Environment, new: Environment) -> pd.DataFrame:
    """One row for each difference of two environments: `what`, `old`, `new`."""
    before, after = _facts(old), _facts(new)
    names = dict.fromkeys([*before, *after])
    rows = [(what, before.get(what, ""), after.get(what, "")) for what in names]
    return pd.DataFrame([row for row in rows if row[1] != row[2]], columns=["what", "old", "new"])


def endings(table: pd.DataFrame) -> pd.DataFrame:
    """One row for each timed case: why its rounds ended (`stop`), and the most `rounds` of an implementation."""
    return table[table["status"] == "ok"].groupby("case").agg(stop=("stop", "first"), rounds=("rounds", "max"))


def phases(phases_s: Mapping[str, float]) -> pd.DataFrame:
    """One row for each phase of the run, the longest first: `phase`, `seconds`, `share` of their sum."""
    rows = pd.DataFrame(phases_s.items(), columns=["phase", "seconds"])
    rows["share"] = rows["seconds"] / rows["seconds"].sum()
    return rows.sort_values(["seconds", "phase"], ascending=[False, True], ignore_index=True)


def sampling(run: Run, table: pd.DataFrame) -> str:
    """How many processes and rounds each case had, and why its rounds ended; "" where no case ran."""
    cases = endings(table)
    if cases.empty:
        return ""
    precise = (cases["stop"] == "precision").sum()
    known = f"to ± {units.percent(run.precision)}" if run.precision else "as precisely as the grid asks"
    spent = f"after {run.seconds:g} s for each implementation" if run.seconds else "when its time was spent"
    return (
        f"Each case ran in {run.processes} process{'es' if run.processes > 1 else ''}. Timing stopped when every ratio "
        f"was known {known} ({precise:,} of {units.counted(len(cases), 'case')}), or {spent}. A case took "
        f"{rounds(cases['rounds'])}."
    )


def rounds(counts: pd.Series) -> str:
    """How many rounds: "12 to 512 rounds", or "no rounds" where nothing was timed."""
    if counts.isna().all():
        return "no rounds"
    least, most = counts.min(), counts.max()
    return f"{most:,.0f} rounds" if least == most else f"{least:,.0f} to {most:,.0f} rounds"


def phase_table(rows: pd.DataFrame) -> pd.DataFrame:
    """The phases as a table."""
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
