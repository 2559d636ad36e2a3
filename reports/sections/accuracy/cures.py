"""Symptoms, their causes, how the baseline shows them in this run, and which implementations don't."""

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
    subjects, cost = _subjects(judged, answered), costs(standings)
    unfit = {name for _, _, name in accuracy.unfit(judged)}
    rows = []
    for symptom in SYMPTOMS:
        seen = [(subject, symptom.seen(subject)) for subject in subjects]
        measured = _measured(seen)
        if not measured:
            continue
        right = families.get(symptom.family, "")
        about = f" {code(symptom.family)}: {issues(right)}" if right else ""
        rows.append((symptom.reads, symptom.why, Markup(measured + about), Markup(_without(seen, unfit, cost))))
    columns = ["symptom", "cause", "how much the baseline shows it", "implementations without it, and their cost"]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def _subjects(judged: pd.DataFrame, answered: pd.DataFrame) -> list[Evidence]:
    several = judged["device"].nunique() > 1
    given = answered[answered["answer"] != contracts.SKIPPED]
    contract = {
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
            contract.get((implementation, device, dtype), {}),
        )
        for (task, implementation, baseline, device, dtype), rows in judged.groupby(keys, sort=False)
    ]


def _measured(seen: Sequence[tuple[Evidence, str | None]]) -> str:
    """How the baselines show it at each place; baselines that show the same are named together."""
    found: dict[str, list[str]] = {}
    for name in dict.fromkeys(subject.implementation for subject, _ in seen if subject.baseline):
        parts = [f"{escape(it.place)}: {words}" for it, words in seen if it.implementation == name and words]
        if parts:
            found.setdefault("; ".join(parts), []).append(name)
    return " ".join(f"{codes(names)} – {words}." for words, names in found.items())


def _without(seen: Sequence[tuple[Evidence, str | None]], unfit: set[str], cost: pd.DataFrame) -> str:
    """Implementations that show it nowhere, for the tasks whose baseline shows it."""
    tasks = dict.fromkeys(subject.task for subject, words in seen if subject.baseline and words)
    parts = []
    for task in tasks:
        asked = [(it, words) for it, words in seen if it.task == task and words is not None]
        have = unfit | {it.implementation for it, words in asked if words}
        everywhere = dict.fromkeys(it.place for it, _ in asked)
        without: dict[str, list[str]] = {}
        for it, _ in asked:
            if it.implementation not in have:
                without.setdefault(it.implementation, []).append(it.place)
        parts.append(f"{escape(task)}: {priced(_only(without, len(everywhere)), cost)}")
    return "; ".join(parts)


def _only(places: Mapping[str, Sequence[str]], count: int) -> dict[str, str]:
    """Names, and the only places where they were tested, if there are others."""
    return {name: f"{' and '.join(at)} only; " if len(at) < count else "" for name, at in places.items()}
