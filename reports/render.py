"""Everything on one page: load a run, ask the sections, draw the pictures, fill the template."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from reports import page as pages
from reports.budget import BUDGET_U
from reports.files import emptied, point, write_csv
from reports.markdown import page
from reports.sections.against import side_by_side
from reports.sections.conditions import sampling
from reports.sections.speed.sentences import budgets
from results import ROOT, check_name, load, load_run

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
    flagged, records = pages.flagged(records), records.drop(columns="evidence")
    write_csv(records, folder / "records.csv")
    values = {
        "run": head,
        "records": len(records),
        "budgets": budgets(budget_u),
        "against": side_by_side(against, head, records, root, folder) if against else None,
        "sampling": sampling(head, records),
        **pages.measured(records, budget_u, folder, head, pages.findings(run, root, folder)),
        **pages.always_one(run, root, folder),
        **flagged,
        **pages.profiled(run, root, folder),
        **pages.environment(run, root),
    }
    path = folder / "report.md"
    path.write_text(page("report.md.j2", values), encoding="utf-8", newline="\n")
    point(out / "latest", head.name)
    return path
