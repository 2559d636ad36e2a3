"""The answer of a run for a terminal: four columns, the noise floor above them, what limits their worth below."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from reports import units
from reports.budget import BUDGET_U
from reports.markdown import plain
from reports.measured import measured
from reports.sections.accuracy.accuracy import judged
from reports.sections.contracts import contracts, drop_ins
from reports.sections.speed.sentences import QUIETER, against_baseline
from reports.sections.speed.table import group_names
from reports.sections.speed.verdicts import NOTICEABLE, noise
from results import ROOT, load, load_end, load_findings

COLUMNS = ("cases", "fastest within the error budget", "against the baseline", "largest error")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Plain text, no markup. `noise_floor` is a sentence, and each of `notes` is one.

    `table` has a row a group of cases and the columns `COLUMNS`, all of them strings.
    """

    noise_floor: str
    table: pd.DataFrame
    notes: list[str]


def answer(run: str = "latest", *, budget_u: Mapping[str, float] = BUDGET_U, root: Path = ROOT) -> Answer:
    """The same answer as the report's, without its page and its pictures.

    `run` is a name, "latest", or the path of a `.jsonl` file; `budget_u` maps input dtypes to the largest error that is
    accepted, in u = 2**-24.

    Raises:
        UnknownRun: a run that is not there.
        ValueError: a file that does not hold a run.
    """
    found, records = load_findings(run, root), load(run, root=root)
    table, _, best = measured(records, judged(found.accuracy, budget_u), budget_u)
    limits = (
        "" if load_end(run, root) else "The run is incomplete: `--resume` continues it.",
        _missing(records),
        _noisy(table),
        *_not_drop_ins(best, contracts.answered(found.contracts)),
    )
    return Answer(noise_floor=_noise_floor(table), table=_rows(best), notes=list(filter(None, limits)))


def _rows(best: pd.DataFrame) -> pd.DataFrame:
    rows = [
        (cases, row["implementation"], against_baseline(row), units.error(row["error_u"]))
        if pd.notna(row["implementation"])
        else (cases, "none", units.MISSING, units.MISSING)
        for cases, (_, row) in zip(group_names(best), best.iterrows(), strict=True)
    ]
    return pd.DataFrame([[plain(cell) for cell in row] for row in rows], columns=list(COLUMNS), dtype=str)


def _noise_floor(table: pd.DataFrame) -> str:
    floors = noise(table)["noise_floor"]
    if floors.empty:
        return "No noise floor: the baseline ran in no case."
    median, worst = units.percent(floors.median()), units.percent(floors.iloc[0])
    return f"Noise floor: {median} (median case), {worst} (worst case). Smaller differences are not reported."


def _missing(records: pd.DataFrame) -> str:
    if records.empty:
        return "No speed was measured."
    failed = int((records["status"] != "ok").sum())
    return f"{failed:,} of {units.counted(len(records), 'record')} have no time; the report says why." if failed else ""


def _noisy(table: pd.DataFrame) -> str:
    floors = noise(table)["noise_floor"]
    return f"The machine is noisy. {QUIETER} show more." if (floors > NOTICEABLE).any() else ""


def _not_drop_ins(best: pd.DataFrame, answered: pd.DataFrame) -> list[str]:
    if answered.empty:
        return []
    pairs = drop_ins.bites(best, answered).groupby("reference", sort=False)["implementation"].unique()
    return [
        f"Not a drop-in for {plain(str(reference))}: {', '.join(map(plain, chosen))}. The report lists the differences."
        for reference, chosen in pairs.items()
    ]
