"""The answer of a run for a terminal: the noise floor, a table of four columns, and its limits."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from reports import units
from reports.budget import given, of_run
from reports.markdown import plain
from reports.measured import Measured, measured
from reports.sections.accuracy.accuracy import judged
from reports.sections.contracts import contracts, drop_ins
from reports.sections.speed.answer import close_seconds
from reports.sections.speed.answer_tables import answers
from reports.sections.speed.sentences import QUIETER, flaw
from reports.sections.speed.table import group_names
from reports.sections.speed.verdicts import NOTICEABLE, noise
from results import ROOT, load, load_end, load_findings, load_run

UNIT = "Errors are absolute. The unit u is 2**-24, about 6e-8."


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Plain text without markup: `noise_floor` is a sentence, and so is each of `notes`.

    `table` has a row for each group of cases and four columns of strings,
    `reports.sections.speed.answer_tables.ANSWER`.
    """

    noise_floor: str
    table: pd.DataFrame
    notes: list[str]


def answer(
    run: str = "latest",
    *,
    baseline: str = "",
    budget: Mapping[str, float] | None = None,
    budget_u: Mapping[str, float] | None = None,
    root: Path = ROOT,
) -> Answer:
    """The answer of the report, without its page and its pictures.

    `run` is a name, "latest", or the path of a `.jsonl` file. The other arguments are those of `reports.render`.

    Raises:
        UnknownRun: there is no such run.
        UnknownBaseline: the run has no time of `baseline`.
        ValueError: the file does not hold a run.
    """
    budgets = of_run(load_run(run, root), given(budget, budget_u))
    found, records = load_findings(run, root, baseline), load(run, baseline=baseline, root=root)
    ranked = measured(records, judged(found.accuracy, budgets), budgets)
    table, _, best = ranked
    limits = (
        "" if load_end(run, root) else "The run is incomplete: `--resume` continues it.",
        _missing(records),
        _noisy(table),
        *_flawed_baselines(ranked),
        *_not_drop_ins(best, contracts.answered(found.contracts)),
        UNIT if len(best) else "",
    )
    return Answer(noise_floor=_noise_floor(table), table=answers(best).map(plain), notes=list(filter(None, limits)))


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
    return f"{failed:,} of {units.counted(len(records), 'record')} have no time. The report says why." if failed else ""


def _noisy(table: pd.DataFrame) -> str:
    floors = noise(table)["noise_floor"]
    return f"The machine was noisy. {QUIETER} resolve smaller differences." if (floors > NOTICEABLE).any() else ""


def _flawed_baselines(ranked: Measured) -> list[str]:
    close, rows = close_seconds(*ranked), [row for _, row in ranked.answer.iterrows()]
    flaws = zip(group_names(ranked.answer), rows, [flaw(row, close) for row in rows], strict=True)
    return [f"{name}: the baseline {plain(row['reference'])} is faster, but {why}." for name, row, why in flaws if why]


def _not_drop_ins(best: pd.DataFrame, answered: pd.DataFrame) -> list[str]:
    if answered.empty:
        return []
    pairs = drop_ins.bites(best, answered).groupby("reference", sort=False)["implementation"].unique()
    return [
        f"Not a drop-in for {plain(str(reference))}: {', '.join(map(plain, chosen))}. The report lists the differences."
        for reference, chosen in pairs.items()
    ]
