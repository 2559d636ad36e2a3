"""What stands behind the answer, made ready for the page: the tables of each group of cases, and profiles."""

from dataclasses import dataclass

import pandas as pd

from reports import sections
from reports.sections import GROUP
from reports.sections.speed import sentences as headlines
from reports.sections.speed import summary as wording

PROFILES = 4


@dataclass(frozen=True, kw_only=True)
class Group:
    """The tables of one group of cases; `rounds` says how often it was timed, `left_out` what only records.csv has."""

    name: str
    rounds: str
    latency: pd.DataFrame
    launches: pd.DataFrame
    first_calls: pd.DataFrame
    memory_and_error: pd.DataFrame
    left_out: str


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Where one case's time went."""

    case: str
    operators: pd.DataFrame


def groups(table: pd.DataFrame, standings: pd.DataFrame, answer: pd.DataFrame) -> list[Group]:
    """The tables of each group, in the order of the answer."""
    names = sections.group_names(answer)
    keys = (key for _, key in answer[GROUP].iterrows())
    return [
        _group(name, sections.of_group(table, key), sections.of_group(standings, key))
        for name, key in zip(names, keys, strict=True)
    ]


def profiles(operators: pd.DataFrame) -> list[Profile]:
    """The operators of at most `PROFILES` cases, evenly spread."""
    cases = sections.spread(list(operators["case"].unique()), PROFILES)
    return [Profile(case=case, operators=wording.operators(operators[operators["case"] == case])) for case in cases]


def _group(name: str, rows: pd.DataFrame, standings: pd.DataFrame) -> Group:
    shown = sections.shown(rows, standings)
    return Group(
        name=name,
        rounds=headlines.rounds(rows["rounds"]),
        latency=sections.latency(shown),
        launches=sections.launches(shown),
        first_calls=sections.first_calls(shown),
        memory_and_error=sections.memory_and_error(shown),
        left_out=sections.left_out(rows),
    )
