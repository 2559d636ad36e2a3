"""Sections: plain functions from table to table. Words and pictures are made of what they return."""

from reports.sections.comparison import comparison, only_in_one
from reports.sections.conditions import differences, endings, environment, phases
from reports.sections.failures import failures, flags
from reports.sections.operators import operators
from reports.sections.speed.answer import answer, by_size, close_seconds
from reports.sections.speed.by_case import (
    first_calls,
    latency,
    launches,
    left_out,
    memory_and_error,
    of_group,
    shown,
    spread,
)
from reports.sections.speed.standings import standings
from reports.sections.speed.table import FASTER, GROUP, SAME, SLOWER, group_names, prepare
from reports.sections.speed.verdicts import CHANCE, NOTICEABLE, comparisons, noise

__all__ = [
    "CHANCE",
    "FASTER",
    "GROUP",
    "NOTICEABLE",
    "SAME",
    "SLOWER",
    "answer",
    "by_size",
    "close_seconds",
    "comparison",
    "comparisons",
    "differences",
    "endings",
    "environment",
    "failures",
    "first_calls",
    "flags",
    "group_names",
    "latency",
    "launches",
    "left_out",
    "memory_and_error",
    "noise",
    "of_group",
    "only_in_one",
    "operators",
    "phases",
    "prepare",
    "shown",
    "spread",
    "standings",
]
