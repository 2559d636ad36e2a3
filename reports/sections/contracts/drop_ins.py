"""Which implementations can replace a baseline, and what changes where they can't."""

import re
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from reports import units
from reports.markdown import code, codes, escape
from reports.sections.contracts import contracts

NAMES = 12
MOST = 4
_WHOSE = ["implementation", "reference"]
_GIVEN = ["implementation", "device", "dtype", "question", "answer", "kind"]
_PAIR = ["implementation", "reference", "question"]


class Bite(NamedTuple):
    """A question on which a replacement may differ: its answer in words, and a pattern of harmless answers."""

    says: str
    harmless: str = r"(?!)"


BITES: Mapping[str, Bite] = {
    "zero row": Bite("a zero row gives {}"),
    contracts.EPS: Bite("{}", units.MISSING),
    "huge norms": Bite("huge norms are right {}", "all"),
    "above 1": Bite("equal rows are above 1: {}", "never"),
    "NaN": Bite("a NaN gives {}", "NaN"),
    "infinity": Bite("an infinity gives {}", "NaN"),
    "result": Bite("the result is {}"),
    "tiny norms": Bite("tiny norms are right {}", "all"),
    "gradient at a zero row": Bite("the gradient at a zero row is {}", "0"),
    "two zero rows": Bite("two zero rows give {}"),
    "int64": Bite("int64 gives {}", ".*right"),
    "int8": Bite("int8 gives {}", ".*right"),
    "[2, 3] with [1, 1]": Bite("[2, 3] with [1, 1] gives {}", "right"),
    "[N, 1, D] with [1, M, D]": Bite("[N, 1, D] with [1, M, D] gives {}", "right"),
}
"""The questions (suites/errors/contract.py) that decide whether one implementation can replace another."""


def bites(answer: pd.DataFrame, answered: pd.DataFrame) -> pd.DataFrame:
    """One row for each question of `BITES` on which a recommended implementation and the baseline differ.

    Columns: `implementation`, `reference`, `question`, `seen`, and `usual`, the baseline's answer. `dtypes` and
    `devices` are tuples of the places where they differ; `everywhere` marks that these are all places asked.
    """
    chosen = answer[["implementation", "reference", "device", "dtype"]].dropna().drop_duplicates()
    given = answered.loc[answered["question"].isin(list(BITES)) & (answered["answer"] != contracts.SKIPPED), _GIVEN]
    usual = given.rename(columns={"implementation": "reference", "answer": "usual", "kind": "usual_kind"})
    both = chosen.merge(given).merge(usual).rename(columns={"answer": "seen"})
    asked = both.groupby(_PAIR)["dtype"].size()
    bites = [
        not re.fullmatch(BITES[question].harmless, seen)
        for question, seen in zip(both["question"], both["seen"], strict=True)
    ]
    both = both[(both["kind"] != both["usual_kind"]) & np.array(bites, dtype=bool)]
    alike = both.assign(question=both["question"].replace("two zero rows", "zero row"))
    both = both[~alike.duplicated([*_PAIR, "device", "dtype", "seen", "usual"])]
    grouped = both.groupby([*_PAIR, "seen", "usual"], sort=False)
    found = grouped.agg(dtypes=("dtype", tuple), devices=("device", tuple)).reset_index()
    rank = found["question"].map({question: rank for rank, question in enumerate(BITES)})
    everywhere = found["dtypes"].map(len) == asked.reindex(pd.MultiIndex.from_frame(found[_PAIR])).to_numpy()
    return found.assign(everywhere=everywhere, rank=rank).sort_values("rank", kind="stable").drop(columns="rank")


def drop_ins(answered: pd.DataFrame) -> pd.DataFrame:
    """One row for each baseline: `implementations` are those that answer as it does wherever both were asked."""
    keys = [*contracts.TABLE, "question"]
    answered = answered[answered["answer"] != contracts.SKIPPED]
    usual = answered[answered["baseline"]]
    both = answered.merge(usual[[*keys, "implementation", "kind"]], on=keys, suffixes=("", "_usual"))
    alike = (both["kind"] == both["kind_usual"]).groupby([both["implementation_usual"], both["implementation"]]).all()
    found = {
        name: tuple(other for other in alike[name].index[alike[name]] if other != name)
        for name in usual["implementation"].unique()
    }
    return pd.DataFrame({"baseline": list(found), "implementations": list(found.values())})


def warnings(answer: pd.DataFrame, answered: pd.DataFrame) -> list[str]:
    """What changes if an answer of the report replaces its baseline: a sentence for each such pair."""
    rows = bites(answer, answered)
    several = answered["device"].nunique() > 1
    return [
        f"**Not a drop-in**: {code(str(chosen))} for {code(str(reference))}{_dtypes(apart, answered)}: "
        f"{'; '.join(_bite(row, several) for _, row in apart.head(MOST).iterrows())}{_more(apart)}."
        for (chosen, reference), apart in rows.groupby(_WHOSE, sort=False)
    ]


def in_short(rows: pd.DataFrame) -> dict[tuple[str, str, str, str], str]:
    """The worst of `bites`, by implementation, reference, device and dtype: "not a drop-in: a zero row gives NaN"."""
    short: dict[tuple[str, str, str, str], str] = {}
    for _, row in rows.iterrows():
        for place in zip(row["devices"], row["dtypes"], strict=True):
            short.setdefault((row["implementation"], row["reference"], *place), f"not a drop-in: {_says(row)}")
    return short


def brief(rows: pd.DataFrame) -> list[str]:
    """A sentence for each baseline of `bites`: which replacements differ, and what they make of a zero row."""
    zero = rows[rows["question"] == "zero row"].drop_duplicates(_WHOSE).set_index(_WHOSE)["seen"]
    seen = {pair: f" (a zero row gives {escape(answer)})" for pair, answer in zero.items()}
    return [
        f"Not a drop-in for {code(str(reference))}: "
        f"{', '.join(code(name) + seen.get((name, reference), '') for name in names)}."
        for reference, names in rows.groupby("reference", sort=False)["implementation"].unique().items()
    ]


def alike(answered: pd.DataFrame) -> str:
    """The drop-ins of each baseline; "" without a baseline."""
    rows = drop_ins(answered)
    if rows.empty:
        return ""
    parts = [
        f"for {code(baseline)}: {codes(others, NAMES) if others else 'none'}"
        for baseline, others in zip(rows["baseline"], rows["implementations"], strict=True)
    ]
    return (
        f"A drop-in gives the same answer to every question. Drop-ins {'; '.join(parts)}. "
        "The baseline comes first; bold answers differ from its answers."
    )


def _dtypes(apart: pd.DataFrame, answered: pd.DataFrame) -> str:
    """Where a pair differs, if the run has other dtypes too."""
    dtypes = dict.fromkeys(dtype for dtypes in apart["dtypes"] for dtype in dtypes)
    return f" in {codes(dtypes)}" if len(dtypes) < answered["dtype"].nunique() else ""


def _bite(row: pd.Series, several_devices: bool) -> str:
    seen, usual = escape(_says(row)), escape(contracts.excess(row["usual"], units.absolute))
    places = zip(row["dtypes"], row["devices"], strict=True)
    where = codes(f"{dtype} on {device}" if several_devices else dtype for dtype, device in places)
    return f"{seen}{'' if row['everywhere'] else f' for {where}'} ({code(row['reference'])}: {usual})"


def _says(row: pd.Series) -> str:
    return BITES[row["question"]].says.format(contracts.excess(row["seen"], units.absolute))


def _more(apart: pd.DataFrame) -> str:
    return f"; and {len(apart) - MOST} more" if len(apart) > MOST else ""
