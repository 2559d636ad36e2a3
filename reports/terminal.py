"""The answer of a run for a terminal: the noise floor, a line for each case, and its limits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from reports import units
from reports.budget import given
from reports.decided import decided
from reports.markdown import plain
from reports.measured import Measured
from reports.sections.speed import references, samples
from reports.sections.speed.by_shape import FASTEST
from reports.sections.speed.sentences import flaw
from reports.sections.speed.sureness import AGAIN, QUIETER, disturbed
from reports.sections.speed.table import group_names
from reports.sections.speed.verdicts import NOTICEABLE, noise
from results import ROOT, load_end

COLUMNS = ("case", "fastest", "time", "against", "error", "beware")
MOST = 20
"""How many lines a terminal shows; the report has all."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Plain text without markup: `noise_floor` is a sentence, and so is each of `notes` and of `versus`.

    `versus` compares a few implementations with the baseline, case by case; empty for more.

    `table` has a row for each case, or for each group of many cases. Its columns, all strings, are `COLUMNS`.
    """

    noise_floor: str
    table: pd.DataFrame
    notes: list[str]
    versus: list[str] = field(default_factory=list)


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
    found = decided(run, baseline, given(budget, budget_u), root)
    table, lines = found.measured.table, _lines(found.decision.rows)
    limits = (
        "" if load_end(run, root) else "The run is incomplete: `--resume` continues it.",
        _provisional(table),
        _missing(found.records),
        *samples.said(table, found.measured.standings, plain),
        *references.said(table, plain, plain),
        _noisy(table),
        *_flawed_baselines(found.measured, found.decision.close_seconds),
        f"{units.counted(len(lines) - MOST, 'more line')} of the answer: see the report." if len(lines) > MOST else "",
    )
    return Answer(
        versus=references.versus(table, plain, plain),
        noise_floor=_noise_floor(table),
        table=lines.head(MOST),
        notes=list(filter(None, limits)),
    )


def _lines(rows: pd.DataFrame) -> pd.DataFrame:
    """A line for each row of the answer: "paired 4096x1024 float32", the fastest, and the baseline with its time."""
    groups = [name.split(", ") for name in rows["cases"]]
    one_device = len({device for _, _, device, *_ in groups}) == 1
    case = [
        " ".join([task, shape, dtype, *([] if one_device else [device]), *rest])
        for (task, dtype, device, *rest), shape in zip(groups, rows["shape"], strict=True)
    ]
    theirs = [
        "" if baseline.startswith(f"`{name}`, ") else baseline.replace("`, ", " ")
        for baseline, name in zip(rows["baseline"], rows[FASTEST], strict=True)
    ]
    against = [
        ", ".join(word for word in words if word not in ("", units.MISSING))
        for words in zip(theirs, rows["against the baseline"], strict=True)
    ]
    named = pd.DataFrame(
        {
            "case": case,
            "fastest": rows[FASTEST],
            "time": rows["time"],
            "against": [f"({words})" if words else "" for words in against],
            "error": ("error " + rows["largest error"]).where(rows["largest error"] != units.MISSING, ""),
            "beware": rows["beware"],
        },
        columns=list(COLUMNS),
        dtype=str,
    )
    return named.replace(units.MISSING, "").map(_text)


def _text(line: str) -> str:
    """A line of ours without the marks of names."""
    return plain(line.replace("`", ""))


def _provisional(table: pd.DataFrame) -> str:
    cases = len(disturbed(table))
    return f"Provisional: other work disturbed {units.counted(cases, 'case')}. {AGAIN}." if cases else ""


def _noise_floor(table: pd.DataFrame) -> str:
    floors = noise(table)["noise_floor"]
    if floors.empty:
        return "No noise floor: no implementation was timed twice."
    median, worst = units.percent(floors.median()), units.percent(floors.iloc[0])
    return f"Noise floor: {median} (median case), {worst} (worst case). Smaller differences are not reported."


def _missing(records: pd.DataFrame) -> str:
    if records.empty:
        return "No speed was measured."
    failed = int((records["status"] != "ok").sum())
    if failed == len(records) and (why := plain(records["reason"].iloc[0])):
        return f"Nothing was measured: none of {units.counted(failed, 'record')} has a time, such as: {why}."
    return f"{failed:,} of {units.counted(len(records), 'record')} have no time. The report says why." if failed else ""


def _noisy(table: pd.DataFrame) -> str:
    floors = noise(table)["noise_floor"]
    return f"The machine was noisy. {QUIETER} resolve smaller differences." if (floors > NOTICEABLE).any() else ""


def _flawed_baselines(ranked: Measured, close: pd.DataFrame) -> list[str]:
    rows = [row for _, row in ranked.answer.iterrows()]
    flaws = zip(group_names(ranked.answer), rows, [flaw(row, close) for row in rows], strict=True)
    return [f"{name}: the baseline {plain(row['reference'])} is faster, but {why}." for name, row, why in flaws if why]
