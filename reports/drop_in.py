"""Compare like with like: what an implementation answers where another one answers something else."""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from reports.markdown import Markup, code, codes, escape
from reports.sections.contracts import contracts, drop_ins
from reports.sections.speed.summary import shortened

NAMES = 12
BITES = 4
_WHOSE = ["implementation", "reference"]


@dataclass(frozen=True, kw_only=True)
class Answers:
    """The answers of one task in one dtype, a table or more."""

    name: str
    tables: list[pd.DataFrame]


def warnings(answer: pd.DataFrame, answered: pd.DataFrame) -> list[str]:
    """What bites whoever puts an answer of the report in the place of its baseline: a sentence for each such pair."""
    rows = drop_ins.bites(answer, answered)
    several = answered["device"].nunique() > 1
    return [
        f"**Not a drop-in**: {code(str(chosen))} for {code(str(reference))}: "
        f"{'; '.join(_bite(row, several) for _, row in bites.head(BITES).iterrows())}{_more(bites)}."
        for (chosen, reference), bites in rows.groupby(_WHOSE, sort=False)
    ]


def alike(answered: pd.DataFrame) -> str:
    """Who answers as its baseline does; "" without a baseline."""
    rows = drop_ins.drop_ins(answered)
    if rows.empty:
        return ""
    told = [
        f"for {code(baseline)} {codes(others, NAMES) if others else 'nobody'}"
        for baseline, others in zip(rows["baseline"], rows["implementations"], strict=True)
    ]
    return (
        f"Drop-ins, which give the same answer to each question: {'; '.join(told)}. "
        "In bold: another answer than the baseline's, which comes first."
    )


def untold(found: pd.DataFrame) -> list[str]:
    """Whose contract could not be told though it was asked, and why, a line of Markdown each."""
    rows = found[~found["status"].isin(["ok", "unsupported", "absent"])]
    rows = rows.groupby(["implementation", "reason"], sort=False)["dtype"].agg(tuple).reset_index()
    told = zip(rows["implementation"], rows["dtype"], rows["reason"], strict=True)
    return [f"{code(name)} in {codes(dtypes)}: {escape(shortened(reason))}" for name, dtypes, reason in told]


def answers(answered: pd.DataFrame) -> list[Answers]:
    """The answers of all that answer alike side by side, with those in bold that are not the baseline's."""
    several = answered["device"].nunique() > 1
    tables: dict[str, list[pd.DataFrame]] = {}
    for each in contracts.side_by_side(answered):
        name = f"{each.task}, {each.dtype}" + (f", {each.device}" if several else "")
        tables.setdefault(name, []).append(_table(each))
    return [Answers(name=name, tables=parts) for name, parts in tables.items()]


def _bite(row: pd.Series, several_devices: bool) -> str:
    seen = escape(drop_ins.BITES[row["question"]].says.format(row["seen"]))
    places = zip(row["dtypes"], row["devices"], strict=True)
    where = codes(f"{dtype} on {device}" if several_devices else dtype for dtype, device in places)
    return f"{seen}{'' if row['everywhere'] else f' for {where}'} ({code(row['reference'])}: {escape(row['usual'])})"


def _more(bites: pd.DataFrame) -> str:
    return f"; and {len(bites) - BITES} more" if len(bites) > BITES else ""


def _table(each: contracts.Contracts) -> pd.DataFrame:
    cells = {at: _cells(each.answers[at], each.differs[at]) for at in range(len(each.groups))}
    # As objects: pandas' own strings would forget what is Markup.
    table = pd.DataFrame(cells, dtype=object)
    table.insert(0, "question", each.answers.index)
    return table.set_axis(pd.Index(["question", *each.groups], tupleize_cols=False), axis="columns")


def _cells(answers: Iterable[str], differs: Iterable[bool]) -> list[str]:
    return [Markup(f"**{escape(text)}**") if apart else text for text, apart in zip(answers, differs, strict=True)]
