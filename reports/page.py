"""What the error suite found, made ready for the page."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from reports import bugs, cures, drop_in, fineness, plots
from reports.files import write_csv
from reports.sections.accuracy import accuracy
from reports.sections.accuracy import costs as price
from reports.sections.accuracy import sentences as how_wrong
from reports.sections.contracts import contracts, drop_ins
from results import Findings, load_findings


@dataclass(frozen=True, kw_only=True)
class Place:
    """How wrong each is on one device in one dtype."""

    name: str
    picture: plots.Picture
    tally: pd.DataFrame
    bounds: pd.DataFrame
    faults: list[how_wrong.Fault]


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


def values(
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
        "not_drop_ins": drop_in.warnings(answer, answered) if len(answered) else [],
        "safest": price.safest(judged, answer, standings, bitten) if len(judged) else [],
        "symptoms": cures.table(judged, answered, standings, families),
        "how_wrong": how_wrong.headlines(judged, recommended) if len(judged) else [],
        "ordinary": accuracy.ORDINARY,
        "places": [_place(rows, judged, families, folder) for rows in accuracy.by_place(judged)],
        "drop_ins": drop_in.alike(answered) if len(answered) else "",
        "untold": drop_in.untold(found.contracts),
        "contracts": drop_in.answers(answered) if len(answered) else [],
        "resolution": fineness.table(seen) if len(seen) else None,
        "thresholds": fineness.thresholds(seen, judged, standings),
        "resolution_picture": plots.draw_resolution(seen, folder) if len(seen) else None,
        "known_bugs": bugs.table(found.known_bugs) if len(found.known_bugs) else None,
        "known_bugs_count": bugs.count(found.known_bugs),
    }


def _place(rows: pd.DataFrame, judged: pd.DataFrame, families: Mapping[str, str], folder: Path) -> Place:
    device, dtype = rows[accuracy.PLACE].iloc[0]
    tally = accuracy.tally(rows)
    return Place(
        name=f"{dtype}, {device}" if judged["device"].nunique() > 1 else dtype,
        picture=plots.draw_heat_map(rows, tally, folder),
        tally=how_wrong.tally(tally),
        bounds=how_wrong.bounds(accuracy.bounds(rows)),
        faults=how_wrong.faults(rows, families),
    )
