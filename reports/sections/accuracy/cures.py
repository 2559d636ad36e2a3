"""For somebody who comes with a symptom: its cause, how the baseline shows it in this run, and who does not."""

from collections.abc import Mapping, Sequence

import pandas as pd

from reports.markdown import Markup, code, codes, escape, issues
from reports.sections.accuracy import accuracy
from reports.sections.accuracy.costs import costs, priced
from reports.sections.accuracy.symptoms import SYMPTOMS, Evidence
from reports.sections.contracts import contracts


def table(
    judged: pd.DataFrame, answered: pd.DataFrame, standings: pd.DataFrame, families: Mapping[str, str]
) -> pd.DataFrame:
    """A row for each symptom that a baseline shows."""
    subjects, paid = _subjects(judged, answered), costs(standings)
    unfit = {name for _, _, name in accuracy.unfit(judged)}
    rows = []
    for symptom in SYMPTOMS:
        seen = [(subject, symptom.seen(subject)) for subject in subjects]
        measured = _measured(seen)
        if not measured:
            continue
        right = families.get(symptom.family, "")
        about = f" {code(symptom.family)}: {issues(right)}" if right else ""
        rows.append((symptom.reads, symptom.why, Markup(measured + about), Markup(_without(seen, unfit, paid))))
    columns = ["symptom", "why", "the baseline in this run", "without it, and the cost"]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def _subjects(judged: pd.DataFrame, answered: pd.DataFrame) -> list[Evidence]:
    several = judged["device"].nunique() > 1
    given = answered[answered["answer"] != contracts.SKIPPED]
    told = {
        key: dict(zip(rows["question"], rows["answer"], strict=True))
        for key, rows in given.groupby(["implementation", "device", "dtype"])
    }
    keys = ["task", "implementation", "baseline", "device", "dtype"]
    return [
        Evidence(
            str(task),
            str(implementation),
            bool(baseline),
            f"{dtype} on {device}" if several else str(dtype),
            str(dtype),
            rows[rows["pairs"] > 0].set_index("family"),
            told.get((implementation, device, dtype), {}),
        )
        for (task, implementation, baseline, device, dtype), rows in judged.groupby(keys, sort=False)
    ]


def _measured(seen: Sequence[tuple[Evidence, str | None]]) -> str:
    """What the baselines show at each place; those that show the same are named together."""
    told: dict[str, list[str]] = {}
    for name in dict.fromkeys(subject.implementation for subject, _ in seen if subject.baseline):
        parts = [f"{escape(it.place)}: {words}" for it, words in seen if it.implementation == name and words]
        if parts:
            told.setdefault("; ".join(parts), []).append(name)
    return " ".join(f"{codes(names)} – {words}." for words, names in told.items())


def _without(seen: Sequence[tuple[Evidence, str | None]], unfit: set[str], paid: pd.DataFrame) -> str:
    """Who does not show it wherever that was asked, of the tasks whose baseline does."""
    tasks = dict.fromkeys(subject.task for subject, words in seen if subject.baseline and words)
    told = []
    for task in tasks:
        asked = [(it, words) for it, words in seen if it.task == task and words is not None]
        have = unfit | {it.implementation for it, words in asked if words}
        everywhere = dict.fromkeys(it.place for it, _ in asked)
        without: dict[str, list[str]] = {}
        for it, _ in asked:
            if it.implementation not in have:
                without.setdefault(it.implementation, []).append(it.place)
        told.append(f"{escape(task)}: {priced(_only(without, len(everywhere)), paid)}")
    return "; ".join(told)


def _only(places: Mapping[str, Sequence[str]], count: int) -> dict[str, str]:
    """Names, and where alone they were asked, if there are other places."""
    return {name: f"{' and '.join(at)} only; " if len(at) < count else "" for name, at in places.items()}
