"""Everything on one page: load a run, ask the sections, draw the pictures, fill the template."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from reports import advice, details, plots, sections
from reports import page as errors
from reports.budget import BUDGET_U
from reports.files import emptied, point, write_csv
from reports.markdown import page
from reports.sections.accuracy import accuracy
from reports.sections.against import side_by_side
from reports.sections.speed import sentences as headlines
from reports.sections.speed import summary as wording
from results import ROOT, Findings, Run, check_name, flags, load, load_end, load_operators, load_run

OUT = Path(__file__).parent / "out"


def render(
    run: str = "latest",
    *,
    against: str | None = None,
    budget_u: Mapping[str, float] = BUDGET_U,
    root: Path = ROOT,
    out: Path = OUT,
) -> Path:
    """Write the report of a run, its pictures and tables to `out`/<name of the run>, and return the page's path.

    `against` names an older run to compare with; `out`/latest points to the newest report.

    Raises:
        UnknownRun: a run that is not there.
        ValueError: a file that does not hold a run.
    """
    head, records = load_run(run, root), load(run, root=root, evidence=True)
    check_name(head.name)
    if len(records):  # what the file is called: it may be a copy, and the original has a report of its own
        head = dataclasses.replace(head, name=str(records["run"].iat[0]))
        check_name(head.name)
    folder = emptied(out / head.name)
    flagged, records = _flagged(records), records.drop(columns="evidence")
    write_csv(records, folder / "records.csv")
    values = {
        "run": head,
        "records": len(records),
        "budgets": headlines.budgets(budget_u),
        "against": side_by_side(against, head, records, root, folder) if against else None,
        "sampling": headlines.sampling(head, records),
        **_measured(sections.prepare(records), budget_u, folder, head, errors.findings(run, root, folder)),
        **advice.values(run, root, folder),
        **flagged,
        **_profiled(run, root, folder),
        **_conditions(run, root),
    }
    path = folder / "report.md"
    path.write_text(page("report.md.j2", values), encoding="utf-8", newline="\n")
    point(out / "latest", head.name)
    return path


def _measured(
    table: pd.DataFrame, budget_u: Mapping[str, float], folder: Path, head: Run, found: Findings
) -> dict[str, object]:
    judged = accuracy.judged(found.accuracy, budget_u)
    standings = sections.standings(table, budget_u, accuracy.unfit(judged))
    answer = sections.answer(table, standings)
    close_seconds = sections.close_seconds(table, standings, answer)
    winners = sections.by_size(table, standings, answer)
    return {
        "sureness": headlines.sureness(table),
        "headlines": headlines.headlines(answer, winners),
        "answers": wording.answers(answer, close_seconds),
        "close_seconds": wording.close_seconds(close_seconds),
        "winners": wording.winners(winners),
        "described": wording.described(head.about, [*answer["implementation"], *winners["implementation"]]),
        "pictures": list(plots.draw(table, standings, answer, folder)),
        "groups": details.groups(table, standings, answer),
        "failures": wording.failures(sections.failures(table)),
        **errors.values(found, judged, answer, standings, head.families, folder),
    }


def _flagged(records: pd.DataFrame) -> dict[str, object]:
    found = sections.flags(flags(records))
    return {"flags": wording.flags(found), "flag_counts": headlines.flag_counts(found)}


def _profiled(run: str, root: Path, folder: Path) -> dict[str, object]:
    profile = load_operators(run, root)
    if len(profile):
        write_csv(profile, folder / "operators.csv")
    return {"operators": details.profiles(sections.operators(profile)), "profiled": profile["case"].nunique()}


def _conditions(run: str, root: Path) -> dict[str, object]:
    head, end = load_run(run, root), load_end(run, root)
    return {
        "machine": head.environment.gpu or head.environment.cpu,
        "environment": sections.environment(head.environment),
        "absent": pd.DataFrame(head.absent.items(), columns=["implementation", "why"]),
        "end": end,
        "phases": wording.phases(sections.phases(end.phases_s)) if end else None,
    }
