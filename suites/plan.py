"""The plan of a session: its options as cases and contestants."""

import dataclasses
import functools
import hashlib
import math
from dataclasses import dataclass
from pathlib import Path

from implementations import Implementation, discovery, registry
from nearest import did_you_mean, listed
from suites import environment
from suites.grid import Grid, GridError, OwnInputs, load_grid
from suites.inputs import InputError, UserInputs, inputs_name, load_file, require_shape
from suites.records.case import CONTRACT, RANK, Case

_MOST_PROCESSES = 100


class PlanError(ValueError):
    """Options that cannot be satisfied."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A grid's cases on this machine's devices, the contestants, and the user's own inputs if any."""

    grid: Grid
    cases: tuple[Case, ...]
    implementations: tuple[Implementation, ...]
    devices: tuple[str, ...]
    own: UserInputs | None
    files: tuple[str, ...] = ()
    inputs: str | None = None
    processes: int = 1
    allocator: str = "found"

    @classmethod
    def of(
        cls,
        *,
        grid: str,
        device: str | None = None,
        implementations: str | None = None,
        files: list[str] | None = None,
        inputs: str | None = None,
        precision: str | None = None,
        seconds: str | None = None,
        processes: str | None = None,
        allocator: str = "found",
    ) -> "Plan":
        """The plan for the options of these names, as typed; `files` is --implementations-from.

        Raises:
            PlanError, GridError, RegistryError, InputError: an option is invalid; the message lists valid values.
        """
        for file in files or ():
            discovery.load_file(Path(file))
        entries = tuple(map(registry.get, _names(implementations)))
        loaded, devices = _sampled(load_grid(grid), precision, seconds), _devices(device)
        own = load_file(Path(inputs)) if inputs else None
        cases = loaded.cases(devices, _own_inputs(own) if own else None)
        if not cases:
            raise GridError(
                f"the grid {grid!r} has no case for the devices {', '.join(devices)}"
                + (f" and the inputs {inputs!r}: it needs a task for data of that rank" if inputs else "")
                + "; --grid NAME|FILE names another one"
            )
        _require_possible(grid, cases, entries)
        return cls(
            grid=loaded,
            cases=cases,
            implementations=entries,
            devices=devices,
            own=own,
            files=tuple(files or ()),
            inputs=inputs,
            processes=_count("--processes", processes, most=_MOST_PROCESSES) if processes is not None else 1,
            allocator=allocator,
        )

    @property
    def fingerprints(self) -> dict[str, str]:
        """Digests of the contents of the grid, the implementations and the user's data; file names don't matter."""
        sources = [*Path(registry.__file__).parent.rglob("*.py"), *map(Path, self.files)]
        asked = dataclasses.replace(self.grid, name="", seconds=0, precision=0)  # a run has fields for the last two
        digests = {
            "grid": _digest(repr(asked).encode()),
            "implementations": _digest(*sorted(source.read_bytes() for source in sources)),
        }
        return digests | ({"inputs": self.own.fingerprint} if self.own else {})

    @property
    def left_out(self) -> dict[str, str]:
        """The tasks of the grid that need another rank than the user's own data, with the reason."""
        own = self.own
        return {b.task: why for b in self.grid.blocks if (why := own.misfit(b.task))} if own else {}

    @functools.cached_property
    def _by_id(self) -> dict[tuple[str, str], Case]:
        return {(case.task, case.id): case for case in self.cases}

    def keys(self, task: str) -> list[tuple[str, str]]:
        """The id of each case of the task, with the name of each of its implementations."""
        return [(case.id, entry.name) for case in self.cases if case.task == task for entry in self.contestants(case)]

    def case(self, task: str, case_id: str) -> Case:
        """The case of a task with this id."""
        return self._by_id[task, case_id]

    def contestants(self, case: Case) -> tuple[Implementation, ...]:
        """The implementations of the contract of the case."""
        return tuple(entry for entry in self.implementations if entry.task == CONTRACT[case.task])


def _digest(*contents: bytes) -> str:
    return hashlib.sha256(b"\0".join(contents)).hexdigest()[:12]


def _names(option: str | None) -> tuple[str, ...]:
    """The names in the option, each once; all names without the option."""
    if option is None:
        return registry.names()
    asked = tuple(dict.fromkeys(name.strip() for name in option.split(",") if name.strip()))
    if not asked:
        raise PlanError(f"--implementations names none; known: {listed(registry.names())}; `{registry.ALL}` lists all")
    return asked


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
        percent = _number("--precision", precision, "1, which is ± 1 % of a ratio", below=100)
        grid = dataclasses.replace(grid, precision=percent / 100)
    if seconds is not None:
        grid = dataclasses.replace(grid, seconds=_number("--seconds", seconds, "0.5"))
    return grid


def _number(option: str, text: str, example: str, below: float = math.inf) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < below:
        limit = "" if below == math.inf else f" and below {below:g}"
        raise PlanError(f"{option} is {text!r}; it has to be a number above 0{limit}, such as {example}")
    return number


def _count(option: str, text: str, most: int) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= most):
        raise PlanError(f"{option} is {text!r}; it has to be a whole number from 1 to {most}, such as 5")
    return int(text)


def _require_possible(grid: str, cases: tuple[Case, ...], entries: tuple[Implementation, ...]) -> None:
    for case in cases:
        try:
            require_shape(case)
        except InputError as error:
            raise GridError(f"the grid {grid!r}: {error}") from error
    tasks = dict.fromkeys(case.task for case in cases)
    if not any(entry.task == CONTRACT[task] for entry in entries for task in tasks):
        raise PlanError(
            f"--implementations: {', '.join(entry.name for entry in entries)} solve none of the tasks "
            f"of the grid {grid!r}: {', '.join(tasks)}"
        )


def _own_inputs(own: UserInputs) -> dict[str, OwnInputs]:
    shapes = {task: own.shape_for(task) for task in RANK}
    return {task: OwnInputs(shape, inputs_name(own)) for task, shape in shapes.items() if shape}
