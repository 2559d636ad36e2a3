"""What to beware of in a row of the answer, in a few words each."""

from collections.abc import Iterable, Mapping

import pandas as pd

from reports import units
from reports.sections.speed.claims import lacking, prepared_once
from reports.sections.speed.table import SLOWER
from reports.sections.speed.verdicts import NOTICEABLE
from suites.records.flags import meaning

Changes = Mapping[tuple[str, str, str, str], str]
"""What a replacement changes: an implementation, its baseline, a device and a dtype to a few words."""

MOST = 3
"""How many doubts a row has room for."""

OTHER_WORK = ("disturbed", "busy_machine", "gpu_shared", "switched", "stolen_time")
"""Flags of one cause: other work on the machine."""


def beware(row: pd.Series, changes: Changes, flawed: str) -> str:
    """At most `MOST` doubts about a row of `by_shape`, the most important for a decision first; "" without any.

    `flawed` says why the baseline is not the answer of the group, such as "is wrong on ordinary inputs".
    """
    provisional = "other work disturbed it" if row["provisional"] else ""
    if not row["ran"]:
        return _most(["nothing ran", provisional])
    if pd.isna(row["implementation"]):
        return _most(["nothing is within the error budget", provisional])
    failed = pd.notna(row["reference_status"]) and row["reference_status"] != "ok"
    doubts = [
        f"baseline: {row['reference_status'].replace('_', ' ')}" if failed else "",
        f"the baseline {flawed}" if flawed and row["verdict"] == SLOWER else "",
        _change(row, changes),
        provisional,
        f"first call {units.seconds(row['first_call_s'])}" if row["slow_start"] else "",
        prepared_once(row.to_frame().T),
        f"noise floor {units.percent(row['noise_floor'])}" if row["noise_floor"] > NOTICEABLE else "",
        *_flags(row["flags"], bool(provisional)),
    ]
    return _most(doubts)


def beware_of_all(row: pd.Series, shapes: pd.DataFrame, changes: Changes, flawed: str) -> str:
    """The doubts about a row of the answer that stands for all of its `shapes`."""
    if not row["cases"]:
        return "nothing ran"
    provisional = f"other work disturbed {units.counted(row['disturbed'], 'case')}" if row["disturbed"] else ""
    floor, mine = shapes["noise_floor"].max(), shapes[shapes["implementation"] == row["implementation"]]
    starts = mine.loc[mine["slow_start"].astype(bool), "first_call_s"]
    doubts = [
        f"the baseline {flawed}" if flawed else "",
        lacking(row) if row["lacking"] else "",
        _change(row, changes),
        provisional,
        "another one wins some shapes" if shapes["implementation"].nunique() > 1 else "",
        f"first call up to {units.seconds(starts.max())}" if len(starts) else "",
        prepared_once(mine),
        f"noise floor up to {units.percent(floor)}" if floor > NOTICEABLE else "",
        *_flags(row["flags"], bool(provisional)),
    ]
    return _most(doubts)


def _most(doubts: Iterable[str]) -> str:
    return "; ".join([doubt for doubt in doubts if doubt][:MOST])


def _change(row: pd.Series, changes: Changes) -> str:
    return changes.get((row["implementation"], row["reference"], row["device"], row["dtype"]), "")


def _flags(flags: str, provisional: bool) -> list[str]:
    """What flags mean; of those of other work one, and none where the row is provisional for it."""
    names = [flag for flag in flags.split(", ") if flag]
    causes = [flag for flag in OTHER_WORK if flag in names][: 0 if provisional else 1]
    return [meaning(flag) for flag in names if flag not in OTHER_WORK or flag in causes]
