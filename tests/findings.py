"""Made-up findings of an error suite, and what reports read of them."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd

from reports import BUDGET, render
from reports.sections.accuracy import accuracy
from reports.sections.contracts import contracts
from reports.sections.speed.standings import standings
from reports.sections.speed.table import prepare
from results import Status, load, load_accuracy, load_contracts
from suites.records.finding import Accuracy, Contract, Deviation, KnownBug, Resolution
from suites.records.jsonl import Line
from suites.records.record import Record
from tests.runs import CASE, head, measured, save

U = 2.0**-24

BASELINES = ("builtin", "broadcast")

RIGHT = {
    "self": "Exactly 1: the rows are equal. (pytorch/pytorch#78064)",
    "long_rows": "Exactly 1: one running sum drifts. (pytorch/pytorch#68326)",
    "zeros": "The rows around a zero row are right.",
}

NASTY = "a|b`c` <img src=x> ![i](http://e.vil/p.png) [l](http://e.vil)\n# heading\n- e/v#1) \N{RIGHT-TO-LEFT OVERRIDE}"

HEAD = replace(head("errors"), families=RIGHT)

LOST = "{} answers are NaN or infinite where the truth is finite"


def deviated(
    name: str, family: str, error_u: float = 1.0, *, dtype: str = "float32", output: str = "", task: str = "paired",
    status: Status = Status.OK, reason: str = "", bound_u: float = 4.0, above: int | None = 0, exact: int = 100,
    kendall: float | None = None, distinct: int = 100, nans: int = 0, lost: int = 0,
) -> Accuracy:  # fmt: skip
    """100 pairs of which the worst is off by `error_u`, where `bound_u` is allowed."""
    found = Deviation(
        pairs=100,
        output_dtype=output or dtype,
        error_max=error_u * U,
        error_rms=error_u * U / 4,
        error_p999=error_u * U,
        ulp_max=None,
        lost=lost,
        nans=nans,
        infs=0,
        above_one=None if task == "angle" else above,
        exactly_one=None if task == "angle" else exact,
        distinct=distinct,
        kendall=kendall,
        bound=bound_u * U,
        bound_share=error_u / bound_u,
    )
    return replace(undeviated(name, family, status, reason, dtype=dtype, task=task), deviation=found)


def undeviated(
    name: str, family: str, status: Status, reason: str, *, dtype: str = "float32", task: str = "paired"
) -> Accuracy:
    return Accuracy(
        implementation=name, baseline=name in BASELINES, task=task, family=family, dtype=dtype, device="cpu",
        status=status, reason=reason,
    )  # fmt: skip


def contract(
    name: str, answers: Mapping[str, str], rule: str = "none", eps: float = 0.0, *, dtype: str = "float32",
    task: str = "paired", status: Status = Status.OK, reason: str = "",
) -> Contract:  # fmt: skip
    return Contract(
        implementation=name, baseline=name in BASELINES, task=task, dtype=dtype, device="cpu", status=status,
        reason=reason, eps_rule=rule, eps=eps, answers=answers,
    )  # fmt: skip


def seeing(
    name: str,
    degrees: float | None,
    distinct: int,
    *,
    dtype: str = "float32",
    task: str = "paired",
    device: str = "cpu",
) -> Resolution:
    return Resolution(
        implementation=name, baseline=name in BASELINES, task=task, dtype=dtype, device=device, status=Status.OK,
        smallest_angle=None if degrees is None else math.radians(degrees), distinct=distinct, pairs=16384,
    )  # fmt: skip


def bug(name: str, happens: bool | None, issue: str = "pytorch/pytorch#78064") -> KnownBug:
    return KnownBug(
        name=name,
        issue=issue,
        package="torch 2.13.0",
        what=f"{name} goes wrong",
        happens=happens,
        seen="0.5",
        right="1",
    )


def off(by: float, bound: float) -> str:
    return f"off by {by:.3g}, above {bound:.3g}, the most that its stated arithmetic explains"


USUAL = {"zero row": "0", "huge norms": "to 1e19", "above 1": "22 %, by up to 4 u", "NaN": "NaN", "int8": "not asked"}


def saved(root: Path, *found: Line) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    save(root, *found, run=HEAD)
    return root


def rendered(root: Path, *found: Line) -> str:
    return render("errors", root=saved(root, *found), out=root / "out").read_text()


def judged(root: Path, *found: Accuracy) -> pd.DataFrame:
    return accuracy.judged(load_accuracy("errors", saved(root, *found)), BUDGET)


def usual_time(name: str, ratio: float, dtype: str = "float32", peak: int | None = None) -> Record:
    """A record of the usual case whose time is `ratio` of the baseline's."""
    base = name == "builtin"
    case = replace(CASE, dtype=dtype)
    control_s = [1e-3] * 20 if base else ()
    return measured(name, [ratio * 1e-3] * 20, baseline=base, control_s=control_s, case=case, peak_bytes=peak)


def measured_in(root: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What a run holds, judged, and its standings."""
    found = accuracy.judged(load_accuracy("errors", root), BUDGET)
    table = prepare(load("errors", root=root))
    return found, standings(table, BUDGET, accuracy.unfit(found))


def answered(root: Path, *found: Contract) -> pd.DataFrame:
    return contracts.answered(load_contracts("errors", saved(root, *found)))
