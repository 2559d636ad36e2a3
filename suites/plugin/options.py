"""The options of `pytest suites`, and what they lead to."""

import dataclasses
import inspect
import shlex
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pytest

from suites import git
from suites.environment import environment
from suites.families import FAMILIES, Family
from suites.measure import allocator
from suites.plan import Plan
from suites.records.record import Environment, Run


def add_options(parser: pytest.Parser) -> None:
    """Declare the options of the suites, all read once, by `plan_of`."""
    group = parser.getgroup("cosinebench", "cosinebench")
    group.addoption("--grid", default="quick", metavar="NAME|FILE", help="smoke, quick, full, gpu, or a TOML file")
    group.addoption("--device", metavar="DEVICE", help="cpu, cuda or mps; all that are there unless given")
    group.addoption("--implementations", metavar="A,B", help="only these; all unless given")
    group.addoption(
        "--implementations-from",
        action="append",
        metavar="FILE.py",
        help="add those that the file's function register(implementation) registers",
    )
    group.addoption("--inputs", metavar="FILE", help="your own embeddings: .npy, .pt or .safetensors")
    group.addoption("--precision", metavar="PERCENT", help="sample until each ratio is known to ± PERCENT")
    group.addoption("--seconds", metavar="S", help="or until S seconds are spent on a contestant and case")
    group.addoption("--processes", metavar="K", help="spread each case over K fresh processes")
    group.addoption(
        "--allocator",
        default="found",
        choices=allocator.REGIMES,
        help="the heap as the process finds it, or pinned, so that its history makes no difference",
    )
    group.addoption("--profile", action="store_true", help="trace operators too, under results/profiles/<run>/")
    group.addoption(
        "--resume",
        action="store_true",
        help="go on with the newest run that was cut short, or with that of --benchmark-save=NAME",
    )


def asks_for_suites(config: pytest.Config, root: Path) -> bool:
    """Whether the command line names the suites, a part of them, or a folder that they are in."""
    suites = root / "suites"
    named = [(config.invocation_params.dir / argument.partition("::")[0]).resolve() for argument in config.args]
    return any(path.is_relative_to(suites) or suites.is_relative_to(path) for path in named)


def require_one_process(config: pytest.Config) -> None:
    """Refuse pytest-xdist's workers: a `ValueError` that names the option to leave out."""
    if getattr(config.option, "dist", "no") != "no":
        raise ValueError(
            "-n measures in workers side by side, which disturb each other's samples; leave -n out "
            "(--processes K spreads each case over fresh processes, one after the other)"
        )


def plan_of(config: pytest.Config) -> Plan:
    """The plan that the options ask for; a `ValueError` says what is wrong with them, and what is known."""
    option = config.option
    return Plan.of(
        grid=option.grid,
        device=option.device,
        implementations=option.implementations,
        files=option.implementations_from,
        inputs=option.inputs,
        precision=option.precision,
        seconds=option.seconds,
        processes=option.processes,
        allocator=option.allocator,
    )


def _environment(regime: str) -> Environment:
    found = environment()
    return dataclasses.replace(found, allocator=f"{regime} {found.allocator}".strip())


def _expected(family: Family) -> tuple[str, str]:
    return family.expected, f"({family.issue})" if family.issue else ""


def run_of(config: pytest.Config, plan: Plan, name: str, absent: Mapping[str, str]) -> Run:
    """The head of the run that this session writes."""
    return Run(
        name=name,
        started=datetime.now().astimezone().isoformat(timespec="seconds"),
        grid=plan.grid.name,
        command=shlex.join(("python", "-m", "pytest", *config.invocation_params.args)),
        environment=_environment(plan.allocator),
        absent=absent,
        precision=plan.grid.precision,
        seconds=plan.grid.seconds,
        processes=plan.processes,
        inputs=plan.own.description if plan.own else "",
        about={entry.name: " ".join((inspect.getdoc(entry.fn) or "").split()) for entry in plan.implementations},
        families={name: " ".join(filter(None, _expected(FAMILIES[name]))) for name in plan.grid.families},
        fingerprints={**plan.fingerprints, "uncommitted changes": git.changes()},
    )
