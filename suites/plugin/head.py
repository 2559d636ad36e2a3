"""The head of the run that a session writes."""

import dataclasses
import inspect
import shlex
from collections.abc import Mapping
from datetime import datetime

import pytest

from suites import git
from suites.environment import environment
from suites.excerpt import excerpt
from suites.families import FAMILIES, Family
from suites.plan import Plan
from suites.records.record import Environment, Run


def _environment(regime: str, threads: int) -> Environment:
    found = environment()
    return dataclasses.replace(found, allocator=f"{regime} {found.allocator}".strip(), threads=threads)


def _expected(family: Family) -> tuple[str, str]:
    return family.expected, f"({family.issue})" if family.issue else ""


def run_of(config: pytest.Config, plan: Plan, name: str, absent: Mapping[str, str], threads: int) -> Run:
    """Return the head of the run that this session writes, with contestants on so many threads."""
    return Run(
        name=name,
        started=datetime.now().astimezone().isoformat(timespec="seconds"),
        grid=plan.grid.name,
        command=shlex.join(("python", "-m", "pytest", *config.invocation_params.args)),
        environment=_environment(plan.allocator, threads),
        absent=absent,
        precision=plan.grid.precision,
        seconds=plan.grid.seconds,
        processes=plan.processes,
        inputs=plan.description,
        about={entry.name: " ".join((inspect.getdoc(entry.fn) or "").split()) for entry in plan.implementations},
        sources={entry.name: excerpt(entry.fn) for entry in plan.implementations},
        families={name: " ".join(filter(None, _expected(FAMILIES[name]))) for name in plan.grid.families},
        fingerprints={**plan.fingerprints, "uncommitted changes": git.uncommitted()},
        baseline=plan.baseline,
        error_budget=plan.error_budget,
    )
