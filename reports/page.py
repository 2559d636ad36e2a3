"""What the page says, section by section: the values of its template."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from reports import plots
from reports.files import write_csv
from reports.measured import measured as ranked
from reports.sections import conditions, failures, known_bugs, operators, resolution
from reports.sections.accuracy import accuracy, costs, cures, sentences
from reports.sections.accuracy.faults import Fault, faults
from reports.sections.always_one import lessons
from reports.sections.always_one.effects import LOOP, effects, outcomes
from reports.sections.contracts import contracts, drop_ins
from reports.sections.speed import by_case, summary
from reports.sections.speed.answer import by_size
from reports.sections.speed.answer import close_seconds as close_seconds_of
from reports.sections.speed.sentences import headlines, sureness
from results import Findings, Run, flags, load_always_one, load_end, load_findings, load_operators, load_run


@dataclass(frozen=True, kw_only=True)
class Place:
    """How wrong each is on one device in one dtype."""

    name: str
    picture: plots.Picture
    tally: pd.DataFrame
    bounds: pd.DataFrame
    faults: list[Fault]


def findings(run: str, root: Path, folder: Path) -> Findings:
    """Load the findings of a run, and write each kind that there is to `folder` as CSV.

    Raises:
        UnknownRun: it is not there.
    """
    found = load_findings(run, root)
    for name, table in found._asdict().items():
        if len(table):
            write_csv(table, folder / f"{name}.csv")
    return found


def _errors(
    found: Findings,
    judged: pd.DataFrame,
    answer: pd.DataFrame,
    standings: pd.DataFrame,
    families: Mapping[str, str],
    folder: Path,
) -> dict[str, object]:
    """What the page says of them: "" or nothing where there are none. Pictures are saved in `folder`."""
    answered = contracts.answered(found.contracts)
    bitten = {*drop_ins.bites(answer, answered)["implementation"]} if len(answered) else set()
    seen = found.resolution[found.resolution["status"] == "ok"]
    asked = found.contracts.drop_duplicates([*contracts.TABLE, "implementation"])
    recommended = answer["implementation"].dropna()
    return {
        "findings": sum(map(len, (found.accuracy, asked, found.resolution, found.known_bugs))),
        "not_drop_ins": drop_ins.warnings(answer, answered) if len(answered) else [],
        "safest": costs.safest(judged, answer, standings, bitten) if len(judged) else [],
        "symptoms": cures.table(judged, answered, standings, families),
        "how_wrong": sentences.headlines(judged, recommended) if len(judged) else [],
        "ordinary": accuracy.ORDINARY,
        "places": [_place(rows, judged, families, folder) for rows in accuracy.by_place(judged)],
        "drop_ins": drop_ins.alike(answered) if len(answered) else "",
        "untold": contracts.untold(found.contracts),
        "contracts": contracts.answers(answered) if len(answered) else [],
        "resolution": resolution.table(seen) if len(seen) else None,
        "thresholds": resolution.thresholds(seen, judged, standings),
        "resolution_picture": plots.draw_resolution(seen, folder) if len(seen) else None,
        "known_bugs": known_bugs.table(found.known_bugs) if len(found.known_bugs) else None,
        "known_bugs_count": known_bugs.count(found.known_bugs),
    }


@dataclass(frozen=True, kw_only=True)
class Loop:
    """A loop and its changes as a table."""

    name: str
    table: pd.DataFrame


def always_one(run: str, root: Path, folder: Path) -> dict[str, object]:
    """What the page says of the loops that a run has trained, if any. Table and picture are saved in `folder`.

    Raises:
        UnknownRun: it is not there.
    """
    trainings = load_always_one(run, root)
    if trainings.empty:
        return {"trainings": 0}
    trainings.to_csv(folder / "always_one.csv", index=False)
    rows = outcomes(trainings).merge(effects(trainings), on=LOOP, how="left")
    return {
        "trainings": len(trainings),
        "lessons": list(lessons.lessons(rows, trainings)),
        "sureness_of_advice": lessons.sureness(rows),
        "picture_of_advice": plots.draw_always_one(rows, folder) if lessons.compared(rows).any() else None,
        "loops": [
            Loop(name=lessons.title(str(loop)), table=lessons.table(some))
            for loop, some in rows.groupby("loop", sort=False)
        ],
    }


def measured(
    records: pd.DataFrame, budget_u: Mapping[str, float], folder: Path, head: Run, found: Findings
) -> dict[str, object]:
    table, judged, standings, answer = ranked(records, found.accuracy, budget_u)
    close_seconds = close_seconds_of(table, standings, answer)
    winners = by_size(table, standings, answer)
    return {
        "sureness": sureness(table),
        "headlines": headlines(answer, winners),
        "answers": summary.answers(answer, close_seconds),
        "close_seconds": summary.close_seconds(close_seconds),
        "winners": summary.winners(winners),
        "described": summary.described(head.about, [*answer["implementation"], *winners["implementation"]]),
        "pictures": list(plots.draw(table, standings, answer, folder)),
        "groups": by_case.groups(table, standings, answer),
        "failures": failures.failure_table(failures.failures(table)),
        **_errors(found, judged, answer, standings, head.families, folder),
    }


def flagged(records: pd.DataFrame) -> dict[str, object]:
    found = failures.flags(flags(records))
    return {"flags": failures.flag_table(found), "flag_counts": failures.flag_counts(found)}


def profiled(run: str, root: Path, folder: Path) -> dict[str, object]:
    profile = load_operators(run, root)
    if len(profile):
        write_csv(profile, folder / "operators.csv")
    return {"operators": operators.profiles(operators.operators(profile)), "profiled": profile["case"].nunique()}


def environment(run: str, root: Path) -> dict[str, object]:
    head, end = load_run(run, root), load_end(run, root)
    return {
        "machine": head.environment.gpu or head.environment.cpu,
        "environment": conditions.environment(head.environment),
        "absent": pd.DataFrame(head.absent.items(), columns=["implementation", "why"]),
        "end": end,
        "phases": conditions.phase_table(conditions.phases(end.phases_s)) if end else None,
    }


def _place(rows: pd.DataFrame, judged: pd.DataFrame, families: Mapping[str, str], folder: Path) -> Place:
    device, dtype = rows[accuracy.PLACE].iloc[0]
    tally = accuracy.tally(rows)
    return Place(
        name=f"{dtype}, {device}" if judged["device"].nunique() > 1 else dtype,
        picture=plots.draw_heat_map(rows, tally, folder),
        tally=sentences.tally(tally),
        bounds=sentences.bounds(accuracy.bounds(rows)),
        faults=faults(rows, families),
    )
