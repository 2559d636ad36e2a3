"""The page that shows the rates: docs/figures/always-one.md."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from diagnosis.validity.baselines import BASELINES
from diagnosis.validity.rates import Share, instead, judges, share
from suites.records.record import Environment

_HEAD = """# How often is the diagnosis right?

We plant faults in embeddings, pairs and networks, and compare the diagnosis with what was planted. There are {causes}
causes, {together} pairs of causes at once, {healthy} kinds of healthy sets, and {foreign} foreign causes that the
diagnosis does not know. Each has {sizes} sizes ({shapes}) and every dtype in which it can exist: {cases:,} cases.
Each cause has {seeds} seeds, every other kind a quarter of that. A seed also sets the strength of a fault.
`diagnosis/validity/planted/` describes each fault. Intervals are 95 % Clopper-Pearson intervals.

Measured on {cpu}, {cores} cores, torch {torch}: {minutes:.0f} minutes of two processes, one thread each.
To repeat it on your machine: `python -m diagnosis.validity --seeds {seeds}`.
"""
_CONFUSION = """The table lists only the wrong answers: the planted cause, and what the diagnosis named first.

![Planted cause by cause named first](always-one.png)
"""
_JUDGES = """The task is to separate faulty sets (planted, two at once, foreign) from healthy ones. Each baseline gets
the best threshold for these very cases, and a NaN of it counts as an alarm. Only our diagnosis names a cause.
"""


class Goal(NamedTuple):
    """A goal: the measured share must be at least (≥) or at most (≤) `limit`."""

    what: str
    sign: str
    limit: float
    measured: Share

    @property
    def met(self) -> bool:
        """Whether the measured share meets the limit; its interval does not count."""
        found = self.measured.share
        return found >= self.limit if self.sign == "≥" else found <= self.limit


def page(answers: pd.DataFrame, environment: Environment) -> str:
    """The whole page in Markdown, from the table of `rates.table`."""
    of = {str(group): part for group, part in answers.groupby("group", sort=False)}
    counts = {group: part["name"].nunique() for group, part in of.items()}
    shapes = sorted(set(zip(answers["rows"], answers["columns"], strict=True)))
    head = _HEAD.format(
        causes=counts["planted"],
        together=counts["together"],
        healthy=counts["healthy"],
        foreign=counts["foreign"],
        sizes=len(shapes),
        shapes=", ".join(f"{rows} x {columns}" for rows, columns in shapes),
        seeds=answers["seed"].nunique(),
        cases=len(answers),
        cpu=environment.cpu,
        cores=environment.cores,
        torch=environment.torch,
        minutes=answers["work_s"].sum() / 2 / 60,
    )
    sections = {
        "In short": _goals(answers),
        "Compared with baselines": f"{_JUDGES}\n{_judges(answers)}",
        "Each cause": _causes(of["planted"]),
        "By size and dtype": _cells(of["planted"]),
        "Confusion": f"{_CONFUSION}\n{_confused(of['planted'])}",
        "Two at once": _kinds(of["together"], "both named"),
        "Healthy sets": _kinds(of["healthy"], "called healthy"),
        "Foreign causes": _kinds(of["foreign"], "called unknown"),
    }
    return "\n".join([head, *(f"## {title}\n\n{text}\n" for title, text in sections.items())])


def goals(answers: pd.DataFrame) -> list[Goal]:
    """The goals with the measured shares."""
    of = {group: answers[answers["group"] == group] for group in ("planted", "together", "healthy", "foreign")}
    planted = of["planted"]
    causes = planted[~planted["said"].isin(("healthy", "unknown", "refused"))]
    return [
        Goal("the planted cause is named first", "≥", 0.95, share(planted["right"])),
        Goal("it is among the first two", "≥", 0.99, share(planted["second"])),
        Goal("the first cause's counterfactual flips the symptom", "≥", 0.90, share(causes["flips"])),
        Goal("two causes at once are both named", "≥", 0.80, share(of["together"]["right"])),
        Goal("false alarms on healthy sets", "≤", 0.01, share(of["healthy"]["alarm"])),
        Goal('a foreign cause is "unknown"', "≥", 0.80, share(of["foreign"]["right"])),
    ]


def _goals(answers: pd.DataFrame) -> str:
    rows = [
        {"": goal.what, "goal": f"{goal.sign} {goal.limit * 100:.0f} %", "measured": percent(goal.measured),
         "cases": f"{goal.measured.hits:,} of {goal.measured.of:,}", "met": "yes" if goal.met else "**no**"}
        for goal in goals(answers)
    ]  # fmt: skip
    seconds = answers["seconds"]
    took = f"{seconds.median():.2f} s of CPU time (median), {seconds.quantile(0.99):.2f} s at the 99th percentile"
    return f"{_markdown(rows)}\n\nA diagnosis takes {took}."


def percent(found: Share) -> str:
    """A share with its interval in percent."""
    return f"{found.share * 100:.3g} % ({found.low * 100:.3g} to {found.high * 100:.3g})" if found.of else ""


def _judges(answers: pd.DataFrame) -> str:
    rows = [
        {"": one.name, "area under ROC": f"{one.auc:.3f}", "faults seen": f"{one.sensitivity * 100:.1f} %",
         "false alarms": f"{one.alarms * 100:.2f} %", "threshold": f"{one.threshold:.3g}".replace("nan", "")}
        for one in judges(answers, tuple(BASELINES))
    ]  # fmt: skip
    return _markdown(rows)


def _causes(planted: pd.DataFrame) -> str:
    rows = [
        {"cause": f"`{name}`", "cases": len(cell), "named first": percent(share(cell["right"])),
         "in the first two": percent(share(cell["second"])), "flips": percent(share(cell["flips"][cell["right"]])),
         "instead": instead(cell["said"][~cell["right"]].tolist())}
        for name, cell in planted.groupby("name", sort=False)
    ]  # fmt: skip
    return _markdown(rows)


def _cells(planted: pd.DataFrame) -> str:
    shares = planted.groupby(["rows", "columns", "dtype"], sort=False)["right"].mean()
    text = shares.map("{:.1%}".format).unstack("dtype")
    text.index = pd.Index([f"{rows} x {columns}" for rows, columns in text.index], name="named first")
    return text.fillna("").to_markdown()


def _confused(planted: pd.DataFrame) -> str:
    wrong = planted[~planted["right"]]
    if wrong.empty:
        return "None."
    cells = wrong.groupby(["name", "said"], sort=False).size().reset_index(name="cases")
    cells["of"] = cells["name"].map(planted["name"].value_counts())
    return cells.rename(columns={"name": "planted"}).to_markdown(index=False)


def _kinds(group: pd.DataFrame, right: str) -> str:
    rows = [
        {"": name, "cases": len(cell), right: percent(share(cell["right"])), "instead": _instead(cell[~cell["right"]])}
        for name, cell in group.groupby("name", sort=False)
    ]
    return _markdown(rows)


def _instead(wrong: pd.DataFrame) -> str:
    said = [" + ".join(named) or verdict for named, verdict in zip(wrong["named"], wrong["said"], strict=True)]
    return instead(said)


def _markdown(rows: Sequence[Mapping[str, object]]) -> str:
    return pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True)
