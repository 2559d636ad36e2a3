"""What each implementation answers where there is no cosine, and which answer alike."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from reports import units
from reports.markdown import Markup, code, codes, escape, shortened

TABLE = ["task", "device", "dtype"]
COLUMNS = 8
EPS = "eps rule"
SKIPPED = "not asked"
"""The answer where a question was skipped, since its answer depends little on the dtype."""
_RULES = {
    "": units.MISSING,
    "none": "no eps",
    "per norm, maximum": "each norm ≥ {}",
    "per norm, added": "each norm + {}",
    "per norm, added to squares": "each norm √(‖x‖² + ({})²)",
    "of the product, maximum": "product of the norms ≥ {}",
    "of the product, added": "product of the norms + {}",
    "0 below": "0 below a norm of {}",
    "not divided below": "not divided below a norm of {}",
}
_SHARE = re.compile(r"([\d.]+) %.*")
_EXCESS = re.compile(r"(?<=by up to )(\d+) u\b")


def answered(contracts: pd.DataFrame) -> pd.DataFrame:
    """The answers, the eps rule in words first, with the `kind` of each.

    Answers of one kind differ only in a measured share.
    """
    ok = contracts[(contracts["status"] == "ok") & ~contracts["question"].isin(["", EPS])]
    rules = ok.drop_duplicates([*TABLE, "implementation"])
    words = [_rule(rule, eps) for rule, eps in zip(rules["eps_rule"], rules["eps"], strict=True)]
    rows = pd.concat([rules.assign(question=EPS, answer=words), ok], ignore_index=True)
    return rows.assign(kind=["some" if _SHARE.fullmatch(answer) else answer for answer in rows["answer"]])


class Contracts(NamedTuple):
    """One table of answers: a column for each group of implementations that answer alike, the baseline's first.

    `answers` has a row for each question. `differs` marks answers of another kind than the baseline's, where both were
    asked.
    """

    task: str
    device: str
    dtype: str
    groups: list[tuple[str, ...]]
    answers: pd.DataFrame
    differs: pd.DataFrame


def side_by_side(answered: pd.DataFrame) -> list[Contracts]:
    """The answers of each task, device and dtype, in tables of at most `COLUMNS` columns, the nearest first."""
    return [
        part
        for (task, device, dtype), rows in answered.groupby(TABLE, sort=False)
        for part in _split(str(task), str(device), str(dtype), rows)
    ]


@dataclass(frozen=True, kw_only=True)
class Answers:
    """The answers of one task in one dtype, in one or more tables."""

    name: str
    tables: list[pd.DataFrame]


def unmeasured(found: pd.DataFrame) -> list[str]:
    """Implementations whose contract could not be measured, and why: a line of Markdown each."""
    rows = found[~found["status"].isin(["ok", "unsupported", "absent"])]
    rows = rows.groupby(["implementation", "reason"], sort=False)["dtype"].agg(tuple).reset_index()
    parts = zip(rows["implementation"], rows["dtype"], rows["reason"], strict=True)
    return [f"{code(name)} in {codes(dtypes)}: {escape(shortened(reason))}" for name, dtypes, reason in parts]


def answers(answered: pd.DataFrame) -> list[Answers]:
    """The answers, a column for each group that answers alike; bold where they differ from the baseline."""
    several = answered["device"].nunique() > 1
    tables: dict[str, list[pd.DataFrame]] = {}
    for each in side_by_side(answered):
        name = f"{each.task}, {each.dtype}" + (f", {each.device}" if several else "")
        tables.setdefault(name, []).append(_table(each))
    return [Answers(name=name, tables=parts) for name, parts in tables.items()]


def excess(answer: str, show: Callable[[float], str] = units.error) -> str:
    """An answer such as "15 %, by up to 131072 u", with its excess as `show` writes that many u: "by up to 0.0078"."""
    return _EXCESS.sub(lambda most: show(float(most[1])), answer)


def _split(task: str, device: str, dtype: str, rows: pd.DataFrame) -> list[Contracts]:
    rows = rows[rows.groupby("question")["answer"].transform(lambda given: (given != SKIPPED).any())]
    answers, kinds = _wide(rows, "answer"), _wide(rows, "kind")
    baseline = next(iter(rows.loc[rows["baseline"], "implementation"]), None)
    usual = baseline or answers.columns[0]
    asked = (kinds != SKIPPED) & (kinds[[usual]] != SKIPPED).to_numpy()
    apart = kinds.ne(kinds[usual], axis="index") & asked & (baseline is not None)
    groups = _alike(kinds)
    first = next(group for group in groups if usual in group)
    others = sorted((group for group in groups if group != first), key=lambda group: (apart[group[0]].sum(), group))
    step = COLUMNS - 2
    pages = [[first, *others[at : at + step]] for at in range(0, max(1, len(others)), step)]
    return [
        Contracts(
            task,
            device,
            dtype,
            groups=page,
            answers=pd.DataFrame({at: answers[list(group)].apply(_merged, axis=1) for at, group in enumerate(page)}),
            differs=pd.DataFrame({at: apart[group[0]] for at, group in enumerate(page)}),
        )
        for page in pages
    ]


def _wide(rows: pd.DataFrame, values: str) -> pd.DataFrame:
    wide = rows.pivot(index="question", columns="implementation", values=values)
    return wide.reindex(rows["question"].unique()).fillna(units.MISSING)


def _alike(kinds: pd.DataFrame) -> list[tuple[str, ...]]:
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, answers in kinds.items():
        groups.setdefault(tuple(answers), []).append(str(name))
    return [tuple(names) for names in groups.values()]


def _merged(answers: Iterable[str]) -> str:
    """One answer for the group; of shares, their range."""
    distinct = list(dict.fromkeys(answers))
    if len(distinct) == 1:
        return distinct[0]
    shares = sorted(float(match[1]) for answer in distinct if (match := _SHARE.fullmatch(answer)))
    return f"{shares[0]:g} to {shares[-1]:g} %" if shares[0] < shares[-1] else f"{shares[0]:g} %"


def _rule(rule: str, eps: float) -> str:
    return _RULES[rule].format(units.power(eps)) if rule in _RULES else f"{rule} {units.power(eps)}"


def _table(each: Contracts) -> pd.DataFrame:
    cells = {at: _cells(map(excess, each.answers[at]), each.differs[at]) for at in range(len(each.groups))}
    # As objects: pandas' own strings would forget what is Markup.
    table = pd.DataFrame(cells, dtype=object)
    table.insert(0, "question", each.answers.index)
    return table.set_axis(pd.Index(["question", *each.groups], tupleize_cols=False), axis="columns")


def _cells(answers: Iterable[str], differs: Iterable[bool]) -> list[str]:
    return [Markup(f"**{escape(text)}**") if apart else text for text, apart in zip(answers, differs, strict=True)]
