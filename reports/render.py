"""From a run to its page: load the run once, rank it, draw the pictures, fill the template."""

import filecmp
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from reports import page, plots
from reports.budget import command, given, of_run
from reports.files import PAGE, emptied, point, write_csv
from reports.markdown import filled
from reports.measured import measured
from reports.plots.worker import worker
from reports.sections.accuracy.accuracy import judged
from reports.sections.against import side_by_side
from reports.sections.always_one.effects import trained
from reports.sections.contracts import contracts
from reports.sections.resolution import seen
from reports.sections.speed.sureness import budgets
from results import ROOT, Findings, check_name, load, load_end, load_findings, load_operators, load_run
from results.files import find

OUT = Path(__file__).parent / "out"
LARGE_BYTES = 2**25
"""From this file size on, drawing in a second process saves more time than its start takes."""


def render(
    run: str = "latest",
    *,
    against: str | None = None,
    baseline: str = "",
    budget: Mapping[str, float] | None = None,
    budget_u: Mapping[str, float] | None = None,
    root: Path = ROOT,
    out: Path = OUT,
) -> Path:
    """Write the report of a run, its pictures and tables to `out`/<name of the run>, and return the page's path.

    The name of a file elsewhere may be that of another run in `root`: its report is in `out`/<name>-<digest>.
    `against` names an older run to compare with. `out`/latest points to the newest report. `baseline` is the
    implementation that ratios are against, by default that of the run. `budget` maps input dtypes to the largest
    accepted absolute error; the others keep that of the run. `budget_u` is its old form, in u = 2**-24.

    Raises:
        UnknownRun: there is no such run.
        UnknownBaseline: the run has no time of `baseline`.
        ValueError: the file does not hold a run, or `against` names the run itself.
    """
    asked = given(budget, budget_u)
    head, file = load_run(run, root), find(run, root)
    check_name(head.name)
    evidence, found = load(run, baseline=baseline, root=root, evidence=True), load_findings(run, root, baseline)
    if against:
        _require_another(file, against, root)  # bad input ends here: the older report stays
    folder, limits = emptied(out / _own_name(file, root)), of_run(head, asked)
    with worker(folder, second_process=file.stat().st_size > LARGE_BYTES) as pictures:
        answered = contracts.answered(found.contracts)
        accuracy, loops = judged(found.accuracy, limits), trained(found.always_one)
        pictures.draw(plots.of_findings(accuracy, seen(found.resolution), loops))
        records, profile = evidence.drop(columns="evidence"), load_operators(run, root)
        ranked = measured(records, accuracy, limits)
        tasks = list(plots.of_tasks(ranked))
        pictures.draw(plot for _, plot in tasks)
        _write_tables(folder, records, found, profile)
        values = {
            "run": head,
            "records": len(records),
            "budgets": budgets(limits, {*records["dtype"], *accuracy["dtype"]}),
            "again": command(run if file.parent != root else head.name, baseline, asked),
            "against": side_by_side(against, head, records, root, folder, baseline) if against else None,
            **page.speed(ranked, head, answered),
            **page.errors(found, accuracy, answered, ranked, head.families),
            **page.always_one(found.always_one, loops),
            **page.failed(records, evidence),
            **page.profiled(profile, records),
            **page.measured_on(head, load_end(run, root), records),
        }
        drawn = pictures.pictures()
    values |= {"pictures": drawn, "of_tasks": [(task, drawn[plot.stem]) for task, plot in tasks if plot.stem in drawn]}
    path = folder / PAGE
    path.write_text(filled("report.md.j2", values), encoding="utf-8", newline="\n")
    point(out / "latest", folder.name)
    return path


def _own_name(file: Path, root: Path) -> str:
    """A folder's name for the report of this file, and of no other run in `root`."""
    namesake = root / file.name
    if not namesake.exists() or filecmp.cmp(file, namesake, shallow=False):
        return file.stem
    return f"{file.stem}-{hashlib.sha256(os.fsencode(file.resolve())).hexdigest()[:8]}"


def _require_another(file: Path, against: str, root: Path) -> None:
    """Raise a `ValueError` unless `against` is another run than that of `file`."""
    load_run(against, root)
    if filecmp.cmp(file, find(against, root), shallow=False):
        raise ValueError(
            f"--against {against}: the run {file.stem!r} would be compared with itself; name an older run, "
            "which `python -m results` lists"
        )


def _write_tables(folder: Path, records: pd.DataFrame, found: Findings, profile: pd.DataFrame) -> None:
    tables = {"records": records, **found._asdict(), "operators": profile}
    for name, table in tables.items():
        if name == "always_one" and len(table):
            table.to_csv(folder / "always_one.csv", index=False)
        elif len(table) or name == "records":
            write_csv(table, folder / f"{name}.csv")
