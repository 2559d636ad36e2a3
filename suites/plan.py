"""The plan of a session: its options as cases and contestants."""

import dataclasses
import functools
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from implementations import Implementation, discovery, registry
from nearest import did_you_mean
from suites import environment
from suites.contestants import PlanError, against, chosen, contestants, unsolved
from suites.grid import Grid, GridError, load_grid
from suites.inputs import InputError, UserInputs, require_shape
from suites.option_values import TIME_LIMIT_S, count, number, time_limit_of
from suites.question import FittedGrid, Options
from suites.records import budget
from suites.records.case import CONTRACT, Case
from suites.words import by_reason

_MOST_PROCESSES = 100


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A grid's cases on this machine's devices, the contestants, and the user's rows by `Case.inputs`.

    `implementations` are those with a case. `left_out` maps what the grid has and this plan has not to the reason;
    `capped` says which shapes have more rows than there are.
    """

    grid: Grid
    cases: tuple[Case, ...]
    implementations: tuple[Implementation, ...]
    devices: tuple[str, ...]
    inputs: Mapping[str, UserInputs]
    left_out: Mapping[str, str]
    capped: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    processes: int = 1
    allocator: str = "found"
    baseline: str = ""
    error_budget: Mapping[str, float] = field(default_factory=dict)
    time_limit_s: float = TIME_LIMIT_S

    @classmethod
    def of(
        cls,
        *,
        grid: str,
        device: str | None = None,
        implementations: str | None = None,
        files: list[str] | None = None,
        inputs: Sequence[str] = (),
        queries: str | None = None,
        corpus: str | None = None,
        k: str | None = None,
        dtypes: str | None = None,
        precision: str | None = None,
        seconds: str | None = None,
        processes: str | None = None,
        allocator: str = "found",
        baseline: str | None = None,
        error_budget: str | None = None,
        time_limit: str | None = None,
    ) -> "Plan":
        """The plan for the options of these names, as typed; `files` is --implementations-from.

        Raises:
            PlanError, GridError, RegistryError, InputError, BudgetError: an option is invalid; the message lists valid
                values.
        """
        limits = budget.parse(error_budget) if error_budget is not None else {}
        if baseline is not None and not baseline.strip():
            raise PlanError("--baseline is empty; name an implementation, or leave it out")
        for file in files or ():
            discovery.load_file(Path(file))
        entries = chosen(implementations)
        devices = _devices(device)
        options = Options(inputs=inputs, queries=queries, corpus=corpus, k=k, dtypes=dtypes)
        fitted = FittedGrid.of(_sampled(load_grid(grid), precision, seconds), options)
        cases = fitted.grid.cases(devices)
        if not cases:
            reasons = "".join(f"; {text}" for text in by_reason(fitted.left_out))
            raise GridError(
                f"the grid {grid!r} has no case for the devices {', '.join(devices)}{reasons}; "
                "--grid NAME|FILE names another one"
            )
        _require_possible(grid, cases)
        taking_part = contestants(entries, cases, baseline or "", grid)
        unasked = unsolved(cases, taking_part)
        if fitted.grid.families and any((implementations, baseline, inputs, queries)):
            unasked["known_bugs"] = "they are torch's, not part of the question"
        return cls(
            grid=fitted.grid,
            cases=tuple(case for case in cases if case.task not in unasked),
            implementations=taking_part,
            devices=devices,
            inputs=fitted.files,
            left_out={**fitted.left_out, **unasked},
            capped=fitted.capped,
            files=tuple(files or ()),
            processes=count("--processes", processes, most=_MOST_PROCESSES) if processes is not None else 1,
            allocator=allocator,
            baseline=baseline or "",
            error_budget=limits,
            time_limit_s=time_limit_of(time_limit),
        )

    @property
    def fingerprints(self) -> dict[str, str]:
        """Digests of the contents of the grid, the implementations and the user's data; file names don't matter."""
        sources = [*Path(registry.__file__).parent.rglob("*.py"), *map(Path, self.files)]
        cases = dataclasses.replace(self.grid, name="", folder=Path(), seconds=0, precision=0)  # a run has the last two
        digests = {
            "grid": _digest(repr(cases).encode()),
            "implementations": _digest(*sorted(source.read_bytes() for source in sources)),
        }
        rows = [found.fingerprint for _, found in sorted(self.inputs.items())]
        return digests | ({"inputs": "-".join(rows)} if rows else {})

    @property
    def description(self) -> str:
        """What the cases take of the user's rows, in words; "" without any."""
        return ". ".join(rows.description(self.cases) for rows in self.inputs.values())

    @functools.cached_property
    def _by_id(self) -> dict[tuple[str, str], Case]:
        return {(case.task, case.id): case for case in self.cases}

    def keys(self, task: str) -> list[tuple[str, str]]:
        """The id of each case of the task, with the name of each of its implementations."""
        return [(case.id, entry.name) for case in self.cases if case.task == task for entry in self.contestants(case)]

    def case(self, task: str, case_id: str) -> Case:
        """The case of a task with this id."""
        return self._by_id[task, case_id]

    def contestant(self, name: str) -> Implementation:
        """The implementation of this name, as a contestant of this plan."""
        return against(registry.get(name), self.baseline)

    def contestants(self, case: Case) -> tuple[Implementation, ...]:
        """The implementations of the contract of the case."""
        return tuple(entry for entry in self.implementations if entry.task == CONTRACT[case.task])


def _digest(*contents: bytes) -> str:
    return hashlib.sha256(b"\0".join(contents)).hexdigest()[:12]


def _devices(asked: str | None) -> tuple[str, ...]:
    present = environment.devices()
    if asked is None:
        return present
    if asked not in registry.DEVICES:
        raise PlanError(f"--device: unknown device {asked!r}{did_you_mean(asked, registry.DEVICES)}")
    if asked not in present:
        raise PlanError(
            f"--device {asked}: torch {environment.torch_version()} finds no {asked} device here; "
            f"there is {' and '.join(present)}. For CUDA, `nvidia-smi` shows whether the driver sees the GPU"
        )
    return (asked,)


def _sampled(grid: Grid, precision: str | None, seconds: str | None) -> Grid:
    """The grid with the values of --precision and --seconds."""
    if precision is not None:
        percent = number("--precision", precision, "1, which is ± 1 % of a ratio", below=100)
        grid = dataclasses.replace(grid, precision=percent / 100)
    if seconds is not None:
        grid = dataclasses.replace(grid, seconds=number("--seconds", seconds, "0.5"))
    return grid


def _require_possible(grid: str, cases: tuple[Case, ...]) -> None:
    for case in cases:
        try:
            require_shape(case)
        except InputError as error:
            raise GridError(f"the grid {grid!r}: {error}") from error
