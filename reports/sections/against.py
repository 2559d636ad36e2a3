"""Two runs side by side: what became faster, slower or broken, and what raises an alarm."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from reports import units
from reports.files import write_csv
from reports.markdown import code
from reports.sections.conditions import differences
from results import Run, UnknownBaseline, load, load_run

PAIR = ["implementation", "case"]
MEASURED = ["latency_s", "latency_low", "latency_high", "ratio", "ratio_low", "ratio_high", "error_u", "peak_bytes"]
SLOWER = 1.10
"""Alarm from 10 % slower, relative to the baseline of the same case, if the intervals don't overlap."""
BASELINE_SLOWER = 1.5
"""The baseline has only its absolute time, which drifts with the machine: a coarser gate."""
MORE_ERROR, MORE_MEMORY = 1.5, 1.02
ROWS = 40


def comparison(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """One row for each implementation and case in both runs, the greatest change of latency first.

    The measured columns come with `_old` and `_new`; `latency_change` and `ratio_change` are
    new over old, and missing where the two intervals overlap: no difference seen. `ratio_change` is missing too where
    the two ratios have different references.
    """
    columns = [*PAIR, "status", "reference", *MEASURED]
    rows = old[columns].merge(new[columns], on=PAIR, suffixes=("_old", "_new"))
    rows["latency_change"] = _change(rows, "latency_s", "latency")
    rows["ratio_change"] = _change(rows, "ratio", "ratio").where(rows["reference_old"] == rows["reference_new"])
    rows["status_change"] = rows["status_old"] != rows["status_new"]
    size = pd.concat([rows["latency_change"], 1 / rows["latency_change"]], axis=1).max(axis=1).fillna(1)
    return rows.assign(size=size).sort_values(
        ["status_change", "size", *PAIR], ascending=[False, False, True, True], ignore_index=True
    )


def only_in_one(old: pd.DataFrame, new: pd.DataFrame) -> tuple[int, int]:
    """How many pairs of implementation and case are only in the old run, and only in the new run."""
    sides = old[PAIR].merge(new[PAIR], on=PAIR, how="outer", indicator=True)["_merge"]
    return int((sides == "left_only").sum()), int((sides == "right_only").sum())


def worse(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Implementation, case and what happened, for each pair of both runs that got worse.

    A ratio to the baseline also rises where the baseline became faster. That alone raises no alarm: the
    implementation's own time must have risen too. Where the baseline is another, only the own times are compared.
    """
    rows = comparison(old, new)
    worked, works = rows["status_old"] == "ok", rows["status_new"] == "ok"
    latency = rows["latency_s_new"] / rows["latency_s_old"]
    slower = (rows["ratio_change"] > SLOWER) & (latency > 1)
    is_baseline = (rows["ratio_new"] == 1) & (rows["ratio_low_new"] == 1)
    alone = is_baseline | (rows["reference_old"] != rows["reference_new"])
    baseline_slower = alone & (rows["latency_change"] > BASELINE_SLOWER)
    memory = rows["peak_bytes_new"].astype(float) / rows["peak_bytes_old"].astype(float)
    error = rows["error_u_new"] / rows["error_u_old"]
    happened: list[tuple[pd.Series, str | pd.Series, pd.Series]] = [
        (worked & ~works, rows["status_new"], latency),
        (works & (slower | baseline_slower), "slower", latency),
        (works & (error > MORE_ERROR), "error", error),
        (works & (memory > MORE_MEMORY), "memory", memory),
    ]
    parts = [rows.assign(what=what, factor=factor)[where] for where, what, factor in happened]
    return pd.concat(parts, ignore_index=True)[[*PAIR, "what", "factor"]]


@dataclass(frozen=True, kw_only=True)
class Against:
    """The comparison with an older run: its name, a summary, and the differences."""

    name: str
    summary: str
    environments: pd.DataFrame
    changes: pd.DataFrame
    pairs: int


def side_by_side(old: str, after: Run, records: pd.DataFrame, root: Path, folder: Path, baseline: str = "") -> Against:
    """Compare the run `after` and its records with the run `old`; every pair goes to `comparison.csv` in `folder`.

    The ratios of `old` are against `baseline` too, or the baseline of `after`, where `old` has it.

    Raises:
        UnknownRun: there is no such old run.
    """
    before, tables = load_run(old, root), (_loaded(old, baseline or after.baseline, root), records)
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
    """How many pairs became faster, became slower or changed status."""
    faster, slower = (pairs["latency_change"] < 1).sum(), (pairs["latency_change"] > 1).sum()
    changed = pairs["status_change"].sum()
    same = (pairs[["status_old", "status_new"]] == "ok").all(axis=1).sum() - faster - slower
    return (
        f"Pairs of implementation and case: {len(pairs):,} in both runs, {old_only:,} only in the old one, "
        f"{new_only:,} only in the new one. Of those in both, {faster:,} became faster, {slower:,} slower, "
        f"{changed:,} changed status, and {same:,} show no difference." + _apart_in_reference(pairs)
    )


def changes(pairs: pd.DataFrame) -> pd.DataFrame:
    """The changes from the old run to the new, as a table."""
    peaks = pairs.astype({"peak_bytes_old": float, "peak_bytes_new": float})
    return pd.DataFrame(
        {
            "implementation": pairs["implementation"],
            "case": pairs["case"],
            "status": _both(pairs, "status", lambda status: status.replace("_", " ")),
            "latency": _both(pairs, "latency_s", units.seconds),
            "change of latency": _verdicts(pairs, "latency_s", "latency_change"),
            "against the baseline": _both(pairs, "ratio", units.speed),
            "change against the baseline": _verdicts(pairs, "ratio", "ratio_change"),
            "largest error": _both(pairs, "error_u", units.absolute),
            "peak memory": _both(peaks, "peak_bytes", units.size),
        }
    )


def _loaded(run: str, baseline: str, root: Path) -> pd.DataFrame:
    try:
        return load(run, baseline=baseline, root=root)
    except UnknownBaseline:
        return load(run, root=root)


def _apart_in_reference(pairs: pd.DataFrame) -> str:
    others = pairs[pairs["reference_old"] != pairs["reference_new"]]
    names = others[["reference_old", "reference_new"]].drop_duplicates().replace("", "none").to_numpy()
    which = ", ".join(f"{code(old)} then, {code(new)} now" for old, new in names)
    return f" The ratios of {len(others):,} are not compared: their baseline was {which}." if len(others) else ""


def _change(rows: pd.DataFrame, value: str, interval: str) -> pd.Series:
    apart = (rows[f"{interval}_high_old"] < rows[f"{interval}_low_new"]) | (
        rows[f"{interval}_high_new"] < rows[f"{interval}_low_old"]
    )
    return (rows[f"{value}_new"] / rows[f"{value}_old"]).where(apart)


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
