"""Two runs side by side, in words."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from reports import units
from reports.files import write_csv
from reports.sections import comparison, differences, only_in_one
from results import Run, load, load_run

ROWS = 40


@dataclass(frozen=True, kw_only=True)
class Against:
    """What the page says about an older run: its name, a summary, what differs."""

    name: str
    summary: str
    environments: pd.DataFrame
    changes: pd.DataFrame
    pairs: int


def side_by_side(old: str, after: Run, records: pd.DataFrame, root: Path, folder: Path) -> Against:
    """Compare the run `after` and its records with the run `old`; every pair goes to `comparison.csv` in `folder`.

    Raises:
        UnknownRun: the old one is not there.
    """
    before, tables = load_run(old, root), (load(old, root=root), records)
    pairs = _beyond_noise(comparison(*tables), pd.concat(tables))
    write_csv(pairs, folder / "comparison.csv")
    return Against(
        name=before.name,
        summary=summary(pairs, *only_in_one(*tables)),
        environments=differences(before.environment, after.environment),
        changes=changes(pairs.head(ROWS)),
        pairs=len(pairs),
    )


def summary(pairs: pd.DataFrame, old_only: int, new_only: int) -> str:
    """How many pairs became faster, slower or something else."""
    faster, slower = (pairs["latency_change"] < 1).sum(), (pairs["latency_change"] > 1).sum()
    changed = pairs["status_change"].sum()
    same = (pairs[["status_old", "status_new"]] == "ok").all(axis=1).sum() - faster - slower
    return (
        f"Pairs of implementation and case: {len(pairs):,} in both runs, {old_only:,} only in the old one, "
        f"{new_only:,} only in the new one. Of those in both, {faster:,} became faster, {slower:,} slower, "
        f"{changed:,} changed status, and in {same:,} no difference is seen."
    )


def changes(pairs: pd.DataFrame) -> pd.DataFrame:
    """What two runs differ in, old to new."""
    return pd.DataFrame(
        {
            "implementation": pairs["implementation"],
            "case": pairs["case"],
            "status": _both(pairs, "status", lambda status: status.replace("_", " ")),
            "latency": _both(pairs, "latency_s", units.seconds),
            "change of latency": _verdicts(pairs, "latency_s", "latency_change"),
            "relative to the baseline": _both(pairs, "ratio", units.times),
            "change of that": _verdicts(pairs, "ratio", "ratio_change"),
            "largest error": _both(pairs, "error_u", units.error),
            "peak": _both(pairs.astype({"peak_bytes_old": float, "peak_bytes_new": float}), "peak_bytes", units.size),
        }
    )


def _beyond_noise(pairs: pd.DataFrame, records: pd.DataFrame) -> pd.DataFrame:
    """`pairs` without the changes below the noise floor that their case has in either run."""
    noise = pairs["case"].map(records.groupby("case")["noise_floor"].max()).astype(float).fillna(0)
    changes = ("latency_change", "ratio_change")
    factors = {change: pairs[change].astype(float) for change in changes}  # no pair at all has no type
    return pairs.assign(**{change: factor.where(_apart(factor) > noise) for change, factor in factors.items()})


def _apart(ratio: pd.Series) -> pd.Series:
    return ratio.where(ratio > 1, 1 / ratio) - 1


def _both(pairs: pd.DataFrame, column: str, shown: Callable[..., str]) -> list[str]:
    values = zip(pairs[f"{column}_old"].map(shown), pairs[f"{column}_new"].map(shown), strict=True)
    return [old if old == new else f"{old} → {new}" for old, new in values]


def _verdicts(pairs: pd.DataFrame, column: str, change: str) -> list[str]:
    compared = pairs[[f"{column}_old", f"{column}_new"]].notna().all(axis=1)
    unseen = compared.map({True: "no difference seen", False: units.MISSING})
    return [
        same if pd.isna(factor) else units.speed(factor) for factor, same in zip(pairs[change], unseen, strict=True)
    ]
