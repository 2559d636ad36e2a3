"""The end of a run on a terminal: a line for each case, with its answer and what to beware of."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from reports import units
from reports.budget import BUDGET_U
from reports.markdown import plain
from reports.measured import Measured, measured
from reports.sections.accuracy.accuracy import judged
from reports.sections.contracts import contracts, drop_ins
from reports.sections.speed.table import FASTER, GROUP, MEMBER
from results import ROOT, load, load_findings

MOST = 20
COLUMNS = ("case", "answer", "time", "against", "error", "beware")

_PROVISIONAL = "provisional: "
_PLACE = ["implementation", "device", "dtype"]
_ZERO_ROW = "zero row"
_UNUSUAL = {"memory_format": "contiguous", "inputs": "prescribed", "cache": "warm", "device": "cpu"}


@dataclass(frozen=True, kw_only=True)
class CaseLines:
    """`table` has the columns `COLUMNS`, in plain text; `left_out` counts the cases without a line."""

    table: pd.DataFrame
    left_out: int


def case_lines(run: str = "latest", *, most: int = MOST, root: Path = ROOT) -> CaseLines:
    """A line for each case of a run, at most `most` of them: the largest cases of each group.

    The answer of a case is the fastest implementation that is within the error budget and seen to be faster than the
    baseline, or else the baseline. `error` is the largest absolute error.

    Raises:
        UnknownRun: there is no such run.
        ValueError: the file does not hold a run.
    """
    found, records = load_findings(run, root), load(run, root=root)
    ranked = measured(records, judged(found.accuracy, BUDGET_U), BUDGET_U)
    table = _lines(ranked, contracts.answered(found.contracts), most)
    return CaseLines(table=table, left_out=records["case"].nunique() - len(table))


def _lines(ranked: Measured, answered: pd.DataFrame, most: int) -> pd.DataFrame:
    cases = ranked.table.drop_duplicates("case")
    names, shown, chosen = _names(cases), _shown(cases, most), _chosen(ranked)
    ran = ranked.table[ranked.table["status"] == "ok"]
    rows = [
        (name, *_line(chosen[chosen["case"] == case], ran[ran["case"] == case], answered))
        for case, name in names.items()
        if case in shown
    ]
    return pd.DataFrame(rows, columns=COLUMNS, dtype="str").map(plain)


def _shown(cases: pd.DataFrame, most: int) -> set[str]:
    """The largest case of each group, then the second largest, and so on."""
    rank = cases.groupby(GROUP)["size"].rank(method="first", ascending=False)
    return {*cases.assign(rank=rank).sort_values("rank", kind="stable")["case"].head(most)}


def _chosen(ranked: Measured) -> pd.DataFrame:
    """The row of the answer of each case that has one."""
    fit = ranked.table[ranked.table["status"] == "ok"].merge(
        ranked.standings.loc[ranked.standings["within"], MEMBER], on=MEMBER
    )
    base = fit["case"].map(fit[fit["baseline"]].drop_duplicates("case").set_index("case")["implementation"])
    seen = fit["verdict"].str.removeprefix(_PROVISIONAL) == FASTER
    worth = np.select([seen, fit["baseline"], base.isna()], [0, 1, 2], 3)
    return fit.assign(worth=worth).sort_values(["worth", "time"]).drop_duplicates("case")


def _line(chosen: pd.DataFrame, ran: pd.DataFrame, answered: pd.DataFrame) -> tuple[str, ...]:
    """The cells of a case, after its name: of its answer's row, if any, among the rows of what ran."""
    for _, best in chosen.iterrows():
        base = ran[ran["baseline"]].head(1)
        error = f"error {units.power(_one_digit(best['error_abs']))}"
        beware = ", ".join(_beware(best, base, answered))
        return best["implementation"], units.seconds(best["latency_s"]), _against(best, base), error, beware
    return "nothing within the error budget" if len(ran) else "nothing ran", "", "", "", ""


def _against(best: pd.Series, base: pd.DataFrame) -> str:
    if best["baseline"]:
        return "(baseline; none seen faster)"
    for _, other in base.iterrows():
        name = other["implementation"] if other.get("reference_why") else "built-in"
        faster = best["verdict"].removeprefix(_PROVISIONAL) == FASTER
        how = units.times(1 / best["ratio"]) if faster else "too inexact"
        return f"({name} {units.seconds(other['latency_s'])}, {how})"
    return "(no baseline)"


def _one_digit(value: float) -> float:
    """A number with one significant digit."""
    return float(f"{value:.0e}")


def _beware(best: pd.Series, base: pd.DataFrame, answered: pd.DataFrame) -> list[str]:
    """What to know before shipping it: doubt about the verdict, answers at the edges, a slow first call."""
    words = []
    if best.get("provisional") or best["verdict"].startswith(_PROVISIONAL):
        words.append("provisional: the machine was busy")
    here = answered[(answered[_PLACE] == best[_PLACE]).all(axis=1)]
    words += [f"zero rows {answer}" for answer in here.loc[here["question"] == _ZERO_ROW, "answer"]]
    if not best["baseline"] and len(base):
        pair = best[_PLACE].to_frame().T.assign(reference=base.iloc[0]["implementation"])
        if (drop_ins.bites(pair, answered)["question"] != _ZERO_ROW).any():
            words.append("not a drop-in")
    return words + ([f"first call {units.seconds(best['first_call_s'])}"] if best["slow_start"] else [])


def _names(cases: pd.DataFrame) -> pd.Series:
    """A name for each case: its task, shape and dtype, and what else tells it from the other cases."""
    same = cases.groupby(["task", "shape", "dtype", "direction"])
    names = cases["task"] + " " + cases["shape"] + " " + cases["dtype"]
    names += (" " + cases["direction"]).where(cases["direction"] != "forward", "")
    for axis, usual in _UNUSUAL.items():
        several = same[axis].transform("nunique") > 1
        names += (" " + cases[axis]).where(several & (cases[axis] != usual), "")
    return names.set_axis(cases["case"])
