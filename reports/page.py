"""The values of the page's template, section by section."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from reports.markdown import prose
from reports.measured import Measured
from reports.plots import heat_map_of
from reports.sections import conditions, failures, known_bugs, operators, resolution
from reports.sections.accuracy import accuracy, costs, cures, sentences
from reports.sections.accuracy.faults import Fault, faults
from reports.sections.always_one import lessons
from reports.sections.contracts import contracts, drop_ins
from reports.sections.speed import answer_tables, by_case, by_shape, prepared, references, samples, sureness
from reports.sections.speed.decision import decide
from results import End, Findings, Run, flags


@dataclass(frozen=True, kw_only=True)
class Place:
    """The errors on one device in one dtype; `picture` is the stem of the heat map."""

    name: str
    picture: str
    tally: pd.DataFrame
    bounds: pd.DataFrame
    faults: list[Fault]


@dataclass(frozen=True, kw_only=True)
class LoopTable:
    """A training loop and the table of its changes."""

    name: str
    table: pd.DataFrame


def speed(measured: Measured, head: Run, answered: pd.DataFrame) -> dict[str, object]:
    """The answer and the tables behind it; `answered` holds the contracts."""
    table, standings, best = measured
    found, paid = decide(*measured, answered), prepared.pays_back(table)
    return {
        "disturbed": sureness.disturbed(table),
        "versus": references.versus(found.others),
        "sureness": [*samples.said(table, standings), *references.said(table), *sureness.sureness(table)],
        "chance": sureness.chance(table),
        "answers": by_shape.on_page(found.rows),
        "headlines": found.sentences,
        "answer_costs": answer_tables.answer_costs(best, found.close_seconds),
        "close_seconds": answer_tables.close_seconds(found.close_seconds),
        "winners": answer_tables.winners(found.sizes),
        "described": answer_tables.described(head.about, [*best["implementation"], *found.sizes["implementation"]]),
        "groups": by_case.groups(*measured),
        "prepared": prepared.sentences(paid),
        "prepared_table": prepared.table(paid),
    }


def errors(
    found: Findings, judged: pd.DataFrame, answered: pd.DataFrame, measured: Measured, families: Mapping[str, str]
) -> dict[str, object]:
    """Errors, contracts and resolution; empty values where there are no findings."""
    _, standings, best = measured
    bitten = {*drop_ins.bites(best, answered)["implementation"]} if len(answered) else set()
    seen = resolution.seen(found.resolution)
    asked = found.contracts.drop_duplicates([*contracts.TABLE, "implementation"])
    recommended = best["implementation"].dropna()
    return {
        "findings": sum(map(len, (found.accuracy, asked, found.resolution, found.known_bugs))),
        "not_drop_ins": drop_ins.warnings(best, answered) if len(answered) else [],
        "safest": costs.safest(judged, best, standings, bitten) if len(judged) else [],
        "symptoms": cures.table(judged, answered, standings, families),
        "how_wrong": sentences.headlines(judged, recommended) if len(judged) else [],
        "ordinary": accuracy.ORDINARY,
        "places": [_place(rows, judged, families) for rows in accuracy.by_place(judged)],
        "drop_ins": drop_ins.alike(answered) if len(answered) else "",
        "unmeasured": contracts.unmeasured(found.contracts),
        "contracts": contracts.answers(answered) if len(answered) else [],
        "resolution": resolution.table(seen) if len(seen) else None,
        "thresholds": resolution.thresholds(seen, judged, standings),
        "known_bugs": known_bugs.table(found.known_bugs) if len(found.known_bugs) else None,
        "known_bugs_count": known_bugs.count(found.known_bugs),
    }


def always_one(trainings: pd.DataFrame, trained: pd.DataFrame) -> dict[str, object]:
    """Which advice helps the loops that were trained; `trained` holds their outcomes."""
    if trainings.empty:
        return {"trainings": 0}
    return {
        "trainings": len(trainings),
        "lessons": list(lessons.lessons(trained, trainings)),
        "sureness_of_advice": lessons.sureness(trained),
        "loops": [
            LoopTable(name=lessons.title(str(loop)), table=lessons.table(some))
            for loop, some in trained.groupby("loop", sort=False)
        ],
    }


def failed(records: pd.DataFrame, evidence: pd.DataFrame) -> dict[str, object]:
    """Failures and flags; `evidence` holds the records, loaded with the evidence of their flags."""
    found = failures.flags(flags(evidence))
    return {
        "flags": failures.flag_table(found),
        "flag_counts": failures.flag_counts(found),
        "failures": failures.failure_table(failures.failures(records)),
    }


def profiled(profile: pd.DataFrame, records: pd.DataFrame) -> dict[str, object]:
    """The time of a call by operator; the baselines are those of `records`."""
    references = records.drop_duplicates("case").set_index("case")["reference"]
    rows = profile.assign(baseline=profile["implementation"] == profile["case"].map(references))
    return {
        "operators": operators.profiles(operators.operators(rows)),
        "profiled": profile["case"].nunique(),
        "outside_torch": operators.outside(profile),
    }


def measured_on(head: Run, end: End | None, records: pd.DataFrame) -> dict[str, object]:
    """The conditions of the run."""
    return {
        "sampling": conditions.sampling(head, records),
        "machine": head.environment.gpu or head.environment.cpu,
        "environment": conditions.environment(head.environment),
        "absent": pd.DataFrame(
            [(name, prose(why)) for name, why in head.absent.items()], columns=["implementation", "why"], dtype=object
        ),
        "end": end,
        "phases": conditions.phase_table(conditions.phases(end.phases_s)) if end else None,
    }


def _place(rows: pd.DataFrame, judged: pd.DataFrame, families: Mapping[str, str]) -> Place:
    device, dtype = rows[accuracy.PLACE].iloc[0]
    return Place(
        name=f"{dtype}, {device}" if judged["device"].nunique() > 1 else dtype,
        picture=heat_map_of(rows),
        tally=sentences.tally(accuracy.tally(rows)),
        bounds=sentences.bounds(accuracy.bounds(rows)),
        faults=faults(rows, families),
    )
