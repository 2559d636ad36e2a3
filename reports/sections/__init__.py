"""Sections: plain functions from table to table. Words and pictures are made of what they return."""

from reports.sections.answer import AS_FAST, answer, by_size, close_seconds
from reports.sections.by_case import latency, left_out, memory_and_error, of_group, shown, spread
from reports.sections.comparison import comparison, only_in_one
from reports.sections.environment import differences, environment, phases
from reports.sections.failures import failures
from reports.sections.operators import operators
from reports.sections.standings import standings
from reports.sections.table import GROUP, group_names, prepare

__all__ = [
    "AS_FAST",
    "GROUP",
    "answer",
    "by_size",
    "close_seconds",
    "comparison",
    "differences",
    "environment",
    "failures",
    "group_names",
    "latency",
    "left_out",
    "memory_and_error",
    "of_group",
    "only_in_one",
    "operators",
    "phases",
    "prepare",
    "shown",
    "spread",
    "standings",
]
